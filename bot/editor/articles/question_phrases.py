"""What phrases a question wants, and what is wrong with those that it has, beside all other
content."""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.content import articles, facets, phrases, site_content
from bot.content.articles import Article, Question
from bot.content.phrases import Elsewhere, PhraseFile
from bot.domain.faults import Fault
from bot.editor.shared import content_cache
from bot.editor.shared.state import Stamp, State

MOST_SHOWN = 8  # of the ways in which people ask a common question


@dataclass(frozen=True)
class Wanted:
    """How people ask a common question, of which `is_common` needs no phrase; and how many phrases
    of another are needed and advised."""

    is_common: bool
    asked: tuple[str, ...]
    fewest: int = phrases.FEWEST
    train: int = phrases.ADVISED["train"]
    test: int = phrases.ADVISED["test"]


def say_wanted(desk: State, question: Question, condition: str) -> Wanted:
    """What phrases a question of an article on this condition wants."""
    known = (
        content_cache.read_kept(facets.read_facets, desk.config.path("data"), "facets.yml") or {}
    )
    if not facets.is_common(question, condition, known):
        return Wanted(False, ())
    filled = facets.fill_phrases(question, condition, known)
    named = sorted(filled, key=lambda phrase: condition not in phrase)  # those that name it first
    half = MOST_SHOWN // 2
    return Wanted(True, tuple(dict.fromkeys([*named[:half], *filled[:half]])))


def find_faults(desk: State, article: Article, read: PhraseFile) -> list[Fault]:
    """What is wrong with the phrases of an article as a file has them."""
    elsewhere = read_elsewhere(desk, article)
    return phrases.find_faults(phrases.add_phrases(article, read), read, elsewhere)


def read_elsewhere(desk: State, article: Article) -> Elsewhere:
    """What the phrases of an article are held against."""
    data = desk.config.path("data")
    others = [each for id, each in content_cache.read_articles(desk).items() if id != article.id]
    stamps = tuple(content_cache.stamp_file(data / name) for name in ("facets.yml", "talk.yml"))
    found = _read_elsewhere(data, stamps, tuple(others), _keep_sides(article))
    return dataclasses.replace(found, places=dict(found.places))  # to which others are added


def _keep_sides(article: Article) -> Article:
    """An article without what is written anew at each key: the words of its questions."""
    questions = tuple(
        Question(each.name, "", each.about, each.facets, "", "", "", 0)
        for each in article.questions
    )
    return dataclasses.replace(article, questions=questions, revision="")


@functools.lru_cache(maxsize=8)
def _read_elsewhere(
    data: Path, stamps: Sequence[Stamp], others: Sequence[Article], article: Article
) -> Elsewhere:
    """As read_elsewhere, which takes 0.1 s with fifteen articles: all phrases are normalised."""
    places = site_content.talk_places(site_content.read_talk(data)[0])
    places |= {
        articles.normalise_phrase(phrase): phrases.Place(question.name)
        for other in others
        for question in other.questions
        for phrase in (*question.train, *question.test)
    }
    asked = facets.read_facet_phrases(data, [*others, article])[0]
    return Elsewhere(facets.read_facets(data), asked, places)
