"""Phrases of an editor's lists, found in a text of any alphabet, whatever its accents and capitals:
`a/b` either word (`a-b` for one of several words), `a?` perhaps, `a*` any ending, `_` any one word,
`x > y`: both within five words, in either order, `x & y`: both in the text."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence

GAP = 5  # words that may lie between two parts joined by ">"
SIGNS = 8  # the same, where words have no blanks between them
HAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
PLAIN = str.maketrans("ıłøđىةں", "ilodيهن") | {0x640: None, 0x65F: None}
KEPT_MARKS = re.compile("[\u0900-\u093b\u093d-\u097f]")  # Devanagari's vowels
NUKTA, CHANDRABINDU, ANUSVARA = "\u093c", "\u0901", "\u0902"
STOPS = re.compile(r"[.!?;\n。！？…؟।]+")
WORD = re.compile(r"[^\W_]+(?:[\u0900-\u097f]+[^\W_]*)*|\.")


def fold_text(text: str) -> str:
    """The words of a text in small letters, without accents and apostrophes, a blank before and
    after each; " . " between sentences."""
    folded = unicodedata.normalize("NFKD", STOPS.sub(" . ", text).casefold())
    folded = folded.replace(CHANDRABINDU, ANUSVARA).replace(NUKTA, "")
    kept = "".join(
        sign for sign in folded if not unicodedata.combining(sign) or KEPT_MARKS.match(sign)
    )
    return f" {' '.join(WORD.findall(kept.translate(PLAIN)))} "


def stands_in(folded: str, phrase: str, unless: Iterable[str] = ()) -> bool:
    """Whether all parts of a phrase are found in a folded text, and no phrase of `unless` in the
    sentence of the first one."""
    parts = phrase.split("&")
    first = _find_part(parts[0], folded)
    if not first or not all(_find_part(part, folded) for part in parts[1:]):
        return False
    begin = folded.rfind(" . ", 0, first.start() + 1) + 1
    end = folded.find(" . ", first.end() - 1)
    sentence = " " + folded[begin : end if end >= 0 else len(folded)] + " "
    return not any(_find_part(part, sentence) for part in unless)


def split_phrases(lines: Iterable[str]) -> list[str]:
    """The phrases of lines in which commas separate them."""
    return [phrase.strip() for line in lines for phrase in line.split(",") if phrase.strip()]


def _find_part(part: str, folded: str) -> re.Match[str] | None:
    # nearly all parts are ruled out by it, in a fiftieth of the time
    return _compile_part(part).search(folded) if _piece_of(part) in folded else None


@functools.cache
def _piece_of(part: str) -> str:
    """The longest piece that stands in every text in which the part is found."""
    words = part.replace(">", " ").split() if not HAN.search(part) else part.split(">")
    fixed = [
        fold_text(word.removesuffix("*")).strip()
        for word in words
        if "/" not in word and not word.endswith("?") and word != "_"
    ]
    if HAN.search(part):
        fixed = [piece.replace(" ", "") for piece in fixed]
    return max(fixed, key=len, default="")


@functools.cache
def _compile_part(part: str) -> re.Pattern[str]:
    """A pattern of folded texts for words, with `a/b`, `a*`, `a?`, `_` and `>`."""
    if HAN.search(part):
        runs = [
            f"(?:{'|'.join(fold_text(word).replace(' ', '') for word in run.strip().split('/'))})"
            for run in part.split(">")
        ]
        return _either_way(runs, f".{{0,{SIGNS}}}?")
    steps = ["".join(map(_compile_word, step.split())) for step in part.split(">")]
    steps = [f"{step}(?= )" for step in steps]
    return _either_way(steps, f"(?: (?!\\.)[^ ]+){{0,{GAP}}}?")


def _either_way(steps: Sequence[str], gap: str) -> re.Pattern[str]:
    ways = [gap.join(steps), gap.join(reversed(steps))] if len(steps) > 1 else steps
    return re.compile("|".join(ways))


def _compile_word(word: str) -> str:
    """One word with the blank before it."""
    optional, word = word.endswith("?"), word.removesuffix("?")
    if word == "_":
        return " [^ .]+"
    choices = []
    for choice in word.split("/"):
        begin = " (?:[وفبل]?(?:ال)?)" if re.match("[\u0600-\u06ff]", choice) else " "
        ending = "[^ ]*" if choice.endswith("*") else ""
        choices.append(begin + " ".join(fold_text(choice.removesuffix("*")).split()) + ending)
    return f"(?:{'|'.join(choices)})" + ("?" if optional else "")
