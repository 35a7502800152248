"""How well personal data is masked: recall and precision of each kind, false masks, speed, memory.

`python -m benchmarks.masking` prints the table, `--json` the same as JSON, `--list` what was missed
or masked wrongly; `--shut` measures the lines of tests/privacy/rounds too, by kind and nothing
else. What it is measured with: tests/support/masking_figures.py."""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

from bot.privacy import masking
from tests.support.masking_figures import (
    OPEN,
    SHUT,
    find_false,
    read_articles,
    read_lines,
    read_personal,
    read_plain,
    score,
    score_lines,
)


def print_lines(title: str, counts: dict[str, list[int]]) -> None:
    """The shares by kind as a Markdown table."""
    print(f"\n| {title} | pieces or lines | hidden, or touched |\n| --- | --- | --- |")
    for kind, (hits, total) in sorted(counts.items()):
        print(f"| {kind} | {total} | {hits / max(1, total):.1%} |")


def measure(rounds: int = 500) -> dict:
    """Milliseconds of processor time for messages of 2,000 characters.

    With three pieces of personal data ("usual"), none, one in 65 characters ("dense"), and rows of
    what the patterns start with (digits, capitals, "@", labels)."""
    plain = ". ".join(read_plain("tune"))
    texts = {
        "usual": f"My name is Sarah Jones. {plain[:1900]}. Call me on 07700 900123 or write to "
        f"sarah@example.com",
        "none": plain,
        "dense": " ".join(text for text, _ in read_personal("tune")),
        "digits": "1 22 333 4444 " * 200,
        "capitals": "Aa Bb " * 400,
        "at signs": "a@a.a-" * 400,
        "labels": "nhs number is name is my son " * 80,
    }
    return {
        name: _percentiles(masking.mask_text, text[:2000], rounds) for name, text in texts.items()
    }


def _percentiles(function, text: str, rounds: int) -> dict:
    for _ in range(20):
        function(text)
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        function(text)
        times.append((time.thread_time() - start) * 1000)
    times.sort()
    return {"p50_ms": round(times[rounds // 2], 3), "p99_ms": round(times[int(rounds * 0.99)], 3)}


def read_rss() -> float | None:
    """This process's memory in MB, where /proc tells (Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    return int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) / 1024


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true")
    options.add_argument("--list", action="store_true")
    options.add_argument("--shut", action="store_true")
    options = options.parse_args()
    before, start = read_rss(), time.perf_counter()
    masking.load_lists()
    masking.mask_text("My name is Ann, born 1/2/1934, call 202-555-0143")
    loaded, after = time.perf_counter() - start, read_rss()
    halves, faults = {}, []
    for half in ("tune", "holdout", "rare"):
        halves[half], new = score(half)
        faults += [f"[{half}] {fault}" for fault in new]
    plain = {half: read_plain(half) for half in ("tune", "holdout")} | {"articles": read_articles()}
    false = {name: find_false(texts) for name, texts in plain.items()}
    result = {
        "kinds": halves,
        "false": {
            name: {"texts": len(plain[name]), "masked": len(lines)} for name, lines in false.items()
        },
        "latency_2000_characters": measure(),
        "load_s": round(loaded, 3),
        "rss_added_mb": round(after - before, 1) if before else None,
    }
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print_table(result)
    print_lines("open lines of another hand", score_lines(read_lines(OPEN)))
    if options.shut:
        for path in sorted(SHUT.glob("*.jsonl")):
            print_lines(path.name, score_lines(read_lines(path)))
    if options.list:
        print(
            "\n".join(
                [*faults, *(f"[{name}] {line}" for name, lines in false.items() for line in lines)]
            )
        )


def print_table(result: dict) -> None:
    """The result as a Markdown table."""
    for half, kinds in result["kinds"].items():
        print(f"\n| {half} | spans | recall | right kind | precision | wrong masks |")
        print("| --- | --- | --- | --- | --- | --- |")
        for kind, row in kinds.items():
            shares = " | ".join(
                f"{row[share]:.1%}" for share in ("recall", "right_kind", "precision")
            )
            print(f"| {kind} | {row['spans']} | {shares} | {row['wrong']} |")
    print(
        "\nMasked although nothing personal is in it: "
        + ", ".join(
            f"{row['masked']} of {row['texts']} ({name})" for name, row in result["false"].items()
        )
    )
    print("\n| 2,000 characters | p50 | p99 |\n| --- | --- | --- |")
    for name, row in result["latency_2000_characters"].items():
        print(f"| {name} | {row['p50_ms']:.2f} ms | {row['p99_ms']:.2f} ms |")
    print(f"\nSet-up {result['load_s']} s, memory +{result['rss_added_mb']} MB")


if __name__ == "__main__":
    main()
