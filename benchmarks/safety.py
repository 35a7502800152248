"""How well and how fast the screen reads: sensitivity, false alarms, latency.

python -m benchmarks.safety                     a table
python -m benchmarks.safety --json              the same for programs
python -m benchmarks.safety --rounds FILE       rules and net on the shut rounds, in a table and as
JSON in FILE; by kind, by style, in odd form, and the time of the screen
python -m benchmarks.safety --talks FILE        talks of several messages, heard as a visitor's
python -m benchmarks.safety --languages FILE    messages in other languages
python -m benchmarks.safety --real-words FILE   the `not_typos` of data/safety.yml, from lists
of one word a line"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np

from bot.conversation import joint_screening, screening
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen, net
from bot.store import stored_turns
from tests.support import danger_messages

ROOT = Path(__file__).resolve().parents[1]


def measure() -> dict:
    """Return sensitivity and false alarms by round and variant, and the processor time in ms by
    length of message."""
    loaded = danger_screen.load_screen(ROOT / "data")
    must, must_not = danger_messages.read("must_catch"), danger_messages.read("must_not_catch")
    figures = {"rounds": {}, "variants": {}, "latency_ms": {}}
    for name, keep in [("all", lambda m: True)] + [
        (str(n), lambda m, n=n: m.round == n) for n in danger_messages.rounds()
    ]:
        figures["rounds"][name] = _scores(loaded, filter(keep, must), filter(keep, must_not), str)
    for name, vary in danger_messages.VARIANTS.items():
        figures["variants"][name] = _scores(loaded, must, must_not, vary)
    phrases = danger_messages.phrases(ROOT / "data")
    figures["phrases"] = {
        "phrases": len(phrases),
        "false_alarms": sum(
            danger_screen.find_danger(loaded, phrase) is not None for phrase in phrases
        ),
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
    missed = [m.text for m in must if danger_screen.find_danger(loaded, vary(m.text)) is None]
    wrong = [
        m.text for m in must_not if danger_screen.find_danger(loaded, vary(m.text)) is not None
    ]
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
        danger_screen.find_danger(loaded, text)
        took.append(1000 * (time.thread_time() - start))
    took.sort()
    return {
        f"p{p}": round(took[min(len(took) - 1, len(took) * p // 100)], 2) for p in (50, 95, 99)
    } | {"n": len(took)}


ROUNDS = ROOT / "tests" / "safety" / "rounds"


async def measure_rounds() -> dict:
    """Return how rules and net of the live release do on the shut rounds, and how long they take.

    `alarm`: the visitor gets the fixed answer; `heard`: that, or the warning. The drawing of both
    thresholds is written into docs/images."""
    config = settings.read_settings()
    id = registry.live_release(config)
    rules = danger_screen.load_screen(registry.folder_of(config, id) / "data")
    listener = screening.open_listener(config, id, rules)
    screening.SECONDS = 60  # a busy machine is no reason to hear less here
    given = [
        json.loads(line) | {"round": path.stem}
        for path in sorted(ROUNDS.glob("round-*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    rows = await _judge(listener, given)
    _draw(listener, rows, ROOT / "docs/images/screen.svg")
    ordinary = [
        line
        for line in (ROOT / "tests" / "limits" / "personal_advice.txt").read_text().splitlines()
        if line and not line.startswith(("#", "="))
    ]
    figures = {"all": _share(rows), "kinds": {}, "styles": {}, "rounds": {}, "variants": {}}
    for part, key in (("kinds", "kind"), ("styles", "style"), ("rounds", "round")):
        for name in sorted({row[key] for row in rows}):
            figures[part][name] = _share([row for row in rows if row[key] == name])
    figures["odd form"] = _share(await _judge(listener, _read_rows(ROUNDS / "odd-form.jsonl")))
    for name in VARIED:
        varied = [row | {"text": danger_messages.VARIANTS[name](row["text"])} for row in given[::2]]
        figures["variants"][name] = _share(await _judge(listener, varied))
    for name, texts in (
        ("phrases", danger_messages.phrases(ROOT / "data")),
        ("questions of advice", ordinary),
    ):
        harmless = [{"text": text, "danger": False} for text in texts]
        figures[name] = _share(await _judge(listener, harmless))
    figures["latency_ms"] = await _time_screen(listener, [row["text"] for row in rows])
    return figures


def _draw(listener, rows, path):
    """Dangers caught against false alarms, by the score of the net, with both thresholds."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "safety", "svg.fonttype": "none"})
    from matplotlib import pyplot

    scores = np.array([listener.rate(row["text"]) for row in rows])
    danger = np.array([row["danger"] for row in rows])

    def shares(threshold):
        return [100 * float(np.mean(scores[side] >= threshold)) for side in (~danger, danger)]

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    axes.plot(*zip(*map(shares, np.sort(scores)[::-4]), strict=True), label="the net")
    for name, threshold in zip(("alarm", "warning"), listener.net.thresholds, strict=True):
        point = shares(threshold)
        axes.plot(*point, "o", label=f"{name}: {point[1]:.1f} % at {point[0]:.1f} %")
    axes.set(xlabel="look-alikes, %", ylabel="dangers heard, %", xlim=(0, 30), ylim=(50, 100))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")


VARIED = ("after a long story", "amid a long story", "a letter dropped", "a letter changed")


async def _judge(listener, rows):
    """The rows, each with what rules and net say of its text, and the verdict on it."""
    made = []
    for row in rows:
        text, rules = row["text"], listener.screen
        verdict = await screening.screen_message(rules, listener, text)
        judged = listener.judge(text)
        kind = verdict.danger and verdict.danger.kind
        made.append(
            row
            | {
                "rules": danger_screen.find_danger(rules, text) is not None,
                "net": judged is not None and judged.tier == net.ALARM,
                "net_heard": judged is not None,
                "alarm": verdict.danger is not None,
                "heard": bool(verdict.danger or verdict.warning),
                "right": kind == rules.kinds.get(row.get("kind"), {}).get("kind"),
            }
        )
    return made


def _share(rows) -> dict:
    """The shares of dangers and look-alikes that the rules, the net, both and the warning hear."""
    found = {}
    for side, danger in (("dangers", True), ("lookalikes", False)):
        those = [row for row in rows if row["danger"] == danger]
        if not those:
            continue
        alarms = [row for row in those if row["alarm"]]
        found[side] = {
            "n": len(those),
            "rules": sum(row["rules"] for row in those) / len(those),
            "net": sum(row["net"] for row in those) / len(those),
            "net_or_warning": sum(row["net_heard"] for row in those) / len(those),
            "alarm": len(alarms) / len(those),
            "heard": sum(row["heard"] for row in those) / len(those),
        }
        if danger and alarms:
            found[side]["right_kind"] = sum(row["right"] for row in alarms) / len(alarms)
    return found


async def _time_screen(listener, texts) -> dict:
    """Processor time in ms of the whole screen, for messages as written, and of 2,000 signs."""
    worst = ["i " * 1000, "?" * 2000, "xq" * 1000, ". ".join(texts)[:2000]]
    found = {}
    for name, some in (("as written", texts[::2]), ("2000 characters", worst * 5)):
        took = []
        for text in some:
            start = time.process_time()
            await screening.screen_message(listener.screen, listener, text)
            took.append(1000 * (time.process_time() - start))
        found[name] = {f"p{p}": round(float(np.percentile(took, p)), 2) for p in (50, 99, 100)} | {
            "n": len(took)
        }
    return found


def _read_rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


async def measure_talks(path: Path) -> dict:
    """Return, by sort of talk, at how many a message is alarmed, and the last one is. The rules
    are those of data/, the net that of the live release.

    A line is {messages, danger} or {messages, sort, goes_on}; of a talk after an alarm (sort
    "after") the first message is left out."""
    config, rules = settings.read_settings(), danger_screen.load_screen(ROOT / "data")
    listener = screening.open_listener(config, registry.live_release(config), rules)
    screening.SECONDS = 60  # a busy machine is no reason to hear less here
    figures = {}
    for row in _read_rows(path):
        sort = row.get("sort") or ("danger" if row["danger"] else "lookalike")
        if sort == "after":
            sort = "after an alarm, goes on" if row["goes_on"] else "after an alarm, over"
        earlier, alone = [], []
        for text in row["messages"]:
            verdict = await screening.screen_message(rules, listener, text)
            alone.append(verdict.danger is not None)
            verdict = await joint_screening.screen_jointly(
                rules, listener, earlier[-stored_turns.MOST_RECENT :], text, verdict
            )
            earlier.append(stored_turns.Recent(text, verdict.danger is not None))
        alarms = [turn.danger for turn in earlier][sort.startswith("after") :]
        counted = figures.setdefault(sort, {"n": 0, "alarmed": 0, "at the last": 0, "alone": 0})
        counted["n"] += 1
        counted["alarmed"] += any(alarms)
        counted["at the last"] += alarms[-1]
        counted["alone"] += any(alone[sort.startswith("after") :])
    return figures


async def measure_languages(path: Path) -> dict:
    """Return, by language, at how many dangers the fixed answer is given in that language, of the
    right kind, or at all; and of harmless messages, how many are alarmed, and how many get their
    language's sentence. A line is {text, language, danger, kind}."""
    rules, figures = danger_screen.load_screen(ROOT / "data"), {}
    for row in _read_rows(path):
        verdict = await screening.screen_message(rules, None, row["text"])
        reply = danger_screen.danger_reply(rules, verdict.danger, "GB") if verdict.danger else {}
        if verdict.language and not verdict.danger:
            reply = danger_screen.decline_language(rules, verdict.language, "GB")
        own = reply.get("language") == NAMES.get(row["language"].lower(), row["language"][:2])
        kind = rules.kinds.get(row["kind"], {}).get("kind", row["kind"])
        counted = figures.setdefault(row["language"], dict.fromkeys(SPOKEN, 0))
        side = "dangers" if row["danger"] else "harmless"
        counted[side] += 1
        counted[f"{side}, alarmed"] += verdict.danger is not None
        counted[f"{side}, in the language"] += own and (verdict.danger is not None) == row["danger"]
        counted["right kind"] += bool(row["danger"] and verdict.danger) and reply["kind"] == kind
    figures["all"] = {key: sum(row[key] for row in figures.values()) for key in SPOKEN}
    return figures


NAMES = {
    "spanish": "es",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "portuguese": "pt",
    "polish": "pl",
    "turkish": "tr",
    "arabic": "ar",
    "hindi": "hi",
    "ukrainian": "uk",
    "russian": "ru",
    "chinese": "zh",
}
SPOKEN = (
    "dangers",
    "dangers, in the language",
    "dangers, alarmed",
    "right kind",
    "harmless",
    "harmless, in the language",
    "harmless, alarmed",
)


def print_table(figures: dict) -> None:
    """Print {row: {column: number}}."""
    columns = list(next(iter(figures.values())))
    print(f"| messages | {' | '.join(columns)} |\n| --- {'| --- ' * len(columns)}|")
    for name, row in figures.items():
        print(f"| {name} | {' | '.join(str(row[key]) for key in columns)} |")


def print_rounds(figures) -> None:
    columns = ("rules", "net", "net_or_warning", "alarm", "heard", "right_kind")
    print(f"| messages | n | {' | '.join(columns)} | false: {' | '.join(columns[:-1])} |")
    print("| --- " * (2 * len(columns) + 1) + "|")
    groups = {
        "all": figures["all"],
        **{f"kind: {name}": row for name, row in figures["kinds"].items()},
        **{f"style: {name}": row for name, row in figures["styles"].items()},
        **figures["rounds"],
        "odd form": figures["odd form"],
        **figures["variants"],
        "phrases of articles and talk": figures["phrases"],
        "questions of advice": figures["questions of advice"],
    }
    for name, row in groups.items():
        dangers, others = row.get("dangers", {}), row.get("lookalikes", {})
        cells = [f"{dangers[key]:.1%}" if key in dangers else "" for key in columns]
        cells += [f"{others[key]:.1%}" if key in others else "" for key in columns[:-1]]
        n = dangers.get("n", 0) + others.get("n", 0)
        print(f"| {name} | {n} | {' | '.join(cells)} |")
    print("\n| processor time, ms | p50 | p99 | worst |\n| --- | --- | --- | --- |")
    for name, row in figures["latency_ms"].items():
        print(f"| {name} | {row['p50']} | {row['p99']} | {row['p100']} |")


def real_words(files: list[Path]) -> str:
    """Return the words of the files that the screen would take for a slip, as the lines of
    `not_typos`."""
    loaded = danger_screen.load_screen(ROOT / "data")
    words = {word.strip() for file in files for word in file.read_text("utf-8").splitlines()}
    words = sorted(word for word in words if word.isascii() and word.isalpha() and word.islower())
    near = [word for word in words if danger_screen.is_slip(loaded, word)]
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
    parser.add_argument("--rounds", type=Path, metavar="FILE")
    parser.add_argument("--real-words", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--talks", type=Path, metavar="FILE")
    parser.add_argument("--languages", type=Path, metavar="FILE")
    chosen = parser.parse_args(args)
    if chosen.talks or chosen.languages:
        measured = (
            measure_talks(chosen.talks) if chosen.talks else measure_languages(chosen.languages)
        )
        figures = asyncio.run(measured)
        print(json.dumps(figures, indent=1)) if chosen.json else print_table(figures)
        return
    if chosen.real_words:
        print(real_words(chosen.real_words))
        return
    if chosen.rounds:
        figures = asyncio.run(measure_rounds())
        chosen.rounds.write_text(json.dumps(figures, indent=1) + "\n")
        print_rounds(figures)
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
