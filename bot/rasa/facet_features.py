"""What a message asks, apart from what it asks it of: "how is writer's cramp diagnosed" is, masked,
"how is this condition diagnosed", and every article's phrases teach what that means.

The facets are the facets that the questions have. Where no phrase has one, nothing here is learned
or computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MASKED = "masked"  # the attribute of a message that holds the feature of its masked text


def facets_of(example: Any) -> str | None:
    """The facets of an example's question as one label; None for what is no question."""
    facets = ((example.get("metadata") or {}).get("intent") or {}).get("facets")
    return "+".join(sorted(facets)) if facets else None


def mask_terms(text: str, mentions: Iterable[Mapping[str, Any]]) -> str:
    """The text with each of `mentions` (entities) as "this condition", "this medicine" or "this
    treatment"."""
    for mention in sorted(mentions, key=lambda mention: -mention["start"]):
        text = f"{text[: mention['start']]}this {mention['kind']}{text[mention['end'] :]}"
    return text


def unify_terms(text: str, mentions: Iterable[Mapping[str, Any]]) -> str:
    """The text with each of `mentions` (entities) that has a `core` under its term's own name; what
    a longer name says besides stays."""
    for mention in sorted(mentions, key=lambda mention: -mention["start"]):
        if mention["core"]:
            start, end = mention["core"]
            text = f"{text[:start]}{mention['value']}{text[end:]}"
    return text


def add_facets(
    log_probability: NDArray[np.float32],
    log_facets: NDArray[np.float32],
    facet_of: NDArray[np.int64],
    weight: float,
) -> NDArray[np.float32]:
    """The log probabilities of the intents, [intents], with those of the facets, [facets], taken
    in.

    `facet_of`: each intent's facet, -1 for none. What the questions have between them stays
    theirs: a facet tells one question from another, and never makes a question of what is none,
    or is about something that no article covers."""
    questions = np.flatnonzero(facet_of >= 0)
    own = log_probability[questions]
    together = own + weight * log_facets[facet_of[questions]]
    log_probability = log_probability.copy()
    log_probability[questions] = together - np.logaddexp.reduce(together) + np.logaddexp.reduce(own)
    return log_probability


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shares: NDArray[np.float32] = logits - np.logaddexp.reduce(logits)
    return shares
