"""What of the content holds the words that an editor looks for: articles, questions, phrases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from bot.content.articles import PHRASE_KEYS, Article, Question
from bot.editor.shared import content_cache

MOST_WORDS, AROUND = 10, 60  # words that are looked for; letters of an excerpt beside the first


@dataclass(frozen=True)
class Hit:
    """What was found: its `title`, the `text` in which the words stand, and its page."""

    title: str
    text: str
    at: str


def split_words(text: str) -> tuple[str, ...]:
    """The words that are looked for, in small letters, each once."""
    return tuple(dict.fromkeys(text.lower().split()))[:MOST_WORDS]


def find_articles(known: Mapping[str, Article], words: Iterable[str], most: int) -> list[Hit]:
    """Articles whose title, condition or sources hold each of the words."""
    wanted = list(words)
    found = (
        Hit(article.title, _excerpt(text, wanted[0]), content_cache.article_address(article.id))
        for article in known.values()
        for text in [". ".join([article.about, *(source.title for source in article.sources)])]
        if _holds(f"{article.title} {text}", wanted)
    )
    return list(islice(found, most))


def find_questions(known: Mapping[str, Article], words: Iterable[str], most: int) -> list[Hit]:
    """Questions whose wording, heading or answer hold each of the words; those whose wording does
    come first."""
    wanted = list(words)
    found = [
        (not _holds(question.ask, wanted), Hit(question.ask, _excerpt(text, wanted[0]), at))
        for article in known.values()
        for question in article.questions
        for text, at in [(f"{question.lead} {question.more}", _address(article, question.name))]
        if _holds(f"{question.ask} {question.title} {text}", wanted)
    ]
    return [hit for _, hit in sorted(found, key=lambda each: each[0])[:most]]


def find_phrases(known: Mapping[str, Article], words: Iterable[str], most: int) -> list[Hit]:
    """Phrases of questions that hold each of the words, each with its question."""
    wanted = list(words)
    found = (
        Hit(phrase, question.ask, f"{_address(article, question.name)}#field-{kind}")
        for article, question, kind, phrase in _list_phrases(known)
        if _holds(phrase, wanted)
    )
    return list(islice(found, most))


def _list_phrases(known: Mapping[str, Article]) -> Iterator[tuple[Article, Question, str, str]]:
    """(article, question, train or test, phrase) of every phrase."""
    for article in known.values():
        for question in article.questions:
            for kind in PHRASE_KEYS:
                for phrase in getattr(question, kind):
                    yield article, question, kind, phrase


def _address(article: Article, question: str) -> str:
    """The page of a question."""
    return f"{content_cache.article_address(article.id)}/{question.partition('.')[2]}"


def _holds(text: str, words: Iterable[str]) -> bool:
    low = text.lower()
    return all(word in low for word in words)


def _excerpt(text: str, word: str) -> str:
    """The part of a text around the first place of a word; its beginning, where it has none."""
    place = max(text.lower().find(word), 0)
    begin = text.rfind(" ", 0, max(place - AROUND, 0)) + 1 if place > AROUND else 0
    end = text.find(" ", place + 2 * AROUND)
    end = len(text) if end == -1 else end
    return f"{'… ' if begin else ''}{text[begin:end]}{' …' if end < len(text) else ''}"
