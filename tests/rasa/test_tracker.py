"""A conversation as Rasa keeps it: its events, its slots, its sessions, and our store of it."""

import asyncio
import functools
import json

import pytest
from rasa.core.actions.action import ActionExtractSlots, ActionSessionStart
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.core.tracker_store import FailSafeTrackerStore, TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

from bot.rasa import tracker_store
from bot.rasa.tracker_store import LiveTrackerStore

DOMAIN = {
    "session_config": {"session_expiration_time": 0, "carry_over_slots_to_new_session": True},
    "intents": [{name: {"use_entities": []}} for name in ("greeting", "tea.price")],
    "actions": ["action_answer"],
    "entities": ["term"],
    "slots": {
        "about": {
            "type": "text",
            "influence_conversation": False,
            "mappings": [{"type": "from_entity", "entity": "term"}],
        }
    },
}
PRICE = UserUttered(
    "what does tea cost",
    {"name": "tea.price", "confidence": 0.75},
    [{"entity": "term", "value": "tea", "start": 10, "end": 13, "kind": "drink"}],
    {"intent_ranking": [{"name": "tea.price", "confidence": 0.75}], "context": {"case": None}},
    input_channel="gateway",
    message_id="m1",
    metadata={"turn": 3},
)


@functools.cache
def domain():
    return Domain.from_dict(DOMAIN)


def tracker_of(*events):
    return DialogueStateTracker.from_events("visitor", events, domain().slots, domain=domain())


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    "event",
    [
        PRICE,
        BotUttered("two pounds", {"custom": {"replies": ["two pounds"]}}),
        SlotSet("about", "tea"),
        SlotSet("about", None),
        ActionExecuted("action_answer", "AnswerPolicy", 1.0),
        ActionExecutionRejected("action_answer", "AnswerPolicy", 1.0),
        SessionStarted(),
        Restarted(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_survives_being_written_as_json(event):
    written = json.loads(json.dumps(event.as_dict()))

    again = Event.from_parameters(written)

    assert again == event and again.as_dict() == event.as_dict()


def test_what_our_components_add_to_a_message_stays_with_it():
    state = tracker_of(PRICE).current_state(EventVerbosity.NONE)

    message = state["latest_message"]

    assert (message["intent"]["name"], message["text"]) == ("tea.price", "what does tea cost")
    assert message["entities"][0]["kind"] == "drink"
    assert (message["context"], message["metadata"]) == ({"case": None}, {"turn": 3})


def test_an_event_of_no_known_kind_is_named():
    with pytest.raises(ValueError, match="'song'"):
        Event.from_parameters({"event": "song"})


# ── The tracker ───────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("verbosity", "events"),
    [
        (EventVerbosity.NONE, None),
        (EventVerbosity.APPLIED, ["action", "user"]),
        (EventVerbosity.ALL, ["user", "restart", "action", "user"]),
    ],
)
def test_a_state_holds_the_events_that_are_asked_for(verbosity, events):
    tracker = tracker_of(UserUttered("before"), Restarted(), ActionExecuted("action_listen"), PRICE)

    state = tracker.current_state(verbosity)

    assert (state["events"] and [event["event"] for event in state["events"]]) == events
    assert state["sender_id"] == "visitor" and state["slots"]["about"] is None


def test_a_slot_holds_what_was_set_last():
    tracker = tracker_of(SlotSet("about", "coffee"), PRICE, SlotSet("about", "tea"))

    assert tracker.get_slot("about") == tracker.current_slot_values()["about"] == "tea"


def test_a_restart_forgets():
    tracker = tracker_of(PRICE, SlotSet("about", "tea"), Restarted())

    assert tracker.get_slot("about") is None and tracker.latest_message.text is None


def test_the_last_action_is_known():
    tracker = tracker_of(PRICE, ActionExecuted("action_answer"))

    assert tracker.latest_action_name == "action_answer"
    assert tracker.get_last_event_for(UserUttered).text == "what does tea cost"


def test_a_copy_of_a_tracker_lives_its_own_life():
    tracker = tracker_of(PRICE)

    copied = tracker.copy()
    copied.update(SlotSet("about", "tea"))

    assert (tracker.get_slot("about"), copied.get_slot("about")) == (None, "tea")
    assert len(tracker.events) + 1 == len(copied.events)


def test_a_tracker_survives_being_written_as_json():
    tracker = tracker_of(PRICE, ActionExecuted("action_answer"), SlotSet("about", "tea"))
    written = json.loads(json.dumps(tracker.current_state(EventVerbosity.ALL)))

    again = DialogueStateTracker.from_dict("visitor", written["events"], domain().slots)

    assert again == tracker and again.current_state(EventVerbosity.ALL) == tracker.current_state(
        EventVerbosity.ALL
    )


# ── What Rasa does between a message and our action ───────────────────────────────────────────────────────────  # noqa: E501


def run(action, tracker):
    """The events of an action of Rasa's."""
    return asyncio.run(
        action.run(
            CollectingOutputChannel(), TemplatedNaturalLanguageGenerator({}), tracker, domain()
        )
    )


def test_the_term_that_a_message_names_is_kept_in_the_slot():
    assert run(ActionExtractSlots(None), tracker_of(PRICE)) == [SlotSet("about", "tea")]


def test_a_message_that_names_no_term_leaves_the_slot_as_it_was():
    tracker = tracker_of(
        SlotSet("about", "tea"), UserUttered("hello", {"name": "greeting", "confidence": 1.0})
    )

    assert run(ActionExtractSlots(None), tracker) == []


def test_a_new_session_carries_the_slots_over_and_listens():
    events = run(ActionSessionStart(), tracker_of(SlotSet("about", "tea"), PRICE))

    assert [type(event).__name__ for event in events] == [
        "SessionStarted",
        "SlotSet",
        "ActionExecuted",
    ]
    assert events[1] == SlotSet("about", "tea") and events[2].action_name == "action_listen"


# ── Our store ─────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture
def store():
    return LiveTrackerStore(domain())


def saved(store, *senders):
    """The store after these trackers were saved in it, one after another."""
    for sender in senders:
        asyncio.run(store.save(DialogueStateTracker(sender, domain().slots)))
    return store


def test_a_saved_tracker_is_found_again(store):
    tracker = tracker_of(PRICE)

    asyncio.run(store.save(tracker))

    assert asyncio.run(store.retrieve("visitor")) is tracker
    assert asyncio.run(store.keys()) == ["visitor"]


def test_a_tracker_is_kept_without_what_its_policies_went_through(store):
    tracker = tracker_of(PRICE)
    asyncio.run(store.save(tracker))
    kept = set(vars(tracker))

    domain().states_for_tracker_history(tracker)
    asyncio.run(store.save(tracker))

    assert set(vars(tracker)) == kept


def test_a_sender_of_whom_nothing_is_kept_gets_a_new_tracker(store):
    tracker = asyncio.run(store.get_or_create_tracker("visitor"))

    assert tracker.sender_id == "visitor" and "about" in tracker.slots
    assert [event.as_dict()["event"] for event in tracker.events] == ["action"]


def test_the_longest_unused_tracker_leaves_first(store, monkeypatch):
    monkeypatch.setattr(tracker_store, "MOST", 2)

    saved(store, "first", "second", "first", "third")

    assert asyncio.run(store.keys()) == ["first", "third"]


def test_a_deleted_tracker_may_come_again_and_a_forgotten_one_may_not(store):
    saved(store, "deleted", "forgotten")
    asyncio.run(store.delete("deleted"))
    asyncio.run(store.forget("forgotten"))

    saved(store, "deleted", "forgotten")

    assert asyncio.run(store.keys()) == ["deleted"]


def test_rasa_makes_our_store_of_the_endpoints_and_wraps_it(tmp_path):
    (tmp_path / "endpoints.yml").write_text(
        "tracker_store:\n  type: bot.rasa.tracker_store.LiveTrackerStore\n"
    )
    endpoints = AvailableEndpoints.read_endpoints(str(tmp_path / "endpoints.yml"))

    store = FailSafeTrackerStore(TrackerStore.create(endpoints.tracker_store, domain()))

    assert isinstance(tracker_store.unwrap_store(store), LiveTrackerStore)
    assert saved(store, "visitor").domain is domain() and asyncio.run(
        tracker_store.unwrap_store(store).keys()
    ) == ["visitor"]
