"""Passages: the sentences of a section one by one, and the two or three that are quoted where no
question asks what somebody wants to know."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.content.articles import MARK, Question

# Of a sentence, with the numbers of its sources; "St." and "Dr." end none.
END = re.compile(r"(?<!\bSt)(?<!\bDr)[.!?…](?:[\"')”’\]]|\s?\[\d+\])*(?=\s+[\"'(“‘A-Z0-9])")
ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s")
TABLE = re.compile(r"\s*\|")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a section, or an item of a list, as it stands there with the numbers of its
    sources. `block`: the place of its paragraph."""

    block: int
    text: str
    is_item: bool = False

    @property
    def words(self) -> str:
        """What it says, without the numbers and the sign of a list."""
        plain = ITEM.sub("", self.text, count=1) if self.is_item else self.text
        return " ".join(MARK.sub("", plain).split()).replace(" .", ".")


@functools.lru_cache(maxsize=4096)
def split_sentences(question: Question) -> tuple[Sentence, ...]:
    """The sentences of a question's section in their order, without tables."""
    blocks = [question.lead, *filter(None, question.more.split("\n\n"))]
    return tuple(
        Sentence(place, text, is_item)
        for place, block in enumerate(blocks)
        for line in block.split("\n")
        if line.strip() and not TABLE.match(line)
        for is_item in [bool(ITEM.match(line))]
        for text in ([line.strip()] if is_item else _split(line))
    )


def mark_sentence(name: str, sentence: Sentence) -> str:
    """What names a sentence of a question's section by its words: 12 hex digits."""
    return hashlib.sha256(f"{name}\0{sentence.words}".encode()).hexdigest()[:12]


def mark_all(questions: Iterable[Question]) -> dict[str, tuple[str, int]]:
    """{mark: (name of the question, place of the sentence in its section)}."""
    return {
        mark_sentence(question.name, sentence): (question.name, place)
        for question in questions
        for place, sentence in enumerate(split_sentences(question))
    }


def quote_sentence(question: Question, place: int) -> str:
    """The sentence at a place of a question's section with those beside it in its paragraph, word
    for word; an item of a list with what introduces the list."""
    sentences = split_sentences(question)
    best = sentences[place]
    beside = range(max(0, place - 1), min(len(sentences), place + 2))
    near = [sentences[i] for i in beside if _belong_together(sentences[i], best)]
    if not best.is_item:
        return " ".join(each.text for each in near)
    above = next((each for each in reversed(sentences[:place]) if not each.is_item), None)
    items = "\n".join(each.text for each in near)
    return f"{above.text}\n\n{items}" if above else items


def _belong_together(one: Sentence, other: Sentence) -> bool:
    return (one.block, one.is_item) == (other.block, other.is_item)


def _split(text: str) -> list[str]:
    """The sentences of a line of running text."""
    ends = [0, *(match.end() for match in END.finditer(text)), len(text)]
    pieces = (text[a:b].strip() for a, b in zip(ends, ends[1:], strict=False))
    return [piece for piece in pieces if piece]
