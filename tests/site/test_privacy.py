"""What is kept, for how long, and that what is deleted is gone: from tables, files, logs and
Rasa."""

import asyncio
import concurrent.futures
import contextlib
import datetime
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import conftest
import httpx
import pytest
from sqlalchemy import func, select, text, update

from bot.domain.messages import IncomingMessage
from bot.runtime import settings
from bot.store import conversation_notes, stored_turns, votes
from bot.store import engine as store_engine
from bot.store.tables import (
    Base,
    Conversation,
    ConversationNote,
    ConversationTag,
    Reply,
    Turn,
    Vote,
)

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
CANARY = "wrenboatlamp"  # a word that no file of ours holds


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """A service that logs all it can."""
    with conftest.serving(tmp_path_factory.mktemp("loud"), LOG_LEVEL="debug") as made:
        yield made


@pytest.fixture
def engine(address):
    """Of an empty database."""
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    yield engine
    engine.dispose()


def say(engine, token, text, days=0, comment=None):
    """Store one answered message of `days` ago, and a vote on it where there is a comment; its
    turn's number."""
    message = IncomingMessage(token, uuid.uuid4().hex, 24, text)
    accepted = stored_turns.accept_message(engine, message)
    reply = {"id": uuid.uuid4().hex, "kind": "answer", "text": f"about {text}"}
    end = stored_turns.TurnEnd(
        replies=[reply],
        outcome="answer",
        state={"topic": {"question": "a.b"}, "asked": [text]},
        question="a.b",
        confidence=0.9,
        understood={"intent": text},
        release="r1",
    )
    stored_turns.finish_turn(engine, accepted, end)
    if comment:
        votes.store_vote(engine, token, reply["id"], False, "unclear", comment)
    rows(engine, update(Turn).where(Turn.id == accepted.turn).values(received_at=NOW - days * DAY))
    rows(engine, update(Conversation).values(opened_at=NOW - days * DAY))
    return accepted.turn


def rows(engine, statement):
    with engine.begin() as connection:
        result = connection.execute(statement)
        return [tuple(row) for row in result.fetchall()] if result.returns_rows else []


def count(engine, table):
    return rows(engine, select(func.count()).select_from(table))[0][0]


def end_all(engine):
    rows(engine, update(Conversation).values(expires_at=NOW - DAY))


def bytes_of(database):
    """All bytes of an SQLite database's files."""
    return b"".join(path.read_bytes() for path in database.parent.glob(database.name + "*"))


def holds(engine, word):
    """Whether the database holds a word: SQLite in a byte of its files, PostgreSQL in a row."""
    if engine.dialect.name == "sqlite":
        return word.encode() in bytes_of(Path(engine.url.database))
    return any(
        word in str(row)
        for table in Base.metadata.sorted_tables
        for row in rows(engine, select(table))
    )


# --- retention


def test_of_old_messages_only_counts_are_kept(engine):
    _, token, _ = stored_turns.open_conversation(engine, "web", 24, "myoclonus", "GB")
    say(engine, token, f"{CANARY} can it be prevented", days=31, comment=f"{CANARY} too long")
    say(engine, token, f"{CANARY} what causes it", days=31)
    end_all(engine)
    assert stored_turns.clear_old_texts(engine, NOW - 30 * DAY) == 2
    store_engine.scrub_files(engine)
    assert not holds(engine, CANARY)
    midnight = (NOW - 31 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (
        rows(
            engine,
            select(Turn.outcome, Turn.question, Turn.confidence, Turn.release, Turn.received_at),
        )
        == [("answer", "a.b", 0.9, "r1", midnight)] * 2
    )
    assert rows(engine, select(Vote.helpful, Vote.reason, Vote.comment)) == [
        (False, "unclear", None)
    ]
    assert rows(engine, select(Reply.body)) == [({},)]
    assert rows(
        engine,
        select(
            Conversation.token_hash, Conversation.country, Conversation.state, Conversation.article
        ),
    ) == [(None, None, {}, "myoclonus")]
    with pytest.raises(stored_turns.NoConversation):
        stored_turns.read_turns(engine, token)


def note(engine, conversation, days=0):
    """What editors write on a conversation, of `days` ago."""
    at = {"tagged_at": NOW - days * DAY}, {"changed_at": NOW - days * DAY}
    conversation_notes.add_tags(engine, conversation, [f"{CANARY} tag"])
    conversation_notes.change_note(engine, conversation, f"{CANARY} wrote", "Ada", None)
    for table, values in zip((ConversationTag, ConversationNote), at, strict=True):
        rows(engine, update(table).where(table.conversation == conversation).values(values))


def test_what_editors_noted_goes_with_the_texts(engine):
    old, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, "what causes it", days=31)
    note(engine, old)
    end_all(engine)
    long, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, "an old one", days=31)
    note(engine, long, days=31)
    say(engine, token, "a new one", days=1)
    new, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, "another new one", days=1)
    conversation_notes.change_note(engine, new, "as one who is new", "Ada", None)
    assert stored_turns.clear_old_texts(engine, NOW - 30 * DAY) == 2 + 4
    store_engine.scrub_files(engine)
    assert not holds(engine, CANARY)
    assert rows(engine, select(ConversationNote.conversation)) == [(new,)]


def test_what_editors_noted_is_forgotten_with_the_conversation(engine):
    conversation, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, "what causes it")
    note(engine, conversation)
    assert holds(engine, CANARY)
    stored_turns.forget_conversation(engine, token)
    store_engine.scrub_files(engine)
    assert not holds(engine, CANARY)
    with pytest.raises(conversation_notes.NoTexts):
        conversation_notes.add_tags(engine, conversation, ["late"])
    with pytest.raises(conversation_notes.NoTexts):
        conversation_notes.change_note(engine, conversation, "late", "Ada", None)


def test_newer_messages_of_the_same_conversation_stay_and_can_be_read(engine):
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, "an old one", days=31)
    new = say(engine, token, "a new one", days=29)
    assert stored_turns.clear_old_texts(engine, NOW - 30 * DAY) == 1
    assert [(turn["id"], turn["text"]) for turn in stored_turns.read_turns(engine, token)] == [
        (new, "a new one")
    ]
    another = IncomingMessage(token, "m", 24, "and another")
    assert stored_turns.accept_message(engine, another).number == 2
    assert stored_turns.clear_old_texts(engine, NOW - 30 * DAY) == 0


def test_a_conversation_in_which_nothing_was_said_goes_whole(engine):
    stored_turns.open_conversation(engine, "web", 24)
    rows(engine, update(Conversation).values(opened_at=NOW - 40 * DAY))
    end_all(engine)
    stored_turns.clear_old_texts(engine, NOW - 30 * DAY)
    assert count(engine, Conversation) == 0


def test_bot_retention_deletes_old_texts_and_says_how_many(engine, address):
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, f"{CANARY} eight days ago", days=8)
    say(engine, token, "six days ago", days=6)
    engine.dispose()
    done = subprocess.run(
        [sys.executable, "-m", "bot", "retention"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": address, "RETENTION_DAYS": "7"},
    )
    assert done.stdout == "the texts of 1 messages and notes were deleted; 7 days are kept\n", (
        done.stderr
    )
    assert not holds(engine, CANARY)
    assert holds(engine, "six days ago")


def test_the_service_deletes_old_texts_at_its_start(tmp_path):
    url = f"sqlite:///{tmp_path / 'test.db'}"
    store_engine.migrate_database(url)
    engine = store_engine.connect_database(url)
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, f"{CANARY} long ago", days=31)
    end_all(engine)
    engine.dispose()
    with conftest.serving(tmp_path) as service:
        wait_until(lambda: CANARY.encode() not in bytes_of(service.database), 30)
        assert service.rows("select text, outcome from turns") == [(None, "answer")]


def test_the_service_deletes_them_again_and_again(engine, monkeypatch):
    from bot.runtime import loops
    from bot.web import background_tasks

    assert background_tasks.RETAIN_SECONDS == 24 * 3600
    monkeypatch.setattr(background_tasks, "RETAIN_SECONDS", 0.05)
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    desk = SimpleNamespace(
        engine=engine, config=settings.read_settings({}), forgotten=asyncio.Event()
    )

    async def go():
        task = asyncio.create_task(
            loops.run_loop(loops.Loop("r", lambda: background_tasks.delete_old_texts(desk)))
        )
        await asyncio.sleep(0.3)
        say(engine, token, "became old while the service ran", days=31)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if rows(engine, select(Turn.text)) == [(None,)]:
                break
        task.cancel()

    asyncio.run(go())
    assert rows(engine, select(Turn.text)) == [(None,)]


def test_a_conversation_that_is_forgotten_takes_all_its_rows_with_it(engine):
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, token, f"{CANARY} mine", comment=f"{CANARY} unclear")
    _, other, _ = stored_turns.open_conversation(engine, "web", 24)
    say(engine, other, "somebody else's", comment="clear")
    stored_turns.forget_conversation(engine, token)
    store_engine.scrub_files(engine)
    assert not holds(engine, CANARY)
    assert [count(engine, table) for table in (Conversation, Turn, Reply, Vote)] == [1, 1, 1, 1]


def test_pages_that_were_split_keep_no_deleted_text(tmp_path):
    """SQLite's secure_delete leaves stale copies behind when rows are moved; scrubbing leaves
    none."""
    url = f"sqlite:///{tmp_path / 'split.db'}"
    store_engine.migrate_database(url)
    engine = store_engine.connect_database(url)
    tokens = [stored_turns.open_conversation(engine, "web", 24)[1] for _ in range(5)]
    for i in range(120):
        say(engine, tokens[i % 5], f"{CANARY if i % 5 == 0 else 'other'} " * (1 + i * 7 % 60))
    stored_turns.forget_conversation(engine, tokens[0])
    store_engine.scrub_files(engine)
    assert not holds(engine, CANARY)
    engine.dispose()


def upgrade(address, revision):
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(store_engine.MIGRATIONS))
    config.attributes["url"] = address
    command.upgrade(config, revision)


def test_an_older_database_keeps_its_rows_when_it_is_brought_up_to_date(address):
    upgrade(address, "0001")
    engine = store_engine.connect_database(address)
    for statement in (
        "insert into conversations (id, token_hash, channel, state, opened_at, expires_at) "
        "values ('c', 'h', 'web', '{}', '2026-01-01', '2026-01-02')",
        "insert into turns (id, conversation, message, text, received_at) values (1, 'c', 'm', "
        "'hello', '2026-01-01')",
        "insert into replies (id, turn, place, body) values ('r', 1, 0, '{}')",
        "insert into votes (reply, helpful, voted_at) values ('r', true, '2026-01-01')",
    ):
        rows(engine, text(statement))
    store_engine.migrate_database(address)
    for table in (Conversation, Turn, Reply, Vote):
        assert count(engine, table) == 1, table
    engine.dispose()


def test_sqlite_gives_no_id_twice(tmp_path):
    address = f"sqlite:///{tmp_path / 'test.db'}"
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    made = dict(rows(engine, text("select name, sql from sqlite_master where type = 'table'")))
    numbered = [name for name, sql in made.items() if "id INTEGER NOT NULL" in sql]
    assert (
        len(numbered) >= 9
        and [name for name in numbered if "AUTOINCREMENT" not in made[name]] == []
    )
    engine.dispose()


def test_two_gateways_that_start_at_once_bring_the_database_up_to_date_once(address):
    upgrade(address, "0001")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        code = f"from bot.store import engine; engine.migrate_database({address!r})"
        done = list(
            pool.map(
                lambda _: subprocess.run(
                    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
                ),
                range(3),
            )
        )
    if address.startswith("postgresql"):  # SQLite is one machine's, and one gateway's
        assert [each.returncode for each in done] == [0, 0, 0], done
    engine = store_engine.connect_database(address)
    store_engine.migrate_database(address)
    assert count(engine, Turn) == 0
    engine.dispose()


# --- forget me


def wait_until(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.3)


def headers(token):
    return {"Authorization": f"Bearer {token}"}


def everywhere(service):
    """Every file that the service writes or could write: its own folder, the models, the
    content."""
    for folder in (service.database.parent, ROOT / "var", ROOT / "models", ROOT / "data"):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".onnx", ".gz"):
                yield path


def places_of(service, word):
    found = []
    for path in everywhere(service):
        with contextlib.suppress(FileNotFoundError):  # a write-ahead log that was emptied meanwhile
            if word.encode() in path.read_bytes():
                found.append(str(path))
    return found


def tell(service, token, word):
    """Put `word` in through every door of a conversation."""
    first = service.post(
        token, {"id": f"{word}-id", "text": f"{word} can myoclonus be prevented"}
    ).json()["replies"][0]
    service.post(token, {"id": "c1", "choice": "myoclonus.causes"})
    service.post(token, {"id": "c2", "choice": f"myoclonus.{word}"})
    service.post(token, {"id": "m2", "text": f"what about {word} myoclonus side effects"})
    service.post(token, {"id": "m3", "text": f"{word} i want to kill myself"})
    service.post(token, {"id": "m4", "text": f"{word}\0"})
    service.post(token, {"id": "m5", "text": word * 400})
    service.post(token, {"id": "m6", "text": word, "more": word})
    httpx.post(
        f"{service.url}/api/messages",
        content=f'{{"id": "m7", "text": "{word}'.encode(),
        headers=headers(token),
    )
    httpx.post(f"{service.url}/api/{word}?{word}={word}", json={word: word}, headers=headers(token))
    vote = {"reply": first["id"], "helpful": False, "reason": "other", "comment": f"{word} says no"}
    assert (
        httpx.post(f"{service.url}/api/feedback", json=vote, headers=headers(token)).status_code
        == 200
    )


def test_what_came_in_through_any_door_is_gone_a_minute_after_forget_me(loud):
    word = CANARY + "one"
    token = loud.open(article=f"x{word}", country="GB", language="en-GB")
    httpx.post(f"{loud.url}/api/conversations", json={"article": word, "country": word})
    tell(loud, token, word)
    assert places_of(loud, word) != [], "the test would find nothing anyway"
    receipt = httpx.delete(f"{loud.url}/api/conversations/current", headers=headers(token)).json()[
        "receipt"
    ]
    wait_until(lambda: places_of(loud, word) == [], 60)
    assert loud.rows("select count(*) from deletions where receipt = ?", receipt) == [(1,)]
    assert (
        httpx.get(f"{loud.url}/api/conversations/current", headers=headers(token)).status_code
        == 401
    )
    after = loud.ask("and its side effects?")[0]
    assert word not in str(after) and after["kind"] != "answer", "nothing is left to refer to"


def test_forget_me_by_a_choice_in_the_chat_forgets_as_much(loud):
    word = CANARY + "two"
    token = loud.open()
    tell(loud, token, word)
    loud.ask("forget me", token)
    (reply,) = loud.post(token, {"id": "yes", "choice": "forget_me_yes"}).json()["replies"]
    assert re.search(r"receipt is [0-9a-f]{16}\.", reply["text"])
    wait_until(lambda: places_of(loud, word) == [], 60)


def test_a_message_that_is_on_its_way_is_forgotten_too(loud):
    word = CANARY + "three"
    token = loud.open()
    loud.ask("hello", token)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(loud.post, token, {"id": f"m{i}", "text": f"{word} what causes myoclonus"})
            for i in range(4)
        ]
        time.sleep(0.02)
        gone = pool.submit(
            httpx.delete,
            f"{loud.url}/api/conversations/current",
            headers=headers(token),
            timeout=30,
        )
        assert gone.result().status_code == 200
        assert {answer.result().status_code for answer in sent} <= {200, 401}
    wait_until(lambda: places_of(loud, word) == [], 60)
    assert loud.post(token, {"id": "after", "text": "hello"}).status_code == 401


def test_forget_me_is_obeyed_by_a_rasa_that_hangs_once_it_answers_again(own_service):
    word = CANARY + "four"
    token = own_service.open()
    own_service.ask(f"{word} what causes myoclonus", token)
    rasa = own_service.children()["rasa"]
    os.kill(rasa, signal.SIGSTOP)
    try:
        (reply,) = own_service.ask(f"{word} can it be prevented", token)
        assert reply["kind"] == "unavailable"
        assert (
            httpx.delete(
                f"{own_service.url}/api/conversations/current", headers=headers(token), timeout=30
            ).status_code
            == 200
        )
    finally:
        os.kill(rasa, signal.SIGCONT)
    wait_until(lambda: places_of(own_service, word) == [], 60)
    assert own_service.ask("can myoclonus be prevented")[0]["kind"] == "answer"


def test_rasa_keeps_nothing_of_a_session_that_was_forgotten():
    """A message that was on its way saves its tracker after the deletion; it must not come back."""
    code = """if True:
        import asyncio
        from bot.rasa import compatibility
        compatibility.prepare_rasa()
        from bot.rasa.tracker_store import LiveTrackerStore
        from rasa.shared.core.domain import Domain

        async def go():
            store = LiveTrackerStore(Domain.empty())
            late, other = await store.create_tracker("c.0"), await store.create_tracker("d.0")
            assert await store.keys() == ["c.0", "d.0"]
            await store.forget("c.0")
            await store.save(late)
            print(await store.keys())

        asyncio.run(go())
"""
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "['d.0']", done.stderr[-2000:]


# --- logs


def call_rasa(service, body, method="POST", route="message"):
    """Rasa's private channel, called as only the gateway can."""
    pid = service.children()["rasa"]
    environment = dict(
        pair.split(b"=", 1)
        for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if pair
    )
    port = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2].decode()
    return httpx.request(
        method,
        f"http://127.0.0.1:{port}/webhooks/gateway/{route}",
        json=body,
        timeout=30,
        headers={"Authorization": f"Bearer {environment[b'INTERNAL_SECRET'].decode()}"},
    )


def test_rasa_takes_the_order_to_forget_and_one_to_forget_what_it_never_knew(loud):
    metadata = {"turn": 1, "release": httpx.get(f"{loud.url}/health/ready").json()["release"]}
    call_rasa(
        loud,
        {
            "sender": "known.0",
            "text": "what causes myoclonus",
            "intent": None,
            "metadata": metadata,
        },
    )
    for sender in ("known.0", "known.0", "never.0"):
        assert call_rasa(loud, None, "DELETE", sender).status_code == 200


def test_no_message_text_is_logged_at_any_level_whatever_fails(tmp_path):
    word = CANARY + "five"
    with conftest.serving(tmp_path, LOG_LEVEL="debug") as service:
        token = service.open()
        tell(service, token, word)
        # an action that fails on what it is given, and a message that Rasa can't read
        for metadata in (
            {"turn": 1},
            {"turn": 1, "release": word},
            {"turn": 1, "release": [word]},
            None,
            word,
        ):
            call_rasa(
                service,
                {
                    "sender": f"s{uuid.uuid4().hex}",
                    "text": f"{word} what causes myoclonus",
                    "intent": None,
                    "metadata": metadata,
                },
            )
        call_rasa(
            service,
            {"sender": word, "text": {"text": word}, "intent": word, "metadata": {"turn": word}},
        )
        service.kill_rasa()
        assert service.ask(f"{word} what is botox for", token)[0]["kind"] == "unavailable"
        service.wait_ready()
        service.rows("alter table turns rename to elsewhere")
        assert service.ask(f"{word} what causes myoclonus", token)[0]["kind"] == "unavailable"
        log = service.log.read_text()
    assert word not in log
    for logger in ("rasa.core.processor", "alembic.runtime.migration", "bot.conversation.turns"):
        assert logger in log, "the level is lower than the test believes"
    assert re.search(r"(KeyError|ReleaseError|TypeError|AttributeError) at ", log), "nothing failed"
    assert all(
        re.match(r"\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ [\w.-]+: (at \S+:\d+|)", line)
        for line in log.splitlines()
        if " rasa." in line or " httpcore." in line
    )


def test_what_our_own_modules_say_is_logged_and_an_exception_only_by_kind_and_place():
    code = f"""if True:
        import logging, warnings
        from bot.runtime import logs
        logs.configure_logs("debug", "text", "gateway")
        logging.getLogger("bot.x").error("turn %s failed", 7)
        logging.getLogger("rasa.x").error("got {CANARY}")
        warnings.warn("input_value={CANARY}")
        try:
            raise ValueError("{CANARY}")
        except ValueError:
            logging.getLogger("bot.x").exception("broken")
        raise KeyError("{CANARY}")
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert CANARY not in done.stderr + done.stdout
    said = [line[24:] for line in done.stderr.splitlines()]
    assert said[2].startswith("WARNING py.warnings: at warnings.py:")
    assert said == [
        "ERROR bot.x: turn 7 failed",
        "ERROR rasa.x: at <string>:6",
        said[2],
        "ERROR bot.x: broken; ValueError at <string>:9",
        "CRITICAL bot: ended by KeyError at <string>:12",
    ]


# --- what visitors are told


def test_what_do_you_know_about_me_says_how_much_is_stored_since_when(service):
    token = service.open()
    service.ask("what causes myoclonus", token)
    reply = service.ask("can myoclonus be prevented", token)[0]
    httpx.post(
        f"{service.url}/api/feedback",
        json={"reply": reply["id"], "helpful": True},
        headers=headers(token),
    )
    (reply,) = service.ask("what do you know about me", token)
    assert (reply["kind"], reply["topic"]) == ("talk", "about_me")
    today = datetime.datetime.now(datetime.UTC)
    assert f"since {today.day} {today:%B %Y}: messages 3, votes 1." in reply["text"]
    assert "30 days" in reply["text"]
    stored = httpx.get(f"{service.url}/api/conversations/current", headers=headers(token)).json()
    assert len(stored["turns"]) == 3 and len(stored["votes"]) == 1


@pytest.mark.parametrize(
    ("words", "topic", "said"),
    [
        ("what do you know about me", "about_me", "30 days"),
        ("terms", "terms_of_use", "not a doctor"),
        ("feedback", "give_feedback", "two buttons"),
        ("forget me", "forget_me", "can't be undone"),
        ("delete my data", "forget_me", "can't be undone"),
        ("what are your terms", "terms_of_use", "30 days"),
    ],
)
def test_privacy_is_spoken_of_in_plain_words(service, words, topic, said):
    (reply,) = service.ask(words)
    assert (reply["kind"], reply["topic"]) == ("talk", topic)
    assert said in reply["text"] and "<" not in reply["text"]


def test_the_opening_and_the_terms_say_how_long_texts_are_kept(tmp_path):
    with conftest.serving(tmp_path, RETENTION_DAYS="12") as service:
        notice = httpx.post(f"{service.url}/api/conversations", json={}).json()["notice"]
        assert "kept for 12 days" in notice
        assert "12 days" in httpx.get(f"{service.url}/api/terms").json()["text"]
        assert "12 days" in service.ask("what do you know about me")[0]["text"]


def test_a_medicine_that_is_also_a_name_is_not_masked(service):
    token = service.open()
    service.ask("my daughter Keppra question, and my daughter Charlotte", token)
    text = service.rows("select text from turns order by id desc limit 1")[0][0]
    assert "Keppra" in text and "Charlotte" not in text


# --- no cookie, nothing from elsewhere


class Loads(HTMLParser):
    """The addresses that a page makes a browser fetch."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "audio", "video", "source", "embed", "object"):
            self.found += [
                given[name] for name in ("src", "srcset", "data", "poster") if given.get(name)
            ]
        elif tag == "link" and given["rel"] != "canonical":  # which is a name, and not fetched
            self.found.append(given["href"])


def public_routes(service):
    described = httpx.get(f"{service.url}/api/openapi.json").json()
    calls = [
        (method.upper(), path) for path, methods in described["paths"].items() for method in methods
    ]
    articles = [
        ("GET", f"/articles/{path.stem}") for path in sorted((ROOT / "data/articles").glob("*.md"))
    ]
    return (
        calls
        + articles
        + [
            ("GET", path)
            for path in (
                "/",
                "/embed",
                "/widget.js",
                "/embed.js",
                "/style.css",
                "/search.js",
                "/favicon.svg",
                "/robots.txt",
                "/about",
                "/try-embed",
                "/api/docs",
                "/api/openapi.json",
                "/health/live",
                "/health/ready",
                "/nonsense",
                "/api/nonsense",
            )
        ]
    )


def test_no_route_sets_a_cookie_or_has_a_browser_fetch_anything_from_elsewhere(service):
    token = service.open()
    routes = public_routes(service)
    assert len(routes) > 20
    for method, path in routes:
        answer = httpx.request(
            method,
            service.url + path,
            headers={**headers(token), "Cookie": "a=b"},
            json={"id": "m", "text": "hello"} if method == "POST" else None,
        )
        assert "set-cookie" not in answer.headers, path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert not {"link", "refresh", "report-to", "nel"} & set(answer.headers), path
        if answer.headers["content-type"].startswith("text/html"):
            policy = answer.headers["content-security-policy"]
            assert (
                "default-src 'none'" in policy
                and "http" not in policy.partition("frame-ancestors")[0]
            ), path
            loads = Loads(answer.text).found
            assert loads and all(
                re.match(r"data:,|/?[\w.-]+\.(js|css|svg|png)$", address) for address in loads
            ), (path, loads)
        elif path.endswith((".js", ".css")):
            assert not re.search(
                r"""(import|fetch|url)\s*\(?\s*['"]?(https?:)?//""", answer.text
            ), path
