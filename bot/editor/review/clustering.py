"""What visitors asked in vain, grouped by meaning."""

import hashlib
import hmac
from dataclasses import dataclass

import numpy as np

from bot.content import articles
from bot.editor.shared import vectors
from bot.editor.shared.state import State, Vector
from bot.runtime import settings
from bot.store import review
from bot.store.review import Wording

TURNS, WORDINGS = 5000, 1000  # how far back is looked, and how many different texts are grouped
# Two texts mean one thing from this cosine on: where the classifier took both for the same
# question, and where not.
ALIKE, ALIKE_ELSEWHERE = 0.62, 0.85
NEAREST = 3
Rankings = dict[int, list[tuple[str, float]]]  # {turn: [(question or outcome, confidence)]}


@dataclass
class Group:
    """Wordings of one meaning, the most frequent first. `nearest`: (question's name, confidence) of
    up to three questions."""

    wordings: list[Wording]
    count: int
    why: dict[str, int]
    nearest: list[tuple[str, float]]


def read_groups(desk: State) -> tuple[list[Group], list[Wording]] | None:
    """(groups, those set aside) of what is to be reviewed now; None while their texts are still
    being encoded."""
    merged = review.read_wordings(desk.engine, WORDINGS, TURNS, articles.normalise_phrase)
    found = vectors.read_vectors(desk, desk.asked, list(merged), only=True)
    if found is None:
        return None
    hidden, keys = review.read_set_aside(desk.engine), {text: key_of(desk, text) for text in merged}
    shown: dict[str, Wording] = {}
    aside: dict[str, Wording] = {}
    for text, wording in merged.items():
        until = hidden.get(keys[text], "")  # "": never set aside
        (aside if until is None else {} if until and (wording.release or "") <= until else shown)[
            text
        ] = wording
    return group_wordings(
        found,
        shown,
        review.read_rankings(desk.engine, [wording.turn for wording in shown.values()]),
    ), list(aside.values())


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
            groups.append(_group([merged[order[i]] for i in np.flatnonzero(members)], rankings))
    return sorted(groups, key=lambda group: (-group.count, -group.wordings[0].turn))


def key_of(desk: State, text: str) -> str:
    """What a wording is set aside by: a keyed hash of its normalised text."""
    return hmac.new(
        settings.site_secret(desk.config).encode(),
        f"aside {articles.normalise_phrase(text)}".encode(),
        hashlib.sha256,
    ).hexdigest()


def _group(wordings: list[Wording], rankings: Rankings) -> Group:
    why: dict[str, int] = {}
    likely: dict[str, float] = {}
    for wording in wordings:
        for reason, times in wording.why.items():
            why[reason] = why.get(reason, 0) + times
        for name, confidence in rankings.get(wording.turn, []):
            if "." in name:
                likely[name] = likely.get(name, 0) + confidence * wording.count()
    count = sum(wording.count() for wording in wordings)
    nearest = sorted(likely.items(), key=lambda item: -item[1])[:NEAREST]
    return Group(
        wordings,
        count,
        dict(sorted(why.items(), key=lambda item: -item[1])),
        [(name, sum_ / count) for name, sum_ in nearest],
    )
