"""Actions in Rasa's own process (bot/rasa/local_actions.py): what they get, what they give, and
their faults."""

import asyncio
import copy
import json
import time

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot, TextSlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError

from bot.rasa import local_actions
from bot.rasa.local_actions import LocalActions
from tests.rasa import sample_actions


@pytest.fixture(scope="module")
def endpoint():
    return LocalActions("tests.rasa.sample_actions")


@pytest.fixture
def tracker():
    """A conversation in which a visitor asks what tea costs."""
    slots = [TextSlot("about", [{}]), AnySlot("result", [{}], influence_conversation=False)]
    return DialogueStateTracker.from_events(
        "visitor",
        [
            ActionExecuted("action_listen"),
            SlotSet("about", "tea"),
            UserUttered(
                "what does tea cost",
                {"name": "tea.price", "confidence": 0.75},
                metadata={"turn": 3},
            ),
        ],
        slots,
    )


def run(name, endpoint, tracker):
    """The events of an action of the endpoint."""
    return asyncio.run(
        RemoteAction(name, endpoint).run(
            CollectingOutputChannel(),
            TemplatedNaturalLanguageGenerator({}),
            tracker,
            Domain.empty(),
        )
    )


# ── What an action gives ──────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_what_an_action_sends_becomes_what_the_bot_said(endpoint, tracker):
    (event,) = run("sample_answer", endpoint, tracker)

    assert isinstance(event, BotUttered)
    assert event.message()["custom"] == {"intent": "tea.price", "turn": 3, "offers": []}


def test_an_ordinary_function_that_returns_nothing_is_an_action_too(endpoint, tracker):
    (event,) = run("sample_talk", endpoint, tracker)

    assert event.text == "good morning"


def test_the_events_of_an_action_become_rasas(endpoint, tracker):
    assert run("sample_events", endpoint, tracker) == [SlotSet("about", "tea")]


def test_an_action_hears_of_the_offer_that_a_story_made_before_it(endpoint, tracker):
    tracker.update(BotUttered(data={"custom": {"offer": ["tea.making"]}}))

    (event,) = run("sample_answer", endpoint, tracker)

    assert event.message()["custom"]["offers"] == [["tea.making"]]


# ── What an action gets ───────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def call(endpoint, tracker):
    """The (tracker, domain) that an action is called with."""
    sample_actions.CALLS.clear()
    run("sample_record", endpoint, tracker)
    return sample_actions.CALLS[0]


def test_an_action_gets_the_message_as_it_was_understood(call):
    tracker, _ = call

    assert (tracker.sender_id, tracker.latest_message["text"]) == ("visitor", "what does tea cost")
    assert tracker.latest_message["intent"] == {"name": "tea.price", "confidence": 0.75}
    assert tracker.latest_message["metadata"] == {"turn": 3}


def test_an_action_gets_the_slots_and_the_last_action(call):
    tracker, _ = call

    assert tracker.get_slot("about") == "tea" and tracker.latest_action_name == "action_listen"


def test_an_action_gets_a_domain_without_anything(call):
    assert call[1] == {"actions": []}


def test_an_action_can_change_nothing_of_rasas_tracker(endpoint, tracker):
    before = copy.deepcopy([event.as_dict() for event in tracker.events])

    run("sample_vandal", endpoint, tracker)

    assert [event.as_dict() for event in tracker.events] == before
    assert (tracker.get_slot("about"), tracker.latest_message.text) == ("tea", "what does tea cost")
    assert tracker.latest_message.intent["name"] == "tea.price"


# ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_an_action_that_raises_ends_its_turn_as_a_failing_server_would(endpoint, tracker):
    with pytest.raises(
        RasaException, match="Failed to execute custom action 'sample_raise'"
    ) as caught:
        run("sample_raise", endpoint, tracker)

    cause = caught.value.__cause__
    assert isinstance(cause, ClientResponseError)
    assert (cause.status, cause.message, cause.text) == (500, "ValueError", "")


def test_an_action_that_raises_is_logged_by_its_name(endpoint, tracker, caplog):
    with pytest.raises(RasaException):
        run("sample_raise", endpoint, tracker)

    (record,) = (record for record in caplog.records if record.name == "bot.rasa.local_actions")
    assert (
        record.getMessage() == "the action sample_raise failed" and record.exc_info[0] is ValueError
    )


def test_an_action_that_hangs_is_ended_after_its_bound(endpoint, tracker, monkeypatch):
    monkeypatch.setattr(local_actions, "MOST_SECONDS", 0.05)
    begun = time.monotonic()

    with pytest.raises(RasaException) as caught:
        run("sample_hang", endpoint, tracker)

    assert caught.value.__cause__.message == "TimeoutError" and time.monotonic() - begun < 2


def test_a_bound_is_shorter_than_what_the_gateway_waits():
    assert 0 < local_actions.MOST_SECONDS < 4


def test_an_action_that_rejects_lets_rasa_choose_another(endpoint, tracker):
    with pytest.raises(ActionExecutionRejection) as caught:
        run("sample_reject", endpoint, tracker)

    assert (caught.value.action_name, str(caught.value)) == ("sample_reject", "not now")


def test_an_action_that_nobody_wrote_ends_its_turn(endpoint, tracker):
    with pytest.raises(RasaException, match="'action_sing'") as caught:
        run("action_sing", endpoint, tracker)

    assert caught.value.__cause__.message == "ActionNotFoundException"


@pytest.mark.parametrize(
    "result", [None, "text", {"event": "slot"}, [None], [{"name": "about"}]], ids=str
)
def test_what_is_no_event_is_left_out(endpoint, tracker, result):
    tracker.update(SlotSet("result", result))

    assert run("sample_nonsense", endpoint, tracker) == []


def test_an_event_of_no_known_kind_ends_the_turn(endpoint, tracker):
    tracker.update(SlotSet("result", [{"event": "song"}]))

    with pytest.raises(ValidationError, match="'song'"):
        run("sample_nonsense", endpoint, tracker)


@pytest.mark.parametrize("result", [7, True], ids=str)
def test_a_result_that_is_no_list_ends_its_turn(endpoint, tracker, result):
    tracker.update(SlotSet("result", result))

    with pytest.raises(RasaException, match="sample_nonsense"):
        run("sample_nonsense", endpoint, tracker)


def test_a_result_is_what_json_carries(endpoint):
    state = DialogueStateTracker("visitor", []).current_state()
    call = {"next_action": "sample_talk", "tracker": state, "domain": {"actions": []}}

    result = asyncio.run(endpoint.request(json=call))

    assert json.loads(json.dumps(result)) == result and set(result) == {"events", "responses"}
