"""The questions that a message may have asked: by what the release made of it, and by meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.editor.shared import content_cache, vectors
from bot.editor.shared.state import State, Vector

# What is less likely than both is no suggestion: the release's confidence, and the cosine. As near
# is some question to 20 % of 2,574 asked messages, for 70 % of these the right one among three; and
# to 6 % of 676 that ask none (data/asked, 2026-11-30).
SURE, NEAR = 0.1, 0.6
MOST = 3

type Likely = Mapping[str, float]  # {question: the release's confidence}


@dataclass(frozen=True)
class Suggestion:
    """A question that may be meant. `sure`: the release's confidence in it, `near`: the cosine of
    the nearest of its phrases."""

    question: str
    sure: float
    near: float

    @property
    def is_sure(self) -> bool:
        """Whether the release itself made something of it."""
        return self.sure >= SURE

    @property
    def is_likely(self) -> bool:
        """Whether it is near enough to be shown."""
        return self.is_sure or self.near >= NEAR


def suggest_questions(
    desk: State, asked: Sequence[tuple[Vector, Likely]]
) -> list[list[Suggestion]] | None:
    """For each message, as its vector and what the release made of it, up to MOST Suggestions, the
    likeliest first, and none where nothing is near; None while the questions' phrases are being
    encoded."""
    phrases = [
        (phrase, name)
        for name, question in content_cache.read_questions(desk).items()
        for phrase in (question.ask, *question.train)
    ]
    found = vectors.read_vectors(desk, desk.phrases, [phrase for phrase, _ in phrases])
    if found is None:
        return None
    if not phrases:
        return [[] for _ in asked]
    matrix = np.stack([found[phrase] for phrase, _ in phrases])
    return [
        _best([name for _, name in phrases], matrix @ vector, likely) for vector, likely in asked
    ]


def _best(names: Sequence[str], cosines: Vector, likely: Likely) -> list[Suggestion]:
    near: dict[str, float] = {}
    for name, cosine in zip(names, cosines.tolist(), strict=True):
        near[name] = max(cosine, near.get(name, -1.0))
    found = [Suggestion(name, likely.get(name, 0.0), cosine) for name, cosine in near.items()]
    shown = [suggestion for suggestion in found if suggestion.is_likely]
    return sorted(shown, key=lambda each: -each.sure - each.near)[:MOST]
