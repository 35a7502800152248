"""How well each sentence of an article answers a message, and how likely the best one does.

A sentence is compared by its meaning (alone, below its section's question, and with those beside
it), by the rare words that it shares, and by what the classifier thinks of its section's question.
RANK and CHANCE were learned of open messages alone; docs/understanding.md has the figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = Mapping[str, float]

# What of a message tells whether the best sentence answers it, and what each weighs in the logit:
# the share of the sentence and those beside it in all scores; how much of its rare words they hold;
# its length, as a part of LONGEST words; how likely it is that no section answers it
# (bot/rasa/decision.py); whether it names more than the article's subject.
CHANCE = {"share": 2.89, "held": 2.16, "length": 1.84, "unanswered": -1.52, "named": -0.66}
OFFSET = -3.14
LONGEST = 25
# The chance from which a passage is quoted: where a wrong one (`answer_from_elsewhere` of
# config.yml) costs less than asking back in vain; and from which it is without reserve.
QUOTED, SURE = 0.375, 0.8
# What the five comparisons weigh in a sentence's score: `ALONE`, `BELOW` its question and `NEAR`
# (with those beside it) are cosines, `WORDS` is one of TF-IDF, `SHARE` the logarithm of the share
# that its question has of all of its article, of LEAST at least, as a part of LEAST's.
ALONE, BELOW, NEAR, WORDS, SHARE = 4.0, 8.0, 6.0, 7.0, 4.0
LEAST = 1e-4
ENDINGS = ("ings", "ing", "edly", "ed", "ies", "es", "s", "ly")
SHORTEST = 3  # letters that an ending leaves


@dataclass(frozen=True)
class Section:
    """A question's section: its article, that one's `subject`, the question as it is asked, the
    terms that it `mentions`, and of each sentence what names it, what it says, and the place of its
    paragraph (bot/content/passages.py)."""

    question: str
    article: str
    subject: str
    ask: str
    mentions: Sequence[str]
    sentences: Sequence[tuple[str, str, int]]


@dataclass(frozen=True)
class Sentence:
    """A sentence of a section, as it is compared: what names it, its paragraph's place, its words
    and their TF-IDF, and the words of what is quoted with it."""

    mark: str
    section: Section
    block: int
    words: Weights
    quoted: frozenset[str]


@dataclass(frozen=True)
class PassageIndex:
    """The sentences of each article and the rows of their vectors; the vectors, float32 [n, 384] of
    length 1: of each sentence alone, below its question, and with those beside it; how rare a word
    is in the articles, and in what people say, where one that nobody said is `unheard`."""

    sentences: Mapping[str, Sequence[Sentence]]
    rows: Mapping[str, NDArray[np.int64]]
    alone: Floats
    below: Floats
    near: Floats
    rarity: Weights
    spoken: Weights
    unheard: float


@dataclass(frozen=True)
class Asked:
    """A message: its text and the text's vector, {question: its share of all of its article}, and
    the terms that it is about."""

    text: str
    vector: Floats
    shares: Weights
    named: frozenset[str]


@dataclass(frozen=True)
class Found:
    """The best sentence for a message, and the `numbers` that tell whether it answers it."""

    sentence: Sentence
    numbers: Weights


def list_texts(sections: Iterable[Section]) -> dict[str, list[str]]:
    """{name of a vector: the text of each sentence that it is made of}."""
    texts: dict[str, list[str]] = {"alone": [], "below": [], "near": []}
    for section in sections:
        for place, (_, words, _) in enumerate(section.sentences):
            texts["alone"].append(words)
            texts["below"].append(f"{section.ask} {words}")
            texts["near"].append(" ".join(_beside(section, place)))
    return texts


def count_spoken(texts: Iterable[str]) -> dict[str, Any]:
    """What `make_index` needs of what people say: {texts, words: {word: in how many}}."""
    listed = [set(find_stems(text)) for text in texts]
    counts = Counter(word for words in listed for word in words)
    return {"texts": len(listed), "words": dict(counts)}


def make_index(
    sections: Sequence[Section], spoken: Mapping[str, Any], vectors: Mapping[str, Floats]
) -> PassageIndex:
    """The PassageIndex of sections; `spoken`: what count_spoken gave; `vectors`: of the texts of
    list_texts."""
    stems = [find_stems(words) for section in sections for _, words, _ in section.sentences]
    counts = Counter(word for listed in stems for word in set(listed))
    rarity = {word: 1 + _rarity(len(stems), count) for word, count in counts.items()}
    sentences: dict[str, list[Sentence]] = {}
    rows: dict[str, list[int]] = {}
    row = 0
    for section in sections:
        for place, (mark, _, block) in enumerate(section.sentences):
            quoted = find_stems(" ".join((section.ask, *_beside(section, place))))
            made = Sentence(mark, section, block, _weigh(stems[row], rarity), frozenset(quoted))
            sentences.setdefault(section.article, []).append(made)
            rows.setdefault(section.article, []).append(row)
            row += 1
    return PassageIndex(
        sentences,
        {article: np.array(listed) for article, listed in rows.items()},
        _unit(vectors["alone"]),
        _unit(vectors["below"]),
        _unit(vectors["near"]),
        rarity,
        {word: _rarity(spoken["texts"], count) for word, count in spoken["words"].items()},
        _rarity(spoken["texts"], 0),
    )


def find_best(index: PassageIndex, article: str, asked: Asked) -> Found | None:
    """The sentence of an article that answers a message best, of a section that speaks of all that
    it names; None where there is none."""
    listed = [
        (row, each)
        for row, each in zip(
            index.rows.get(article, ()), index.sentences.get(article, ()), strict=True
        )
        if asked.named <= {each.section.subject, *each.section.mentions}
    ]
    if not listed:
        return None
    sentences = [each for _, each in listed]
    scores = _score(index, np.array([row for row, _ in listed]), sentences, asked)
    parts = np.exp(scores - scores.max())
    parts /= parts.sum()
    place = int(np.argmax(scores))
    best = sentences[place]
    near = [
        i
        for i in range(max(0, place - 1), min(len(sentences), place + 2))
        if sentences[i].section is best.section and sentences[i].block == best.block
    ]
    stems = set(find_stems(asked.text))
    rare = {word: index.spoken.get(word, index.unheard) for word in stems}
    held = sum(weight for word, weight in rare.items() if word in best.quoted)
    numbers = {
        "share": float(parts[near].sum()),
        "held": held / (sum(rare.values()) or 1.0),
        "length": min(len(stems), LONGEST) / LONGEST,
        "named": float(bool(asked.named - {best.section.subject})),
    }
    return Found(best, numbers)


def _score(
    index: PassageIndex, rows: NDArray[np.int64], sentences: Sequence[Sentence], asked: Asked
) -> NDArray[np.float64]:
    """The score of each of these sentences, whose vectors stand in these rows."""
    vector = asked.vector / max(float(np.linalg.norm(asked.vector)), 1e-9)
    words = _weigh(find_stems(asked.text), index.rarity)
    shares = [max(asked.shares.get(each.section.question, 0.0), LEAST) for each in sentences]
    scores: NDArray[np.float64] = (
        ALONE * (index.alone[rows] @ vector)
        + BELOW * (index.below[rows] @ vector)
        + NEAR * (index.near[rows] @ vector)
        + WORDS * np.array([_compare(words, each.words) for each in sentences])
        - SHARE * np.log(shares) / np.log(LEAST)
    )
    return scores


def find_chance(numbers: Weights, ways: Weights) -> float:
    """The probability that a sentence answers a message: its `numbers`, and in which `ways` the
    message may be meant."""
    known = {**numbers, **ways}
    logit = OFFSET + sum(weight * known[name] for name, weight in CHANCE.items())
    return float(1 / (1 + np.exp(-logit)))


def _compare(one: Weights, other: Weights) -> float:
    """The cosine of two texts' words."""
    return sum(weight * other.get(word, 0.0) for word, weight in one.items())


def _beside(section: Section, place: int) -> list[str]:
    """The words of a sentence and of those beside it in its paragraph."""
    listed, block = section.sentences, section.sentences[place][2]
    return [words for _, words, other in listed[max(0, place - 1) : place + 2] if other == block]


def _unit(vectors: Floats) -> Floats:
    """The vectors in float32, each of length 1."""
    vectors = vectors.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def _rarity(total: int, count: int) -> float:
    return float(np.log((1 + total) / (1 + count)))


def _weigh(stems: Sequence[str], rarity: Weights) -> dict[str, float]:
    """{word: its TF-IDF} of a text, together of length 1."""
    counts = Counter(word for word in stems if word in rarity)
    weights = {word: (1 + np.log(count)) * rarity[word] for word, count in counts.items()}
    length = float(np.sqrt(sum(weight**2 for weight in weights.values()))) or 1.0
    return {word: float(weight) / length for word, weight in weights.items()}


def find_stems(text: str) -> list[str]:
    """The words of a text without their endings."""
    return [_stem(word) for word in re.findall(r"[^\W_]+", text.lower().replace("'", ""))]


def _stem(word: str) -> str:
    for ending in ENDINGS:
        is_double = ending == "s" and word.endswith("ss")
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST and not is_double:
            word = word.removesuffix(ending) + ("y" if ending == "ies" else "")
            break
    return word[:-1] if word.endswith("e") and len(word) > SHORTEST else word
