"""The boxes and the opt-out in the database, on SQLite and on PostgreSQL."""

import contextlib
import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.store import engine as store_engine
from bot.store import queues as stored
from bot.store import stored_turns
from bot.store.tables import Conversation, Inbox

DAY = datetime.timedelta(days=1)


@pytest.fixture
def engine(address):
    store_engine.migrate_database(address)
    made = store_engine.connect_database(address)
    yield made
    made.dispose()


def message(text):
    return {
        "visitor": "v",
        "address": {"to": "v"},
        "text": text,
        "note": None,
        "code": None,
        "country": None,
        "danger": None,
    }


def test_a_stop_outlives_the_conversation_and_all_texts_until_a_start(engine):
    now = datetime.datetime.now(datetime.UTC)
    for token in ("stops", "stays"):
        stored_turns.enter_conversation(engine, token, "twilio", 24, "GB")
        stored.receive_event(engine, "twilio", token, token, message("stop"))
    for row in stored.claim_received(engine, ["twilio"], 10):
        stored.finish_event(
            engine,
            row,
            [],
            [],
            {"stopped": True} if row.event == "stops" else {"topic": "x"},
            False,
        )
    with Session(engine) as session, session.begin():
        session.execute(update(Conversation).values(opened_at=now - 40 * DAY, expires_at=now - DAY))
    stored_turns.clear_old_texts(engine, now - 30 * DAY)
    with Session(engine) as session:
        assert session.execute(select(Conversation.country, Conversation.state)).all() == [
            (None, {"stopped": True})
        ]
    assert stored_turns.enter_conversation(engine, "stops", "twilio", 24) == {"stopped": True}
    assert stored_turns.enter_conversation(engine, "stays", "twilio", 24) == {}


def receive(engine, count, conversations):
    """So many messages, in turn of so many conversations: their events."""
    events = [f"event {number}" for number in range(count)]
    for number, event in enumerate(events):
        assert stored.receive_event(
            engine, "twilio", event, f"token {number % conversations}", message(event)
        )
    return events


def test_what_failed_is_claimed_again_at_once_and_what_was_not_given_back_is_not(engine):
    receive(engine, 2, 2)
    failed, killed = stored.claim_received(engine, ["twilio"], 10)
    assert stored.claim_received(engine, ["twilio"], 10) == []
    stored.give_back(engine, failed, 0)
    [again] = stored.claim_received(engine, ["twilio"], 10)
    assert (again.id, again.attempts) == (failed.id, 2)
    stored.give_back(engine, failed, 0)  # by a worker that is late: the claim is no longer its own
    assert stored.claim_received(engine, ["twilio"], 10) == []
    stored.give_back(engine, again, 3600)
    assert stored.claim_received(engine, ["twilio"], 10) == []


def test_what_failed_to_be_sent_is_claimed_again(engine):
    receive(engine, 1, 1)
    [row] = stored.claim_received(engine, ["twilio"], 10)
    stored.finish_event(
        engine, row, [({"to": "v"}, {"text": "1"}), ({"to": "v"}, {"text": "2"})], [], {}, False
    )
    [letter] = stored.claim_queued(engine, ["twilio"], 10)
    stored.give_back(engine, letter, 0)
    [again] = stored.claim_queued(engine, ["twilio"], 10)
    assert (again.id, again.attempts) == (letter.id, 2)


def test_gateways_that_claim_at_once_get_each_message_once_and_a_conversations_in_order(address):
    store_engine.migrate_database(address)
    engines = [store_engine.connect_database(address) for _ in range(2)]
    events, taken, lock = receive(engines[0], 60, 6), [], threading.Lock()

    def work(engine):
        while len(taken) < len(events):
            try:
                rows = stored.claim_received(engine, ["twilio"], 2)
            except store_engine.StoreDown:  # SQLite, where another writes
                continue
            with lock:
                taken.extend(rows)
            for row in rows:
                finish(engine, row)

    def finish(engine, row):
        for _ in range(50):
            with contextlib.suppress(store_engine.StoreDown):
                return stored.finish_event(engine, row, [], [], {}, False)
        raise AssertionError("the database can't be written to")

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, engines[number % 2]) for number in range(8)]:
            done.result(timeout=60)
    for engine in engines:
        engine.dispose()
    assert sorted(row.event for row in taken) == sorted(events)
    for conversation in {row.conversation for row in taken}:
        ids = [row.id for row in taken if row.conversation == conversation]
        assert ids == sorted(ids) and len(ids) == 10


def test_a_row_that_another_gateway_holds_is_passed_over_and_not_waited_for(postgresql):
    address = postgresql.make("held")
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    receive(engine, 3, 3)
    with Session(engine) as holding, holding.begin():
        held = holding.scalar(select(Inbox.id).order_by(Inbox.id).limit(1).with_for_update())
        with ThreadPoolExecutor(1) as pool:
            claimed = pool.submit(stored.claim_received, engine, ["twilio"], 10).result(timeout=60)
        assert [row.id for row in claimed] == [held + 1, held + 2]
    assert [row.id for row in stored.claim_received(engine, ["twilio"], 10)] == [held]
    engine.dispose()
