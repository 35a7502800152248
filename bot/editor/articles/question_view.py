"""The page of a question, wherever the question begins: its form beside what the chat makes of
it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from bot.content.articles import Article
from bot.editor.articles.question_form import QuestionWithPhrases
from bot.editor.articles.question_preview import Look
from bot.editor.shared import content_cache, differences, pages
from bot.editor.shared.fault_places import ShownFault
from bot.editor.shared.state import State

NOT_SAVED = "It can’t be saved yet; what you wrote is still in the form."


@dataclass(frozen=True)
class Place:
    """Where a question is to stand that stands in no article yet: the articles to choose from, the
    one that is chosen ("": none), and its short name there."""

    articles: Mapping[str, Article]
    article: str
    name: str


@dataclass(frozen=True)
class QuestionView:
    """A question as its page shows it. `at`: where its form is sent to; `above`: the address and
    title of each page above it; `evidence`: the address of its evidence, "" where it has none yet;
    `look`: None while no article is chosen; `lead`: the sentence above its faults; `conflict`: what
    another editor made of it, beside one's own."""

    at: str
    above: Sequence[tuple[str, str]]
    title: str
    tag: str
    fields: QuestionWithPhrases
    look: Look | None
    evidence: str = ""
    base: str = ""
    place: Place | None = None
    status: int = 200
    faults: Sequence[ShownFault] = ()
    lead: str = NOT_SAVED
    conflict: list[list[differences.Pair]] | None = None


def render_question(request: Request, desk: State, shown: QuestionView) -> Response:
    """The whole page."""
    known = content_cache.read_questions(desk).values()
    return pages.render_page(
        request,
        "question.html",
        shown.status,
        shown=shown,
        fields=shown.fields,
        faults=shown.faults,
        look=shown.look,
        at=shown.at,
        evidence=shown.evidence,
        facets=sorted({facet for other in known for facet in other.facets}),
        alone=False,
    )


def render_look(request: Request, at: str, look: Look | None, evidence: str) -> Response:
    """The part of the page that shows what the chat makes of the question."""
    return pages.render_page(
        request, "question_look.html", look=look, at=at, evidence=evidence, alone=True
    )
