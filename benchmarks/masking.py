"""How well personal data is masked: recall and precision of each kind, false masks, speed, memory.

`python benchmarks/masking.py` prints the table, `--json` the same as JSON, `--list` what was missed
or masked wrongly. The corpus is tests/masking/personal.yml and plain.yml: `tune` is what the
masking was built on, `holdout` was written before it and not looked at while it was built, `rare`
holds names picked because they are uncommon."""

from __future__ import annotations

import argparse
import collections
import json
import re
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MARK = re.compile(r"\{(\w+):(.*?)\}")
KINDS = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "address": "address",
    "birth": "birth date",
    "record": "record number",
    "card": "card",
}


def read_personal(half: str) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """The messages of one half ("tune", "holdout"): (text, [(start, end, kind)])."""
    lines = yaml.safe_load((ROOT / "tests/masking/personal.yml").read_text(encoding="utf-8"))[
        half
    ].splitlines()
    return [_unmark(line.replace("\\n", "\n")) for line in lines]


def read_plain(half: str) -> list[str]:
    """The messages of one half in which nothing may be masked."""
    return yaml.safe_load((ROOT / "tests/masking/plain.yml").read_text(encoding="utf-8"))[
        half
    ].splitlines()


def read_articles() -> list[str]:
    """Every phrase and every line of text of the articles: nothing in them may be masked either."""
    lines: list[str] = []
    for path in sorted((ROOT / "data/articles").glob("*.md")):
        front, body = path.read_text(encoding="utf-8").split("---\n", 2)[1:]
        for question in yaml.safe_load(front)["questions"].values():
            lines += [question["ask"], *question["train"], *question["test"]]
        lines += [line for line in body.splitlines() if line.strip()]
    return lines


def _unmark(line: str) -> tuple[str, list[tuple[int, int, str]]]:
    text, spans, end = "", [], 0
    for mark in MARK.finditer(line):
        text += line[end : mark.start()]
        spans.append((len(text), len(text) + len(mark[2]), KINDS[mark[1]]))
        text += mark[2]
        end = mark.end()
    return text + line[end:], spans


def score(half: str) -> tuple[dict, list[str]]:
    """Figures of one half by kind, and a line for each fault.

    hidden: marked spans of which no character stays visible; right: hidden under their own kind;
    wrong: masks of this kind that touch no marked span of any kind; precision: masks that touch a
    marked span of their own kind / all masks."""
    from bot import masking

    counts = {kind: collections.Counter() for kind in KINDS.values()}
    faults = []
    for text, marked in read_personal(half):
        found = masking.find(text)
        covered = {place for span in found for place in range(span.start, span.end)}
        for start, end, kind in marked:
            hidden = covered.issuperset(
                place for place in range(start, end) if text[place].isalnum()
            )
            counts[kind]["spans"] += 1
            counts[kind]["hidden"] += hidden
            counts[kind]["right"] += hidden and any(
                s.kind == kind and s.start < end and start < s.end for s in found
            )
            if not hidden:
                faults.append(
                    f"missed {kind}: {text[start:end]!r} in {text!r} -> {masking.mask(text)!r}"
                )
        for span in found:
            touched = {kind for start, end, kind in marked if span.start < end and start < span.end}
            counts[span.kind]["masks"] += 1
            counts[span.kind]["own"] += span.kind in touched
            if not touched:
                counts[span.kind]["wrong"] += 1
                faults.append(f"wrong {span.kind}: {text[span.start : span.end]!r} in {text!r}")
    return {kind: _ratios(count) for kind, count in counts.items() if count}, faults


def _ratios(count: collections.Counter) -> dict:
    return {
        "spans": count["spans"],
        "hidden": count["hidden"],
        "recall": round(count["hidden"] / max(1, count["spans"]), 4),
        "right_kind": round(count["right"] / max(1, count["spans"]), 4),
        "masks": count["masks"],
        "precision": round(count["own"] / max(1, count["masks"]), 4),
        "wrong": count["wrong"],
    }


def find_false(texts: list[str]) -> list[str]:
    """A line for each text in which something is masked, although it holds nothing personal."""
    from bot import masking

    return [
        f"false: {text!r} -> {masked!r}" for text in texts if (masked := masking.mask(text)) != text
    ]


def measure(rounds: int = 500) -> dict:
    """Milliseconds of processor time for messages of 2,000 characters.

    With three pieces of personal data ("usual"), none, one in 65 characters ("dense"), and rows of
    what the patterns start with (digits, capitals, "@", labels)."""
    from bot import masking

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
    return {name: _percentiles(masking.mask, text[:2000], rounds) for name, text in texts.items()}


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
    options = options.parse_args()
    before, start = read_rss(), time.perf_counter()
    from bot import masking

    masking.load()
    masking.mask("My name is Ann, born 1/2/1934, call 202-555-0143")
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
