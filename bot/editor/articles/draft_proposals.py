"""What is proposed for each question of a draft: the side of its subject and why, how visitors will
be understood when they ask it, and what it still wants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.content import articles, facets, phrases, wording
from bot.content.articles import Question
from bot.editor.importing import heading_questions
from bot.editor.shared import vectors
from bot.editor.shared.article_document import QuestionFields
from bot.editor.shared.content_cache import Opened
from bot.editor.shared.state import State, Vector
from bot.language import encoder

MOST_NEAR = 3  # facets that are offered because of their meaning
NEAR = 0.5  # the cosine from which a facet's phrase is near a question
Common = Mapping[str, tuple[str, ...]]  # what facets.read_facets gives


@dataclass(frozen=True)
class Proposal:
    """What is proposed for a question of a draft.

    `why`: a sentence on its facet; `near`: other facets that may be meant, the likeliest first;
    `asked`: how people ask it, who will be understood; `own`: its own phrases; `wanted`: how many
    more of these it needs; `grade` and `words` of its lead."""

    id: str
    ask: str
    facet: str
    why: str
    near: tuple[str, ...]
    is_common: bool
    asked: tuple[str, ...]
    own: tuple[str, ...]
    wanted: int
    grade: float
    words: int


def propose_questions(desk: State, opened: Opened) -> list[Proposal]:
    """The Proposals of a draft's questions, in their order."""
    common = facets.read_facets(desk.config.path("data")) or {}
    near = _find_near(desk, opened, common)
    return [_propose(opened, question, common, near) for question in opened.article.questions]


def find_nearest(
    desk: State, proposals: Sequence[Proposal], asked: Sequence[Vector]
) -> list[tuple[Proposal, float]] | None:
    """(the question that is nearest in meaning, the cosine) of each message; None while the ways of
    asking are being encoded. Raises encoder.EncoderMissing."""
    ways = [(way, each) for each in proposals for way in (each.ask, *each.asked, *each.own)]
    found = vectors.read_vectors(desk, desk.phrases, [way for way, _ in ways])
    if found is None:
        return None
    if not ways or not asked:
        return []
    cosines = np.stack(list(asked)) @ np.stack([found[way] for way, _ in ways]).T
    return [(ways[int(row.argmax())][1], float(row.max())) for row in cosines]


def _propose(
    opened: Opened, question: Question, common: Common, near: Mapping[str, Sequence[str]]
) -> Proposal:
    id = question.name.partition(".")[2]
    fields, condition = opened.fields["questions"][id], opened.article.about
    is_common = facets.is_common(question, condition, common)
    own = tuple(opened.phrases.get(id, {}).get("train", ()))
    filled = facets.fill_phrases(question, condition, common) if is_common else []
    asked = sorted(filled, key=lambda way: condition not in way)  # those that name it first
    taken = {side for other in opened.article.questions for side in other.facets}
    return Proposal(
        id=id,
        ask=question.ask,
        facet=fields["facet"],
        why=_explain(question, fields, condition, is_common),
        near=tuple(side for side in near.get(id, ()) if side not in taken)[:MOST_NEAR],
        is_common=is_common,
        asked=tuple(asked),
        own=own,
        wanted=0 if is_common else max(0, phrases.FEWEST - len(own)),
        grade=round(wording.reading_grade(articles.MARK.sub("", fields["text"])), 1),
        words=len(question.lead.split()),
    )


def _explain(question: Question, fields: QuestionFields, condition: str, is_common: bool) -> str:
    """Why a question has its facet, and what that means for it."""
    said = heading_questions.explain_facet(fields["heading"] or fields["ask"], question.facet)
    if is_common:
        return f"Its heading says “{said}”." if said else "An editor chose it."
    if question.about[0] != condition:
        return f"It is about {question.about[0]}: only its own phrases teach it."
    return "It is a side of its own: only its own phrases teach it."


def _find_near(desk: State, opened: Opened, common: Common) -> dict[str, list[str]]:
    """{question: facets that may be meant, the nearest first} by the meaning of the wordings;
    nothing while that is not known."""
    ways = [
        (phrase.replace(facets.TERM, opened.article.about), side)
        for side, listed in common.items()
        for phrase in listed
    ]
    asks = [question.ask for question in opened.article.questions]
    try:
        found = vectors.read_vectors(desk, desk.phrases, [*asks, *(way for way, _ in ways)])
    except encoder.EncoderMissing:  # takes nothing else away
        return {}
    if not found or not ways:
        return {}
    matrix = np.stack([found[way] for way, _ in ways])
    return {
        question.name.partition(".")[2]: _rank(
            [side for _, side in ways], matrix @ found[question.ask]
        )
        for question in opened.article.questions
    }


def _rank(sides: Iterable[str], cosines: Vector) -> list[str]:
    best: dict[str, float] = {}
    for side, cosine in zip(sides, cosines.tolist(), strict=True):
        best[side] = max(cosine, best.get(side, NEAR))
    return sorted((side for side in best if best[side] > NEAR), key=lambda side: -best[side])
