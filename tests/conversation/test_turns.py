"""A message's way without Rasa behind it: what a slow database makes of it, and one id for two
messages."""

import asyncio
import shutil
import time
import types
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.content import site_content
from bot.conversation import admission, limits, turns, unstored_replies
from bot.domain.messages import IncomingMessage
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen, verdicts
from bot.store import engine as store_engine
from bot.store import stored_turns
from bot.store.tables import Reply, Turn

DATA = Path(__file__).resolve().parents[2] / "data"
CRISIS = "i want to kill myself"


@pytest.fixture
def desk(tmp_path):
    address = f"sqlite:///{tmp_path}/turns.db"
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    texts, _ = site_content.read_texts(DATA)
    yield turns.Site(
        config=settings.read_settings({"VAR": str(tmp_path)}),
        engine=engine,
        turnstile=limits.Turnstile(None),
        loaded=turns.LoadedRelease(
            "r",
            types.SimpleNamespace(texts=texts),
            danger_screen.load_screen(DATA),
            None,
            frozenset(),
        ),
        places=(admission.Places(4.5),),
    )
    engine.dispose()


def open_conversation(desk):
    return stored_turns.open_conversation(desk.engine, "web", 24)[1]


async def send(desk, token, id, text):
    verdict = verdicts.Verdict(danger_screen.find_danger(desk.screen, text))
    caller = admission.Caller("192.0.2.1")
    message = IncomingMessage(token, id, hours=24, text=text, country="GB")
    return await turns.handle(desk, caller, message, verdict)


def stored(desk):
    with desk.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(Turn.text, Turn.outcome))]


def test_an_emergency_that_was_shown_is_stored_as_it_was_told_by_a_slow_database(desk, monkeypatch):
    token, accept = open_conversation(desk), stored_turns.accept_message

    def accept_slowly(*given):
        time.sleep(0.3)
        return accept(*given)

    async def tell_and_settle():
        with monkeypatch.context() as slow:
            slow.setattr(limits, "STORE_SECONDS", 0.05)
            slow.setattr(stored_turns, "accept_message", accept_slowly)
            shown, turn = await send(desk, token, "m1", CRISIS)
        assert turn is None
        while not stored(desk):  # the database takes it after all
            await asyncio.sleep(0.05)
        await unstored_replies.store_all(desk.config, desk.engine)
        return shown

    (shown,) = asyncio.run(tell_and_settle())
    assert shown["kind"] == "crisis"
    assert stored(desk) == [(CRISIS, "crisis")]
    with desk.engine.connect() as connection:
        assert connection.execute(select(Reply.id)).scalars().all() == [shown["id"]]


def answered(desk, token, id, text):
    """A message that has its answer already."""
    accepted = stored_turns.accept_message(desk.engine, IncomingMessage(token, id, 24, text))
    reply = {"id": "r1", "kind": "talk", "text": "Hello."}
    stored_turns.finish_turn(desk.engine, accepted, stored_turns.TurnEnd([reply], "talk", {}))


def test_one_id_with_another_text_is_refused_and_the_first_answer_is_not_given_for_it(desk):
    token = open_conversation(desk)
    answered(desk, token, "m1", "hello")
    with pytest.raises(stored_turns.OtherMessage):
        asyncio.run(send(desk, token, "m1", "what causes hiccups"))
    found, _ = asyncio.run(send(desk, token, "m1", "hello"))
    assert found[0]["id"] == "r1"
    assert stored(desk) == [("hello", "talk")]


def test_a_danger_under_the_id_of_another_message_is_answered_all_the_same(desk):
    token = open_conversation(desk)
    answered(desk, token, "m1", "hello")
    found, turn = asyncio.run(send(desk, token, "m1", CRISIS))
    assert (found[0]["kind"], turn) == ("crisis", None)
    open_token = open_conversation(desk)
    under_way = IncomingMessage(open_token, "m2", 24, "hello")
    stored_turns.accept_message(desk.engine, under_way)
    found, turn = asyncio.run(send(desk, open_token, "m2", CRISIS))
    assert (found[0]["kind"], turn) == ("crisis", None)


def write_release(config, id, term):
    """A release folder whose content knows one term."""
    folder = config.path("models") / "releases" / id
    (folder / "data").mkdir(parents=True)
    for path in DATA.glob("*.yml"):
        shutil.copy(path, folder / "data")
    made = site_content.SiteContent(
        folder="",
        articles={},
        questions={},
        kinds={},
        names={term: term},
        mentions={},
        talk={},
        texts={},
    )
    (folder / registry.CONTENT).write_bytes(site_content.dump_content(made))


def test_whoever_reads_while_a_release_is_taken_over_finds_one_release_whole(tmp_path):
    config, seen = settings.read_settings({"MODELS": str(tmp_path)}), []
    write_release(config, "first", "alpha")
    write_release(config, "second", "beta")

    class Watched(turns.Site):
        """A desk that notes what a reader finds after each change of one of its fields."""

        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            seen.append((self.release, tuple(self.library.names), tuple(self.words)))

    desk = turns.Site(config=config, engine=None, turnstile=None)
    turns.read_release(desk, "first")
    desk.__class__ = Watched
    turns.read_release(desk, "second")
    turns.read_release(desk, "first")
    whole = {("first", ("alpha",), ("alpha",)), ("second", ("beta",), ("beta",))}
    assert seen and set(seen) <= whole


@pytest.mark.parametrize("given", [{"text": "hello", "choice": "hiccups.causes"}, {}])
def test_a_message_is_a_text_or_a_choice_and_never_both(given):
    with pytest.raises(ValueError, match="either a text or a choice"):
        IncomingMessage("token", "m1", 24, **given)
