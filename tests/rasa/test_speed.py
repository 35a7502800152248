"""Each function of bot/rasa/speed.py: a test that fails without it, and others that hold what Rasa
says with it.

The order of a graph's nodes (`run_nodes_in_order`) has test_graph.py besides.
"""

import copy
import importlib.util
import json
import random
import sys

import jsonschema
import numpy
import pytest
from rasa.core import processor
from rasa.core.actions.action import RemoteAction
from rasa.core.policies import memoization, rule_policy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core import domain as rasas_domain
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.utils import io as rasa_io
from rasa.utils.endpoints import EndpointConfig

from bot.rasa import compatibility

# ── The call of an action ─────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def action():
    return RemoteAction("action_answer", EndpointConfig("http://localhost"))


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"responses": [{"text": "hello"}]},
        {"events": [{"event": "slot", "timestamp": None, "name": "about", "value": "tea"}]},
    ],
    ids=str,
)
def test_a_right_result_of_an_action_is_let_through(action, result):
    assert action._validate_action_result(result)


@pytest.mark.parametrize(
    "result", [None, [], {"responses": ["text"]}, {"events": [{"event": "slot"}]}], ids=str
)
def test_a_wrong_result_is_refused_in_a_sentence_that_names_the_action(action, result):
    with pytest.raises(
        jsonschema.ValidationError,
        match="the action action_answer gave a result of the wrong form: ",
    ):
        action._validate_action_result(result)


def test_no_result_makes_a_validator_of_its_own(action, monkeypatch):
    monkeypatch.setattr(jsonschema, "validate", None)
    monkeypatch.setattr(RemoteAction, "action_response_format_spec", None)

    assert action._validate_action_result({"events": [], "responses": []})


def test_an_action_gets_what_happened_since_the_visitors_message_and_no_domain(action):
    domain = Domain.from_dict({"intents": ["ask"], "actions": ["action_answer"]})
    tracker = DialogueStateTracker.from_events(
        "visitor",
        [
            UserUttered("first"),
            ActionExecuted("action_answer"),
            BotUttered("an answer"),
            UserUttered("second"),
            BotUttered(data={"custom": {"offer": ["tea.price"]}}),
        ],
    )

    call = action._action_call_format(tracker, domain)

    assert [event["event"] for event in call["tracker"]["events"]] == ["user", "bot"]
    assert (
        call["tracker"]["events"][0]["text"]
        == call["tracker"]["latest_message"]["text"]
        == "second"
    )
    assert (call["next_action"], call["sender_id"], call["version"]) == (
        "action_answer",
        "visitor",
        "3.6.21",
    )
    assert call["domain"] == {"actions": []}


def test_an_action_gets_all_that_happened_where_nobody_wrote_yet(action):
    events = [ActionExecuted("action_session_start"), SlotSet("about", "tea")]
    tracker = DialogueStateTracker.from_events("visitor", events)

    call = action._action_call_format(tracker, Domain.empty())

    assert [event["event"] for event in call["tracker"]["events"]] == ["action", "slot"]


def test_what_an_action_gets_can_be_written_as_json(action):
    tracker = DialogueStateTracker.from_events(
        "visitor", [UserUttered("tea", {"name": "ask", "confidence": 0.5})]
    )

    call = action._action_call_format(tracker, Domain.empty())

    assert json.loads(json.dumps(call)) == call


def phrase(text="brew tea", intent="make", numbers=(1.0, 2.0)):
    """A training message with a feature."""
    message = Message.build(text=text, intent=intent, entities=[{"entity": "term", "value": "tea"}])
    message.add_features(Features(numpy.array([numbers]), "sentence", "text", "vectors"))
    return message


def test_a_message_is_hashed_as_one_piece_of_bytes(monkeypatch):
    monkeypatch.setattr(rasa_io, "deep_container_fingerprint", None)

    assert len(phrase().fingerprint()) == 32


def test_messages_alike_have_the_same_hash():
    assert phrase().fingerprint() == phrase().fingerprint() and phrase() == phrase()


@pytest.mark.parametrize(
    "other", [{"text": "make tea"}, {"intent": "price"}, {"numbers": (1.0, 2.5)}], ids=str
)
def test_what_a_message_holds_changes_its_hash(other):
    assert phrase().fingerprint() != phrase(**other).fingerprint()


def test_a_changed_message_is_hashed_anew():
    message = phrase()
    before = message.fingerprint()

    message.set("intent", "price")

    assert message.fingerprint() != before


def test_a_copy_of_a_message_shares_its_numbers():
    message = phrase()

    copied = copy.deepcopy(message)

    assert copied == message and copied is not message
    assert copied.features[0].features is message.features[0].features


def test_a_copy_of_a_message_has_entities_and_lists_of_its_own():
    message = phrase()
    copied = copy.deepcopy(message)

    copied.get("entities")[0]["value"] = "coffee"
    copied.set("intent", "price", add_to_output=True)
    copied.add_features(Features(numpy.zeros((1, 2)), "sentence", "text", "others"))

    assert message.get("entities")[0]["value"] == "tea" and message.get("intent") == "make"
    assert len(message.features) == 1 and "intent" not in message.output_properties


def test_a_graph_is_run_without_dask():
    schema = GraphSchema({})
    runner = DaskGraphRunner.create(schema, None, ExecutionContext(schema))

    assert isinstance(sys.modules["dask"], compatibility.StandInModule)
    assert runner.run(inputs={"message": "tea"}, targets=["message"]) == {"message": "tea"}


# ── A turn of a conversation ──────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    "module", [processor, memoization, rule_policy], ids=lambda module: module.__name__
)
def test_what_is_logged_is_not_copied(module):
    states = [{"user": {"intent": "tea.price"}}]

    assert module.copy.deepcopy(states) is states


def test_a_domain_is_looked_through_once_for_whether_it_is_empty(monkeypatch):
    empty, full = Domain.empty(), Domain.from_dict({"intents": ["greeting"]})
    first = empty.is_empty(), full.is_empty()

    monkeypatch.setattr(Domain, "as_dict", None)

    assert first == (empty.is_empty(), full.is_empty()) == (True, False)


DOMAIN = {
    "intents": [{"greeting": {"use_entities": []}}, "tea.price", "tea.making"],
    "entities": ["term"],
    "actions": ["action_answer", "action_talk"],
    "slots": {
        "about": {"type": "text", "mappings": [{"type": "from_entity", "entity": "term"}]},
        "open": {"type": "bool", "mappings": [{"type": "custom"}]},
    },
}


@pytest.fixture
def domains():
    """The domain as it is here, and as Rasa has it."""
    spec = importlib.util.spec_from_file_location("domain_as_rasa_has_it", rasas_domain.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Domain.from_dict(copy.deepcopy(DOMAIN)), module.Domain.from_dict(copy.deepcopy(DOMAIN))


def conversation(dice):
    """Lists of events as a conversation brings them; a policy is asked after each."""
    yield [
        ActionExecuted("action_session_start"),
        SessionStarted(),
        ActionExecuted("action_listen"),
    ]
    for _ in range(dice.randint(1, 6)):
        if dice.random() < 0.2:
            yield [
                dice.choice([Restarted, SessionStarted, ActionReverted, UserUtteranceReverted])()
            ]
        intent = dice.choice(["greeting", "tea.price", "tea.making"])
        entities = dice.choice([[], [{"entity": "term", "value": "tea", "start": 0, "end": 3}]])
        message = UserUttered("tea?", {"name": intent, "confidence": 1.0}, entities)
        yield [message, SlotSet("about", dice.choice([None, "tea"]))]
        first = [DefinePrevUserUtteredFeaturization(False)]
        for action in [
            *dice.choices(["action_answer", "action_talk"], k=dice.randint(0, 2)),
            "action_listen",
        ]:
            if dice.random() < 0.1:
                yield [ActionExecutionRejected(action)]
            yield [
                *first,
                ActionExecuted(action, hide_rule_turn=dice.random() < 0.3),
                BotUttered("an answer"),
                SlotSet("open", dice.choice([None, True, False])),
            ]
            first = []


OPTIONS = (
    {},
    {"omit_unset_slots": True},
    {"ignore_rule_only_turns": True, "rule_only_data": {"rule_only_slots": ["open"]}},
)


@pytest.mark.parametrize("seed", range(6))
def test_policies_see_at_every_step_the_states_that_rasa_would_show_them(domains, seed):
    tracker, seen = DialogueStateTracker("visitor", domains[0].slots), []

    for events in conversation(random.Random(seed)):
        tracker.update_with_events(events, domains[0])
        seen += [
            [domain.states_for_tracker_history(tracker, **options) for domain in domains]
            for options in OPTIONS
        ]

    assert [here for here, _ in seen] == [there for _, there in seen]


ANSWERED = [UserUttered("tea?", {"name": "tea.price"}), ActionExecuted("action_answer")]


def test_what_was_said_before_is_not_gone_through_again(domains, monkeypatch):
    tracker = DialogueStateTracker.from_events("visitor", ANSWERED)
    before = domains[0].states_for_tracker_history(tracker)
    monkeypatch.setattr(DialogueStateTracker, "generate_all_prior_trackers", None)
    monkeypatch.setattr(DialogueStateTracker, "init_copy", None)

    tracker.update(ActionExecuted("action_listen"))
    after = domains[0].states_for_tracker_history(tracker)

    assert after[:-1] == before and after[-1]["prev_action"] == {"action_name": "action_listen"}


def test_a_policy_that_changes_a_state_changes_none_of_the_next(domains):
    tracker = DialogueStateTracker.from_events("visitor", ANSWERED)
    before = copy.deepcopy(domains[0].states_for_tracker_history(tracker))

    for state in domains[0].states_for_tracker_history(tracker):
        state.pop("user", None)

    assert domains[0].states_for_tracker_history(tracker) == before
