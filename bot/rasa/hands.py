"""The training examples that other hands wrote (bot/asked.py), and those of the editors."""

from __future__ import annotations


def known_of(example):
    """What is known of an example of other hands, {hand, page, asks, gets}; None for a phrase of
    the editors."""
    return (example.get("metadata") or {}).get("example")


def edited(training_data):
    """The phrases of the editors, which are spelt and named as a visitor should be understood."""
    return [e for e in training_data.intent_examples if known_of(e) is None]


def asked(training_data):
    """What other hands asked, whether it teaches an intent or not."""
    return [e for e in training_data.training_examples if known_of(e) is not None]


def about(example):
    """What the importer says of the example's question, {article, about, facets, ...}; {} for
    others."""
    return (example.get("metadata") or {}).get("intent") or {}
