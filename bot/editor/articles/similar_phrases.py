"""Phrases that mean nearly the same, by the sentence encoder: too close to another question's."""

from collections.abc import Sequence

import numpy as np

from bot.editor.shared import content_cache, vectors
from bot.editor.shared.state import State

TOO_CLOSE = 0.92  # cosine from which two phrases can hardly be told apart


def too_close(desk: State, phrases: Sequence[str], own: str) -> list[tuple[str, str, str]] | None:
    """[(phrase, another question's name, its phrase)] of what can hardly be told apart; None while
    vectors are being computed."""
    others = [
        (phrase, name)
        for name, question in content_cache.read_questions(desk).items()
        if name != own
        for phrase in question.taught
    ]
    found = _nearest(desk, phrases, others)
    return (
        None
        if found is None
        else [
            (phrase, others[best][1], others[best][0])
            for phrase, best, cosine in found
            if cosine >= TOO_CLOSE
        ]
    )


def _nearest(
    desk: State, phrases: Sequence[str], others: list[tuple[str, str]]
) -> list[tuple[str, int, float]] | None:
    """[(phrase, place of the nearest other, cosine)]; None while vectors are being computed."""
    if not phrases or not others:
        return []
    found = vectors.read_vectors(desk, desk.phrases, [*phrases, *(phrase for phrase, _ in others)])
    if found is None:
        return None
    cosines = (
        np.stack([found[phrase] for phrase in phrases])
        @ np.stack([found[phrase] for phrase, _ in others]).T
    )
    return [
        (phrase, int(row.argmax()), float(row.max()))
        for phrase, row in zip(phrases, cosines, strict=True)
    ]
