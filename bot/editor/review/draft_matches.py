"""What waits in the review and a draft would answer, and what of its subject it would not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.content import terms
from bot.content.terms import Finder
from bot.editor.articles import draft_proposals
from bot.editor.articles.draft_proposals import Proposal
from bot.editor.review import teaching, waiting
from bot.editor.review.suggestions import NEAR
from bot.editor.shared import vectors
from bot.editor.shared.content_cache import Opened
from bot.editor.shared.state import State
from bot.store.review import Wording

# The cosine from which a message about the draft's term asks one of its questions. As near to a
# question's wording and its facet's phrases were 3 of 120 messages that name myoclonus, each to its
# own; from 0.6 on 11, of which 6 (data/asked, 2026-11-30). A release understands many more.
ANSWERS = 0.7
MOST = 12  # wordings that are shown of a kind


@dataclass(frozen=True)
class WaitingText:
    """A wording that waits in the review, as a phrase, and how often it was asked."""

    text: str
    count: int


@dataclass(frozen=True)
class Matches:
    """What waits in the review, beside a draft: `answered`, by question, what it now answers;
    `offered`, by question, what may become a phrase of one that has a side of its own;
    `unanswered`: what is asked of its subject, and near none of its questions."""

    answered: Mapping[str, Sequence[WaitingText]]
    offered: Mapping[str, Sequence[WaitingText]]
    unanswered: Sequence[WaitingText]


def match_waiting(desk: State, opened: Opened, proposals: Sequence[Proposal]) -> Matches | None:
    """The Matches of a draft, by meaning; None while that is being worked out. Raises
    encoder.EncoderMissing."""
    shown, _ = waiting.read_waiting(desk)
    found = vectors.read_vectors(desk, desk.asked, list(shown))
    if found is None:
        return None
    nearest = draft_proposals.find_nearest(desk, proposals, [found[text] for text in shown])
    if nearest is None:
        return None
    find, term = _make_finder(desk, opened.article.about), opened.article.about
    answered: dict[str, list[Wording]] = {}
    offered: dict[str, list[Wording]] = {}
    unanswered: list[Wording] = []
    for wording, (question, cosine) in zip(shown.values(), nearest, strict=False):
        named = {each.term for each in find(wording.text) if each.kind == "condition"}
        is_about_it = term in named
        if named and not is_about_it:
            continue
        if cosine < (ANSWERS if is_about_it else NEAR):
            if is_about_it:
                unanswered.append(wording)
        elif is_about_it and not question.wanted:
            answered.setdefault(question.id, []).append(wording)
        elif not question.is_common:
            offered.setdefault(question.id, []).append(wording)
    return Matches(
        {id: _show(wordings) for id, wordings in answered.items()},
        {id: _show(wordings) for id, wordings in offered.items()},
        _show(unanswered),
    )


def _make_finder(desk: State, term: str) -> Finder:
    """What finds the terms of a text, and a draft's own where the terms list has it not yet."""
    kinds, names, _ = terms.read_terms(desk.config.path("data"))
    if term and term not in kinds:
        kinds, names = {**kinds, term: "condition"}, {**names, term.lower(): term}
    return terms.make_finder(kinds, names)


def _show(wordings: Iterable[Wording]) -> list[WaitingText]:
    """The most frequent ones."""
    ranked = sorted(wordings, key=lambda wording: -wording.count())
    shown = [WaitingText(teaching.as_phrase(each.text), each.count()) for each in ranked[:MOST]]
    return [each for each in shown if 0 < len(each.text) <= teaching.LONGEST]
