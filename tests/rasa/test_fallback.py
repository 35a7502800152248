"""When the FallbackClassifier asks back: under its threshold, and where two intents are too
close."""

import pytest
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.nlu.training_data.message import Message


def classified(*ranking):
    """A message that was understood as these (intent, confidence)."""
    intents = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    return Message({"text": "tea", "intent": dict(intents[0]), "intent_ranking": intents})


@pytest.fixture
def fallback(components):
    return components.make(FallbackClassifier, threshold=0.5, ambiguity_threshold=0.1)


@pytest.mark.parametrize(
    ("ranking", "intent"),
    [
        ([("tea.price", 0.9), ("tea.making", 0.1)], "tea.price"),
        ([("tea.price", 0.5), ("tea.making", 0.2)], "tea.price"),
        ([("tea.price", 0.49), ("tea.making", 0.2)], "nlu_fallback"),
        ([("tea.price", 0.75), ("tea.making", 0.5)], "tea.price"),
        ([("tea.price", 0.625), ("tea.making", 0.5625)], "nlu_fallback"),
        ([("tea.price", 0.6)], "tea.price"),
        ([("tea.price", 0.0)], "nlu_fallback"),
        ([(None, 0.0)], "nlu_fallback"),
    ],
    ids=str,
)
def test_a_message_is_asked_back_under_the_threshold_and_between_two_that_are_close(
    fallback, ranking, intent
):
    (message,) = fallback.process([classified(*ranking)])

    assert message.get("intent")["name"] == intent


def test_the_fallback_stands_before_the_ranking_with_the_threshold_as_its_confidence(fallback):
    (message,) = fallback.process([classified(("tea.price", 0.25), ("tea.making", 0.125))])

    assert message.get("intent") == {"name": "nlu_fallback", "confidence": 0.5}
    assert message.get("intent_ranking") == [
        {"name": "nlu_fallback", "confidence": 0.5},
        {"name": "tea.price", "confidence": 0.25},
        {"name": "tea.making", "confidence": 0.125},
    ]


def test_our_fallback_that_is_sure_enough_stays_as_it_is(fallback):
    ranking = ("nlu_fallback", 0.75), ("tea.price", 0.25)

    (message,) = fallback.process([classified(*ranking)])

    assert [intent["name"] for intent in message.get("intent_ranking")] == [
        "nlu_fallback",
        "tea.price",
    ]


def test_messages_are_judged_each_for_itself(fallback):
    messages = fallback.process([classified(("tea.price", 0.9)), classified(("tea.price", 0.1))])

    assert [message.get("intent")["name"] for message in messages] == ["tea.price", "nlu_fallback"]
