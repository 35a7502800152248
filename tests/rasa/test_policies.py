"""What is done next: rules first, then the stories that a conversation follows, then our policy of
answers."""

import pytest
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.domain import Domain, InvalidDomain
from rasa.shared.core.events import ActionExecuted, ActionExecutionRejected, UserUttered
from rasa.shared.core.generator import TrainingDataGenerator
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph

from bot.rasa.policy import AnswerPolicy

DOMAIN = Domain.from_dict(
    {
        "intents": [
            {name: {"use_entities": []}}
            for name in ("greeting", "thanks", "tea.making", "tea.price", "tea.colour")
        ],
        "actions": ["action_answer", "action_talk", "action_clarify"],
        "responses": {"utter_offer_1": [{"custom": {"offer": ["tea.price"]}}]},
    }
)
TOLD = """
version: "3.1"
rules:
  - rule: greeting
    steps:
      - intent: greeting
      - action: action_talk
  - rule: what is close to several questions is asked back
    steps:
      - intent: nlu_fallback
      - action: action_clarify
stories:
  - story: making, then price
    steps:
      - intent: tea.making
      - action: action_answer
      - intent: tea.price
      - action: utter_offer_1
      - action: action_answer
"""
OPTIONS = {
    RulePolicy: {"core_fallback_threshold": 0.3, "core_fallback_action_name": "action_clarify"},
    MemoizationPolicy: {"max_history": 5},
    AnswerPolicy: {"action": "action_answer", "priority": 2},
}


def conversation(*said):
    """A tracker after these intents and actions; what begins with `action` or `utter` is an
    action."""
    events = [ActionExecuted("action_listen")]
    for name in said:
        if name.startswith(("action", "utter")):
            events.append(ActionExecuted(name))
        else:
            events.append(UserUttered(intent={"name": name, "confidence": 1.0}))
    return DialogueStateTracker.from_events("visitor", events, DOMAIN.slots, domain=DOMAIN)


@pytest.fixture(scope="module")
def trackers():
    steps = YAMLStoryReader(DOMAIN).read_from_string(TOLD)
    return TrainingDataGenerator(StoryGraph(steps), DOMAIN, augmentation_factor=0).generate()


@pytest.fixture
def predict(components, trackers):
    """Asks a policy that has learned what is told above, and was loaded from what it kept."""
    for kind, options in OPTIONS.items():
        components.make(kind, **options).train(trackers, DOMAIN)
    return Predictor(components)


class Predictor:
    def __init__(self, components):
        self.policies = {
            kind: components.load(kind, **options) for kind, options in OPTIONS.items()
        }

    def __call__(self, kind, *said):
        """(the action, its confidence) that one policy predicts after a conversation."""
        prediction = self.policies[kind].predict_action_probabilities(conversation(*said), DOMAIN)
        return DOMAIN.action_names_or_texts[
            prediction.max_confidence_index
        ], prediction.max_confidence

    def together(self, *said):
        """(the action, the policy that won) of all policies."""
        tracker = conversation(*said)
        predictions = [
            policy.predict_action_probabilities(tracker, DOMAIN)
            for policy in self.policies.values()
        ]
        best = DefaultPolicyPredictionEnsemble().combine_predictions(predictions, tracker, DOMAIN)
        return DOMAIN.action_names_or_texts[best.max_confidence_index], best.policy_name


# ── RulePolicy ────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (["greeting"], "action_talk"),
        (["nlu_fallback"], "action_clarify"),
        (["greeting", "action_talk"], "action_listen"),
        (["tea.making", "action_answer", "action_listen", "greeting"], "action_talk"),
    ],
    ids=str,
)
def test_a_rule_decides_whatever_was_said_before(predict, said, action):
    assert predict(RulePolicy, *said) == (action, 1.0)


def test_where_no_rule_matches_the_fallback_has_the_confidence_of_its_threshold(predict):
    assert predict(RulePolicy, "thanks") == ("action_clarify", 0.3)


def test_a_fallback_action_that_the_domain_does_not_have_is_named():
    with pytest.raises(InvalidDomain, match="action_sing"):
        RulePolicy.raise_if_incompatible_with_domain(
            {"core_fallback_action_name": "action_sing"}, DOMAIN
        )


# ── MemoizationPolicy ─────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (["tea.making"], "action_answer"),
        (["tea.making", "action_answer", "action_listen", "tea.price"], "utter_offer_1"),
        (
            ["tea.making", "action_answer", "action_listen", "tea.price", "utter_offer_1"],
            "action_answer",
        ),
    ],
    ids=str,
)
def test_a_conversation_that_goes_as_a_story_tells_goes_on_so(predict, said, action):
    assert predict(MemoizationPolicy, *said) == (action, 1.0)


@pytest.mark.parametrize(
    "said", [["tea.price"], ["tea.colour", "action_answer", "action_listen", "tea.price"]], ids=str
)
def test_a_conversation_that_no_story_tells_is_left_to_others(predict, said):
    assert predict(MemoizationPolicy, *said)[1] == 0.0


# ── AnswerPolicy ──────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (["tea.colour"], "action_answer"),
        (["tea.colour", "action_answer"], "action_listen"),
        (["tea.price", "utter_offer_1"], "action_answer"),
        (["tea.price", "utter_offer_1", "action_answer"], "action_listen"),
        (["tea.making", "action_answer", "action_listen", "tea.colour"], "action_answer"),
        (["tea.colour", "action_extract_slots"], "action_answer"),
    ],
    ids=str,
)
def test_a_question_is_answered_once_and_then_waited(predict, said, action):
    assert predict(AnswerPolicy, *said) == (action, 1.0)


@pytest.mark.parametrize(
    "said", [["greeting"], ["nlu_fallback"], [], ["greeting", "action_talk"]], ids=str
)
def test_what_is_no_question_is_left_to_others(predict, said):
    assert predict(AnswerPolicy, *said)[1] == 0.0


# ── All together ──────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("said", "action", "policy"),
    [
        (["greeting"], "action_talk", "RulePolicy"),
        (["tea.colour"], "action_answer", "AnswerPolicy"),
        (["tea.making"], "action_answer", "MemoizationPolicy"),
        (
            ["tea.making", "action_answer", "action_listen", "tea.price"],
            "utter_offer_1",
            "MemoizationPolicy",
        ),
        (
            ["tea.colour", "action_answer", "action_listen", "tea.price"],
            "action_answer",
            "AnswerPolicy",
        ),
        (["thanks"], "action_clarify", "RulePolicy"),
    ],
    ids=str,
)
def test_a_rule_goes_before_a_story_and_a_story_before_a_plain_answer(
    predict, said, action, policy
):
    assert predict.together(*said) == (action, policy)


def test_of_two_policies_that_are_as_sure_the_one_with_the_higher_priority_wins():
    low, high = (
        PolicyPrediction([0.0, 1.0], name, priority) for name, priority in (("low", 2), ("high", 3))
    )

    for predictions in ([low, high], [high, low]):
        best = DefaultPolicyPredictionEnsemble().combine_predictions(
            predictions, conversation("greeting"), DOMAIN
        )
        assert best.policy_name == "high"


def test_a_surer_policy_wins_over_a_higher_priority():
    unsure, sure = (
        PolicyPrediction([0.0, 0.3], "unsure", 6),
        PolicyPrediction([1.0, 0.0], "sure", 1),
    )

    best = DefaultPolicyPredictionEnsemble().combine_predictions(
        [unsure, sure], conversation("greeting"), DOMAIN
    )

    assert best.policy_name == "sure"


def test_an_action_that_was_rejected_is_not_predicted_again():
    tracker = conversation("greeting")
    tracker.update(ActionExecutionRejected("action_talk", "RulePolicy", 1.0))
    talk, clarify = (
        PolicyPrediction.for_action_name(DOMAIN, name, name, confidence)
        for name, confidence in (("action_talk", 1.0), ("action_clarify", 0.3))
    )

    best = DefaultPolicyPredictionEnsemble().combine_predictions([talk, clarify], tracker, DOMAIN)

    assert best.policy_name == "action_clarify"
