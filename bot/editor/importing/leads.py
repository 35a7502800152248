"""The lead of a section: what of its text the chat shows, cut to the words that a lead may have."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.content import articles
from bot.editor.importing.blocks import ITEM, STEP, Block

# a sentence with the numbers behind it
SENTENCE = re.compile(r"\S.*?(?:[.!?][\"”’)]*(?:\s*\[\d+\])*(?=\s+[\"“(]?[A-Z0-9])|$)", re.DOTALL)
NO_END = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|e\.g|i\.e|vs|approx|No|Fig|al)|\b[A-Z])\.$")
LAST_MARKS = re.compile(r"(?:\s*\[\d+\])+$")


def cut_lead(written: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    """(lead, what stands below it) of a section's Blocks whose numbers of sources are written. A
    lead that can't be cut, a sentence of too many words, stays as it is."""
    first, *rest = written
    if first.kind in (ITEM, STEP):
        return _cut_list(written)
    if _count_words(first.text) <= articles.LEAD_WORDS:
        return [first], rest
    sentences = _split_sentences(first.text)
    taken = _count_fitting([_count_words(sentence) for sentence in sentences])
    lead, below = " ".join(sentences[:taken]), " ".join(sentences[taken:])
    marks = LAST_MARKS.search(first.text)
    if marks and not LAST_MARKS.search(lead):  # they stood for the whole paragraph
        lead += f" {marks[0].strip()}"
    return [replace(first, text=lead)], [*([replace(first, text=below)] if below else []), *rest]


def _cut_list(written: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    kind = written[0].kind
    length = next((n for n, block in enumerate(written) if block.kind != kind), len(written))
    taken = _count_fitting([_count_words(block.text) + 1 for block in written[:length]])
    return list(written[:taken]), list(written[taken:])


def _count_fitting(counts: Sequence[int]) -> int:
    """How many of the first pieces make a lead; one at least."""
    taken = words = 0
    for count in counts:
        words += count
        if taken and words > articles.LEAD_WORDS:
            break
        taken += 1
    return taken


def _split_sentences(text: str) -> list[str]:
    sentences: list[str] = []
    for sentence in SENTENCE.findall(text):
        if sentences and NO_END.search(sentences[-1]):
            sentences[-1] += f" {sentence}"
        else:
            sentences.append(sentence)
    return sentences


def _count_words(text: str) -> int:
    """The words of a text as the check counts them, with a number of its source."""
    return len(text.split()) + (not LAST_MARKS.search(text))
