"""The training examples that other hands wrote (bot/content/asked_messages.py), and those of the
editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData


def known_of(example: Message) -> Mapping[str, Any] | None:
    """What is known of an example of other hands, {hand, page, asks, gets}; None for a phrase of
    the editors."""
    known: Mapping[str, Any] | None = (example.get("metadata") or {}).get("example")
    return known


def editors_examples(training_data: TrainingData) -> list[Message]:
    """The phrases of the editors, which are spelt and named as a visitor should be understood."""
    return [e for e in training_data.intent_examples if known_of(e) is None]


def asked_examples(training_data: TrainingData) -> list[Message]:
    """What other hands asked, whether it teaches an intent or not."""
    return [e for e in training_data.training_examples if known_of(e) is not None]


def example_facts(example: Message) -> Mapping[str, Any]:
    """What the importer says of the example's question, {article, about, facets, ...}; {} for
    others."""
    known: Mapping[str, Any] = (example.get("metadata") or {}).get("intent") or {}
    return known
