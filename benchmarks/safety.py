"""How well and how fast the screen reads: sensitivity, false alarms, latency.

python -m benchmarks.safety                     a table
python -m benchmarks.safety --json              the same for programs
python -m benchmarks.safety --real-words FILE   the `not_typos` of data/safety.yml, from lists
of one word a line"""

import argparse
import json
import sys
import time
from pathlib import Path

from bot import safety
from tests.safety import messages

ROOT = Path(__file__).resolve().parents[1]


def measure() -> dict:
    """Return sensitivity and false alarms by round and variant, and the processor time in ms by
    length of message."""
    loaded = safety.load(ROOT / "data")
    must, must_not = messages.read("must_catch"), messages.read("must_not_catch")
    figures = {"rounds": {}, "variants": {}, "latency_ms": {}}
    for name, keep in [("all", lambda m: True)] + [
        (str(n), lambda m, n=n: m.round == n) for n in messages.rounds()
    ]:
        figures["rounds"][name] = _scores(loaded, filter(keep, must), filter(keep, must_not), str)
    for name, vary in messages.VARIANTS.items():
        figures["variants"][name] = _scores(loaded, must, must_not, vary)
    phrases = messages.phrases(ROOT / "data")
    figures["phrases"] = {
        "phrases": len(phrases),
        "false_alarms": sum(safety.screen(loaded, phrase) is not None for phrase in phrases),
    }
    harmless = [message.text for message in must_not]
    long = [". ".join(harmless[i:])[:2000] for i in range(0, len(harmless) - 80, 2)]
    for name, texts in (
        ("as written", harmless + [message.text for message in must]),
        ("2000 characters", long),
    ):
        figures["latency_ms"][name] = _latency(loaded, texts)
    return figures


def _scores(loaded, must, must_not, vary) -> dict:
    must, must_not = list(must), list(must_not)
    missed = [m.text for m in must if safety.screen(loaded, vary(m.text)) is None]
    wrong = [m.text for m in must_not if safety.screen(loaded, vary(m.text)) is not None]
    return {
        "must_catch": len(must),
        "missed": len(missed),
        "sensitivity": round(1 - len(missed) / len(must), 4),
        "must_not_catch": len(must_not),
        "false": len(wrong),
        "false_alarms": round(len(wrong) / len(must_not), 4),
    }


def _latency(loaded, texts: list[str]) -> dict:
    took = []
    for text in texts:
        start = time.thread_time()
        safety.screen(loaded, text)
        took.append(1000 * (time.thread_time() - start))
    took.sort()
    return {
        f"p{p}": round(took[min(len(took) - 1, len(took) * p // 100)], 2) for p in (50, 95, 99)
    } | {"n": len(took)}


def real_words(files: list[Path]) -> str:
    """Return the words of the files that the screen would take for a slip, as the lines of
    `not_typos`."""
    loaded = safety.load(ROOT / "data")
    words = {word.strip() for file in files for word in file.read_text("utf-8").splitlines()}
    words = sorted(word for word in words if word.isascii() and word.isalpha() and word.islower())
    near = [word for word in words if safety.is_slip(loaded, word)]
    lines, line = [], " "
    for word in near:
        if len(line) + len(word) > 114:
            lines.append(line)
            line = " "
        line += " " + word
    return "\n".join([*lines, line])


def main(args=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--real-words", nargs="+", type=Path, metavar="FILE")
    chosen = parser.parse_args(args)
    if chosen.real_words:
        print(real_words(chosen.real_words))
        return
    figures = measure()
    if chosen.json:
        json.dump(figures, sys.stdout, indent=1)
        return
    print(
        "| messages | must be caught | sensitivity | must not | false alarms |\n| --- | --- | "
        "--- | --- | --- |"
    )
    for name, row in [
        (f"round {n}" if n != "all" else n, r) for n, r in figures["rounds"].items()
    ] + [*figures["variants"].items()]:
        print(
            f"| {name} | {row['must_catch']} | {row['sensitivity']:.1%} | "
            f"{row['must_not_catch']} | "
            f"{row['false_alarms']:.1%} |"
        )
    print(
        f"\nFalse alarms on {figures['phrases']['phrases']} phrases of the articles and the talk: "
        f"{figures['phrases']['false_alarms']}\n\n"
        "| processor time, ms | p50 | p95 | p99 |\n| --- | --- | --- | --- |"
    )
    for name, row in figures["latency_ms"].items():
        print(f"| {name} | {row['p50']} | {row['p95']} | {row['p99']} |")


if __name__ == "__main__":
    main()
