"""The groups of the review by topic: those that share a telling word, and are not far from each
other in meaning."""

import collections
import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.editor.review.clustering import Group
from bot.editor.shared import content_cache
from bot.editor.shared.state import State

# A word tells a topic where at most this share of the library's phrases has it.
COMMON = 0.006
FAR = 0.25  # the cosine to a topic's most frequent group, below which a group isn't of it

type Words = dict[str, str]  # {word in its plain form: as it was written}


@dataclass(frozen=True)
class TopicSize:
    """How many groups a topic has, and how often they were asked."""

    groups: int
    times: int


def sort_topics(desk: State, groups: Sequence[Group]) -> list[tuple[Group, str]]:
    """[(group, the word of its topic, "" for one that is by itself)]: the topics that were asked
    most first, and in each the most frequent group."""
    named = name_topics(groups, _weigh_words(desk))
    times: dict[str, int] = collections.Counter()
    for group, name in zip(groups, named, strict=True):
        times[name] += group.count if name else 0
    order = sorted(
        range(len(groups)),
        key=lambda i: (-max(times[named[i]], groups[i].count), named[i], i),
    )
    return [(groups[i], named[i]) for i in order]


def count_topics(found: Iterable[tuple[Group, str]]) -> dict[str, TopicSize]:
    """{word of a topic: its TopicSize}."""
    counts: dict[str, list[int]] = {}
    for group, name in found:
        if name:
            counts.setdefault(name, []).append(group.count)
    return {name: TopicSize(len(each), sum(each)) for name, each in counts.items()}


def name_topics(groups: Sequence[Group], weights: Mapping[str, float]) -> list[str]:
    """For each group the word of its topic, or ""; the word that tells most of most groups takes
    these, then the next of the rest."""
    words = [_read_words(group) for group in groups]
    holders: dict[str, list[int]] = {}
    for place, found in enumerate(words):
        for word in found:
            if weights.get(word, math.inf) > 0:
                holders.setdefault(word, []).append(place)
    holders = {word: places for word, places in holders.items() if len(places) > 1}
    most = max(weights.values(), default=1.0)
    named = [""] * len(groups)
    while True:
        best: tuple[float, str, list[int]] = (0.0, "", [])
        for word, places in holders.items():
            free = _take_near(groups, [place for place in places if not named[place]])
            value = (len(free) - 1) * min(most, weights.get(word, most))
            if value > best[0] or value == best[0] and word < best[1]:
                best = (value, word, free)
        if not best[0]:
            return named
        written = collections.Counter(words[place][best[1]] for place in best[2])
        for place in best[2]:
            named[place] = written.most_common(1)[0][0]


def _take_near(groups: Sequence[Group], places: Sequence[int]) -> list[int]:
    """Those that are not far in meaning from the first, which is the most frequent."""
    if len(places) < 2:
        return list(places)
    lead = groups[places[0]].vector
    return [place for place in places if float(np.dot(groups[place].vector, lead)) >= FAR]


def _read_words(group: Group) -> Words:
    return {_plain(word): word for each in group.wordings for word in _split(each.text)}


def _split(text: str) -> list[str]:
    return re.findall(r"[a-z]{3,}", re.sub(r"\[\w+\]", " ", text.lower()))


def _plain(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _weigh_words(desk: State) -> Mapping[str, float]:
    """{word of the library's phrases: how much it tells}: 0 for a common one."""
    phrases = tuple(
        phrase
        for question in content_cache.read_questions(desk).values()
        for phrase in (question.ask, *question.train)
    )
    return _weigh(phrases)


@functools.lru_cache(maxsize=1)
def _weigh(phrases: tuple[str, ...]) -> Mapping[str, float]:
    counts = collections.Counter(
        word for phrase in phrases for word in set(map(_plain, _split(phrase)))
    )
    least = max(1, COMMON * len(phrases))
    return {
        word: math.log(len(phrases) / count) if count <= least else 0.0
        for word, count in counts.items()
    }
