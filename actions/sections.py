"""Where the words of a message stand in an article: nobody is told that a page has nothing about
what it holds."""

import collections
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from bot.content.site_content import SiteContent
from bot.domain.reply_kinds import ReplyKind

COMMON = 0.25  # a word that stands in more of an article's sections, or of all, tells of none
SHORTEST = 3  # letters of a word that is looked for
OFTEN = 4  # phrases of talk that hold a word; it is said of everything, as "how" and "good" are
MOST = 3  # sections that are named
BRIEF = 3  # words; each of them may be meant


@dataclass(frozen=True)
class Index:
    """The words of each question's section, those of its wording, title and lead, those that are
    common in all, and how often each is said of everything."""

    sections: Mapping[str, Set[str]]  # question -> words
    leads: Mapping[str, Set[str]]
    common: frozenset[str]
    spoken: Mapping[str, int]  # word -> how many phrases of talk hold it


@dataclass(frozen=True)
class Found:
    """A word of a message as it was written, the questions whose sections hold it, and whether the
    first of them alone says it in its wording, title or lead."""

    word: str
    questions: tuple[str, ...]
    first: bool


def make_index(content: SiteContent) -> Index:
    """The Index of all articles."""
    leads = {name: _stems(f"{q.ask} {q.title} {q.lead}") for name, q in content.questions.items()}
    sections = {
        name: leads[name] | _stems(question.more) for name, question in content.questions.items()
    }
    counts = collections.Counter(word for words in sections.values() for word in words)
    common = {word for word, count in counts.items() if count > COMMON * len(sections)}
    return Index(sections, leads, frozenset(common), _spoken(content))


def is_brief(text: str) -> bool:
    """Whether a message has so few words that each may be what it asks of."""
    return len(_words(text)) <= BRIEF


def find_word(index: Index, article: str, text: str) -> Found | None:
    """The Found of the word that the fewest of the article's sections hold, or None."""
    own, found = [name for name in index.sections if name.startswith(f"{article}.")], []
    least = OFTEN if is_brief(text) else 1
    for word in _words(text):
        stem = _stem(word)
        holding = [name for name in own if stem in index.sections[name]]
        is_common = stem in index.common or index.spoken.get(stem, 0) >= least
        if len(word) < SHORTEST or is_common or not 0 < len(holding) <= max(1, COMMON * len(own)):
            continue
        leading = [name for name in holding if stem in index.leads[name]]
        listed = tuple(dict.fromkeys([*leading, *holding]))
        found.append(Found(word, listed[:MOST], len(leading) == 1))
    return min(found, key=lambda each: len(each.questions), default=None)


def find_name(index: Index, article: str, names: Iterable[str]) -> Found | None:
    """The Found of the name, of all names of a term, that the fewest of the article's sections
    hold with all its words, or None."""
    own = [name for name in index.sections if name.startswith(f"{article}.")]
    found: list[Found] = []
    for name in names:
        stems = _stems(name) - index.common
        holding = [question for question in own if stems and stems <= index.sections[question]]
        if holding:
            leading = [question for question in holding if stems <= index.leads[question]]
            listed = tuple(dict.fromkeys([*leading, *holding]))
            found.append(Found(name, listed[:MOST], len(leading) == 1))
    return min(found, key=lambda each: len(each.questions), default=None)


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[^\W\d_]+", text)))


def _spoken(content: SiteContent) -> Counter[str]:
    """{word: how many phrases of talk, and of what isn't about health, hold it}."""
    return collections.Counter(
        stem
        for name, talk in content.talk.items()
        if name not in (ReplyKind.NOT_COVERED, ReplyKind.PERSONAL_ADVICE)
        for phrase in talk.train
        for stem in _stems(phrase)
    )


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"[^\W\d_]+", text)}


def _stem(word: str) -> str:
    word = word.lower()
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
