"""What phrases a question wants, and what is wrong with those that it has, beside all other
content."""

from dataclasses import dataclass

from bot.content import articles, facets, phrases, site_content
from bot.content.articles import Article, Question
from bot.content.phrases import Elsewhere, PhraseFile
from bot.domain.faults import Fault
from bot.editor.shared import content_cache
from bot.editor.shared.state import State

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
    known = facets.read_facets(desk.config.path("data")) or {}
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
    known = content_cache.read_articles(desk)
    places = site_content.talk_places(site_content.read_talk(data)[0])
    places |= {
        articles.normalise_phrase(phrase): phrases.Place(question.name)
        for other in known.values()
        if other.id != article.id
        for question in other.questions
        for phrase in (*question.train, *question.test)
    }
    beside = list({**known, article.id: article}.values())
    return Elsewhere(facets.read_facets(data), facets.read_facet_phrases(data, beside)[0], places)
