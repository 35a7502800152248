"""What the review looks at in the articles' sources: statements that rest on one that changed or
was withdrawn, and addresses that no longer lead there."""

import datetime
from typing import TypedDict

from bot.content import evidence
from bot.content.articles import Source
from bot.content.evidence import Ledger
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.operations import source_links


class Doubt(TypedDict):
    """A statement that rests on a source that was withdrawn, or changed since it was read."""

    question: str
    ask: str
    says: str
    source: Source


def list_doubts(desk: State) -> list[Doubt]:
    """The Doubts of all articles."""
    known, found = content_cache.read_ledgers(desk), list[Doubt]()
    for article in content_cache.read_articles(desk).values():
        ledger = known.get(article.id, Ledger())
        doubtful = evidence.doubtful_sources(article, ledger)
        found += [
            {
                "question": question.name,
                "ask": question.ask,
                "says": statement.says,
                "source": doubtful[n],
            }
            for question in (article.questions if doubtful else ())
            for statement in evidence.of_text(f"{question.lead}\n\n{question.more}", ledger)
            for n in statement.numbers
            if n in doubtful
        ]
    return found


def list_moved_links(
    desk: State,
) -> tuple[datetime.date | None, list[tuple[str, int | None, source_links.Link]]]:
    """(the day on which every source's address was last asked, [(article's id, source's number,
    Link)] of those that moved, are gone or lead to a front page, and that articles still have)."""
    on, found = source_links.read_kept_links(desk.config)
    still = {
        (article.id, source.url)
        for article in content_cache.read_articles(desk).values()
        for source in (*article.sources, *article.further_reading)
    }
    return on, [
        (place.article, place.n, link)
        for link in found
        for place in link.places
        if (place.article, link.url) in still
    ]
