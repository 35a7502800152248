"""What visitors asked in vain, grouped by meaning."""

from dataclasses import dataclass

import numpy as np

from bot.editor.review import live_answers, waiting
from bot.editor.review.suggestions import Suggestion, suggest_questions
from bot.editor.shared import vectors
from bot.editor.shared.state import State, Vector
from bot.store import review
from bot.store.review import EVERYTHING, Filter, Wording

# Two texts mean one thing from this cosine on: where the classifier took both for the same
# question, and where not.
ALIKE, ALIKE_ELSEWHERE = 0.62, 0.85
Rankings = dict[int, list[tuple[str, float]]]  # {turn: [(question or outcome, confidence)]}


@dataclass
class Group:
    """Wordings of one meaning, the most frequent first. `likely`: {question: the release's mean
    confidence in it}; `vector` of the first wording; `comments` of those who voted one down."""

    wordings: list[Wording]
    count: int
    why: dict[str, int]
    comments: list[str]
    likely: dict[str, float]
    vector: Vector


@dataclass(frozen=True)
class Review:
    """What is to be reviewed: Groups of `wordings` texts. `aside`: how many were set aside;
    `unasked`: how many messages the live release has still to be asked."""

    groups: list[Group]
    wordings: int
    aside: int
    unasked: int


def read_groups(desk: State, wanted: Filter = EVERYTHING) -> Review | None:
    """The Review now; None while its texts are still being encoded."""
    shown, aside = waiting.read_waiting(desk, wanted)
    whole = wanted == EVERYTHING
    # vectors of other texts are dropped when all is read, here or for the number in the menu: none
    # outlives its text for long
    found = vectors.read_vectors(desk, desk.asked, list(shown), only=whole)
    if found is None:
        return None
    unasked = live_answers.ask_behind(desk, shown.values())
    if whole:
        waiting.note_count(desk, len(shown))
    rankings = review.read_rankings(desk.engine, [wording.turn for wording in shown.values()])
    return Review(group_wordings(found, shown, rankings), len(shown), len(aside), unasked)


def suggest_for(desk: State, groups: list[Group]) -> list[list[Suggestion]] | None:
    """The Suggestions for each group; None while what they are found by is being encoded."""
    return suggest_questions(desk, [(group.vector, group.likely) for group in groups])


def group_wordings(
    found: dict[str, Vector], merged: dict[str, Wording], rankings: Rankings
) -> list[Group]:
    """The Groups of {normalised text: Wording}, the most frequent first.

    The most frequent text leads, and takes all that mean the same; then the most frequent of the
    rest. 1,000 texts are a product of two matrices and some hundred passes over a row."""
    order = sorted(merged, key=lambda text: (-merged[text].count(), -merged[text].turn))
    if not order:
        return []
    matrix = np.stack([found[text] for text in order])
    alike = matrix @ matrix.T
    first = [
        next((name for name, _ in rankings.get(merged[text].turn, []) if "." in name), None)
        for text in order
    ]
    same = np.array(first, dtype=object)[:, None] == np.array(first, dtype=object)[None, :]
    joined = alike >= np.where(same, ALIKE, ALIKE_ELSEWHERE)
    free, groups = np.ones(len(order), dtype=bool), list[Group]()
    for place in range(len(order)):
        if free[place]:
            members = joined[place] & free
            members[place] = True
            free &= ~members
            wordings = [merged[order[i]] for i in np.flatnonzero(members)]
            groups.append(_group(wordings, rankings, matrix[place]))
    return sorted(groups, key=lambda group: (-group.count, -group.wordings[0].turn))


def _group(wordings: list[Wording], rankings: Rankings, vector: Vector) -> Group:
    why: dict[str, int] = {}
    likely: dict[str, float] = {}
    for wording in wordings:
        for reason, times in wording.why.items():
            why[reason] = why.get(reason, 0) + times
        for name, confidence in rankings.get(wording.turn, []):
            if "." in name:
                likely[name] = likely.get(name, 0) + confidence * wording.count()
    count = sum(wording.count() for wording in wordings)
    return Group(
        wordings,
        count,
        dict(sorted(why.items(), key=lambda item: -item[1])),
        list(dict.fromkeys(comment for wording in wordings for comment in wording.comments)),
        {name: sum_ / count for name, sum_ in likely.items()},
        vector,
    )
