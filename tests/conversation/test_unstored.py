"""The third ending: a danger is answered while the database fails, and stored once it is back, also
where the gateway was killed meanwhile; where even that can't be, a line of the log says so."""

import asyncio
import contextlib
import datetime
import json
import sqlite3
import stat
import time
import types
import uuid

import httpx
import pytest

from bot.conversation import unstored_replies
from bot.domain.messages import IncomingMessage
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store import stored_turns
from tests.support import sites

DANGER = "i want to kill myself, i am Jane Appleby"
NOW = datetime.datetime.now(datetime.UTC)


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def locked(path):
    """The site's database, into which nobody else can write."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield
        connection.execute("rollback")


def ask(site, token, text, id):
    answer = httpx.post(
        f"{site.url}/api/messages",
        json={"id": id, "text": text, "country": "GB"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    return answer.json()["replies"][0]


def endings(site):
    return site.rows(
        "select message, outcome, replies.id from turns join replies on replies.turn = turns.id"
    )


@pytest.mark.parametrize("killed", [False, True], ids=["the gateway lives", "it is killed"])
def test_a_danger_that_was_answered_without_the_database_is_stored_when_it_is_back(
    killed, tmp_path
):
    with sites.single(tmp_path, METRICS_TOKEN="0123456789abcdef0123456789abcdef") as site:
        [gateway] = site.gateways
        token = httpx.post(f"{site.url}/api/conversations", json={}).json()["token"]
        with locked(tmp_path / "site.db"):
            told = ask(site, token, DANGER, "danger")
            assert told["kind"] == "crisis"
            assert ask(site, token, "can myoclonus be prevented", "other")["kind"] == "unavailable"
            journal = unstored_files(tmp_path)
            assert "i want to kill myself" in journal and "Jane" not in journal
            assert token not in journal and "other" not in journal
            if killed:
                gateway.process.kill()
                gateway.process.wait()
        if killed:
            gateway.start()
            site.wait_ready()
        [found] = wait_for(lambda: [row for row in endings(site) if row[0] == "danger"])
        assert found == ("danger", "crisis", told["id"])
        wait_for(lambda: unstored_files(tmp_path) == "")
        figures = httpx.get(
            f"{site.url}/metrics",
            headers={"Authorization": "Bearer 0123456789abcdef0123456789abcdef"},
        ).text
        assert 'pamphlet_waiting{queue="journal"} 0.0' in figures
        if not killed:
            assert 'pamphlet_unstored_total{ending="answered",reason="database"} 1.0' in figures
            assert 'pamphlet_unstored_total{ending="refused",reason="database"} 1.0' in figures


def unstored_files(folder):
    return "".join(path.read_text() for path in folder.glob("unstored.*"))


def test_with_the_disk_full_too_the_danger_is_answered_and_the_log_says_what_is_lost(tmp_path):
    with sites.single(tmp_path) as site:
        (tmp_path / unstored_replies.NAME).symlink_to("/dev/full")
        token = httpx.post(f"{site.url}/api/conversations", json={}).json()["token"]
        with locked(tmp_path / "site.db"):
            assert ask(site, token, DANGER, "danger")["kind"] == "crisis"
        log = site.gateways[0].log.read_text()
        assert "is stored nowhere" in log and "No space left" in log and "Traceback" not in log
        wait_for(lambda: ask(site, token, "hello", uuid.uuid4().hex)["kind"] == "talk")


# --- the journal


def a_desk(folder, engine=None):
    config = settings.read_settings({"VAR": str(folder)})
    return types.SimpleNamespace(config=config, engine=engine)


def write_down(desk, token="t", message="m", kind="crisis"):
    reply = {"id": uuid.uuid4().hex, "kind": kind, "text": "Call 999."}
    told = IncomingMessage(token, message, 24, text="i am in danger", country="GB")
    asyncio.run(unstored_replies.note_reply(desk.config, told, reply))
    return reply["id"]


def test_it_is_private_bounded_and_holds_no_refusal(tmp_path, caplog, monkeypatch):
    desk = a_desk(tmp_path)
    write_down(desk, kind="unavailable")
    assert not unstored_replies.journal_path(desk.config).exists()
    write_down(desk)
    path = unstored_replies.journal_path(desk.config)
    assert (
        stat.S_IMODE(path.stat().st_mode) == 0o600
        and unstored_replies.count_waiting(desk.config) == 1
    )
    monkeypatch.setattr(unstored_replies, "LARGEST", path.stat().st_size)
    write_down(desk)
    assert unstored_replies.count_waiting(desk.config) == 1 and "stored nowhere" in caplog.text
    assert "holds" in caplog.text and "i am in danger" not in caplog.text


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path, address, caplog):
    store_engine.migrate_database(address)
    desk = a_desk(tmp_path, store_engine.connect_database(address))
    _, token, _ = stored_turns.open_conversation(desk.engine, "web", 24)
    write_down(desk, token, "first")
    path = unstored_replies.journal_path(desk.config)
    path.write_bytes(path.read_bytes()[:-20])
    write_down(desk, token, "second")
    assert asyncio.run(unstored_replies.store_all(desk.config, desk.engine)) == 1
    assert [turn["message"] for turn in stored_turns.read_turns(desk.engine, token)] == ["second"]
    assert "cut off" in caplog.text
    desk.engine.dispose()


def test_what_is_stored_twice_is_stored_once_and_never_over_another_answer(tmp_path, address):
    store_engine.migrate_database(address)
    desk = a_desk(tmp_path, store_engine.connect_database(address))
    _, token, _ = stored_turns.open_conversation(desk.engine, "web", 24)
    for message, outcome in (("late", None), ("refused", "unavailable"), ("again", "crisis")):
        accepted = stored_turns.accept_message(
            desk.engine, IncomingMessage(token, message, 24, "i am in danger")
        )
        if outcome:
            body = {"id": message, "kind": outcome, "text": "as it was"}
            end = stored_turns.TurnEnd([body], outcome, None)
            stored_turns.finish_turn(desk.engine, accepted, end)
    given = {name: write_down(desk, token, name) for name in ("late", "refused", "again", "new")}
    kept = unstored_replies.journal_path(desk.config).read_bytes()
    assert asyncio.run(unstored_replies.store_all(desk.config, desk.engine)) == 4
    unstored_replies.journal_path(desk.config).write_bytes(kept)
    asyncio.run(unstored_replies.store_all(desk.config, desk.engine))
    turns = stored_turns.read_turns(desk.engine, token)
    assert {turn["message"]: [reply["id"] for reply in turn["replies"]] for turn in turns} == {
        **{name: [id] for name, id in given.items()},
        "again": ["again"],
    }
    assert {turn["outcome"] for turn in turns} == {"crisis"}
    assert list(tmp_path.glob("unstored.*")) == []
    desk.engine.dispose()


def test_what_belongs_to_nobody_any_more_or_is_too_old_is_thrown_away(tmp_path, address):
    store_engine.migrate_database(address)
    desk = a_desk(tmp_path, store_engine.connect_database(address))
    _, token, _ = stored_turns.open_conversation(desk.engine, "web", 24)
    write_down(desk, token, "mine")
    _, kept, _ = stored_turns.open_conversation(desk.engine, "web", 24)
    write_down(desk, kept, "old")
    path = unstored_replies.journal_path(desk.config)
    entries = [json.loads(line) for line in path.read_text().splitlines() if line]
    entries[1]["at"] = (NOW - datetime.timedelta(days=31)).isoformat()
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    stored_turns.forget_conversation(desk.engine, token)
    assert asyncio.run(unstored_replies.store_all(desk.config, desk.engine)) == 0
    assert list(tmp_path.glob("unstored.*")) == []
    assert stored_turns.read_turns(desk.engine, kept) == []
    desk.engine.dispose()


def test_while_the_database_fails_all_of_it_waits(tmp_path):
    desk = a_desk(tmp_path, store_engine.connect_database(f"sqlite:///{tmp_path}/none/none.db"))
    write_down(desk)
    for _ in range(2):
        with pytest.raises(store_engine.StoreDown):
            asyncio.run(unstored_replies.store_all(desk.config, desk.engine))
        assert unstored_replies.count_waiting(desk.config) == 1
    desk.engine.dispose()
