"""The lines that masking is measured with, and how well it does on them.

tests/privacy/personal.yml and plain.yml: `tune` is what the masking was built on, `holdout` was
written before it and not looked at while it was built, `rare` holds names picked because they are
uncommon. tests/privacy/open.jsonl, by another hand, was tuned on too."""

from __future__ import annotations

import collections
import json
import re
from pathlib import Path

import yaml

from bot.privacy import masking
from bot.runtime.settings import ROOT

OPEN = ROOT / "tests/privacy/open.jsonl"
SHUT = ROOT / "tests/privacy/rounds"
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
    lines = yaml.safe_load((ROOT / "tests/privacy/personal.yml").read_text(encoding="utf-8"))[
        half
    ].splitlines()
    return [_unmark(line.replace("\\n", "\n")) for line in lines]


def read_plain(half: str) -> list[str]:
    """The messages of one half in which nothing may be masked."""
    return yaml.safe_load((ROOT / "tests/privacy/plain.yml").read_text(encoding="utf-8"))[
        half
    ].splitlines()


def read_articles() -> list[str]:
    """Every phrase and every line of text of the articles: nothing in them may be masked either."""
    lines: list[str] = []
    for path in sorted((ROOT / "data/articles").glob("*.md")):
        front, body = path.read_text(encoding="utf-8").split("---\n", 2)[1:]
        for question in yaml.safe_load(front)["questions"].values():
            lines.append(question["ask"])
        lines += [line for line in body.splitlines() if line.strip()]
    for path in sorted((ROOT / "data/phrases").glob("*.yml")):
        for lists in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).values():
            lines += [phrase for phrases in lists.values() for phrase in phrases]
    return lines


def read_lines(path: Path) -> list[tuple[str, list[tuple[int, int, str]]]]:
    """The lines of another hand: (text, [(start, end, kind)]), with the kinds that it used."""
    lines = []
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        spans, end = [], 0
        for span in row["spans"]:
            start = row["text"].find(span["text"], end)
            start = start if start >= 0 else row["text"].index(span["text"])
            end = start + len(span["text"])
            spans.append((start, end, span["kind"]))
        lines.append((row["text"], spans))
    return lines


def score_lines(lines: list[tuple[str, list[tuple[int, int, str]]]]) -> dict[str, list[int]]:
    """By kind, (pieces hidden, pieces); "structured" is all kinds but names, "ordinary" the lines
    without personal data in which something is masked, and all of these."""
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for text, marked in lines:
        found = masking.find_personal_data(text)
        if not marked:
            _add(counts["ordinary"], bool(found))
        covered = {place for span in found for place in range(span.start, span.end)}
        for start, end, kind in marked:
            hidden = all(i in covered for i in range(start, end) if text[i].isalnum())
            _add(counts[kind], hidden)
            if kind != "name":
                _add(counts["structured"], hidden)
    return dict(counts)


def _add(count: list[int], hit: bool) -> None:
    count[0] += hit
    count[1] += 1


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
    counts = {kind: collections.Counter() for kind in masking.KINDS}
    faults = []
    for text, marked in read_personal(half):
        found = masking.find_personal_data(text)
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
                    f"missed {kind}: {text[start:end]!r} in {text!r} -> {masking.mask_text(text)!r}"
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
    return [
        f"false: {text!r} -> {masked!r}"
        for text in texts
        if (masked := masking.mask_text(text)) != text
    ]
