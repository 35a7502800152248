"""The invariant, in short: every accepted message ends in one of "answered and stored" or "refused
with a sentence".

`make soak` does it at length, with figures. Here nothing depends on how fast the machine is.
"""

import asyncio
import contextlib
import copy
import dataclasses
import datetime
import os
import signal

import conftest
import pytest

from benchmarks import soak
from tests.support import journal, load, servers, sites, slow_rasa

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
ANSWER = {"replies": [{"id": "r", "kind": "answer", "text": "Yes.", "question": "tics.causes"}]}
BUSY = {"error": {"code": "busy", "message": "One moment, please."}}
UNAVAILABLE = {
    "replies": [
        {"id": "u", "kind": "unavailable", "text": "Not now.", "numbers": [{"number": "112"}]}
    ]
}


def message(*deliveries, id="m"):
    return journal.Message(
        "token",
        id,
        "why tics",
        "tics.causes",
        0.0,
        [journal.Delivery(status, 0.1, body) for status, body in deliveries],
    )


def stored(**changes):
    turn = journal.Stored(
        journal.hashed("token"),
        "m",
        "why tics",
        "answer",
        "tics.causes",
        ("r",),
        NOW,
        NOW + datetime.timedelta(seconds=1),
    )
    return dataclasses.replace(turn, **changes)


def with_reply(**changes):
    body = copy.deepcopy(ANSWER)
    body["replies"][0].update(changes)
    return body


@pytest.mark.parametrize(
    "sent, kept",
    [
        ([message((200, ANSWER))], [stored()]),
        ([message((0, None), (502, None), (200, ANSWER))], [stored()]),
        ([message((200, ANSWER), (200, ANSWER))], [stored()]),
        ([message((429, BUSY))], []),
        (
            [message((0, None), (429, BUSY))],
            [stored(outcome="unavailable", question=None, replies=("u",))],
        ),
        ([message((200, UNAVAILABLE))], []),
        (
            [message((200, UNAVAILABLE))],
            [stored(outcome="unavailable", question=None, replies=("u",))],
        ),
    ],
)
def test_the_check_finds_nothing_where_the_invariant_holds(sent, kept):
    assert journal.check(sent, kept) == []


@pytest.mark.parametrize(
    "fault, sent, kept",
    [
        ("answered and is not stored", [message((200, ANSWER))], []),
        ("other replies", [message((200, ANSWER))], [stored(replies=("x",))]),
        ("neither an answer nor a refusal", [message((0, None))], [stored()]),
        ("without a sentence", [message((200, {"replies": []}))], []),
        ("without a sentence", [message((500, None))], []),
        ("without a sentence", [message((429, {}))], []),
        ("without a sentence", [message((503, BUSY))], []),
        ("more than once", [message((200, ANSWER), (200, with_reply(id="other")))], [stored()]),
        ("has no end", [message((200, UNAVAILABLE))], [stored(outcome=None, replies=())]),
        (
            "without a reply",
            [message((200, UNAVAILABLE))],
            [stored(outcome="unavailable", replies=())],
        ),
        ("refused, and is stored", [message((429, BUSY))], [stored()]),
        (
            "as a danger, and is stored as refused",
            [message((200, with_reply(kind="crisis")))],
            [stored(outcome="unavailable", question=None)],
        ),
        ("called unavailable", [message((200, UNAVAILABLE))], [stored()]),
        ("another text", [message((200, ANSWER))], [stored(text="why not")]),
        ("got hiccups.causes", [message((200, ANSWER))], [stored(question="hiccups.causes")]),
        ("stored twice", [message((200, ANSWER))], [stored(), stored()]),
        ("never sent it", [], [stored()]),
        (
            "before",
            [message((200, ANSWER)), message((200, ANSWER), id="n")],
            [stored(), stored(message="n", received_at=NOW + datetime.timedelta(seconds=0.5))],
        ),
    ],
)
def test_the_check_names_each_way_to_break_it(fault, sent, kept):
    found = journal.check(sent, kept)
    assert found and any(fault in each for each in found), found


def under_load(site, *happenings, visitors=8):
    """The faults and figures of visitors who ask on and on while each happening is awaited, and a
    little after the last."""

    async def run():
        async with load.visiting(site.url) as visits:
            until = asyncio.Event()
            asking = asyncio.create_task(load.crowd(visits, visitors, until))
            for happening in happenings:
                await answered(visits, 10)
                await happening()
            await asyncio.to_thread(site.wait_ready)
            await answered(visits, 10)
            until.set()
            await asking
            return site.faults(visits.journal), journal.figures(visits.journal)

    return asyncio.run(run())


async def answered(visits, count, seconds=120, ask=None):
    """Wait until so many more messages have been answered: of those who ask anyway, or of the
    visitor `ask`."""
    begun = sum(message.end() == "answered" for message in visits.journal)
    async with asyncio.timeout(seconds):
        while sum(message.end() == "answered" for message in visits.journal) < begun + count:
            await (load.ask(visits, ask) if ask else asyncio.sleep(0.1))


@pytest.fixture
def site(tmp_path):
    with sites.single(tmp_path, MESSAGES_PER_MINUTE="1000000") as made:
        yield made


def test_no_message_is_lost_when_a_process_is_killed(site):
    gateway = site.gateways[0]

    def killing(which):
        async def kill():
            if which == "gateway":
                gateway.process.kill()
                gateway.process.wait()
                return gateway.start()
            os.kill(gateway.children()[which][0], signal.SIGKILL)

        return kill

    faults, got = under_load(site, killing("rasa"), killing("gateway"))
    assert faults == []
    assert got["answered"] >= 40 and got["repeated"], got


@pytest.fixture
def database_site(tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(sites.on_postgresql(tmp_path, MESSAGES_PER_MINUTE="1000000"))
        except servers.Missing as error:
            conftest.left_out(error.program, error.package)
        yield made


def test_no_message_is_lost_when_the_database_fails(database_site):
    proxy, server = database_site.databases[0], database_site.postgresql

    def breaking(word, after=False):
        async def happen():
            count = proxy.broken
            proxy.break_at(word, after)
            async with asyncio.timeout(120):
                while proxy.broken == count:
                    await asyncio.sleep(0.05)

        return happen

    async def silent():
        proxy.held = True
        await asyncio.sleep(2)
        proxy.held = False

    async def restarted():
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)

    faults, got = under_load(
        database_site,
        breaking(rb"\AB\x00|FROM (turns|conversations)"),
        *[breaking(rb"COMMIT")] * 2,
        *[breaking(rb"COMMIT", after=True)] * 2,
        silent,
        restarted,
    )
    assert faults == []
    assert got["answered"] >= 70 and got["unavailable"], got


def test_whatever_rasa_answers_a_message_is_answered_once_or_refused(tmp_path):
    """The gateway believes nothing that comes from Rasa."""
    mode = tmp_path / "mode"
    with sites.single(
        tmp_path, command=slow_rasa.command(mode), MESSAGES_PER_MINUTE="1000000"
    ) as site:

        async def run():
            async with load.visiting(site.url) as visits:
                visitor, ends = await load.come(visits), {}
                for name in slow_rasa.MODES:
                    mode.write_text(name)
                    ends[name] = (await load.ask(visits, visitor)).end()
                mode.unlink()
                await answered(visits, 5, ask=visitor)
                return ends, site.faults(visits.journal)

        ends, faults = asyncio.run(run())
    assert faults == []
    assert set(ends.values()) == {"unavailable"}, ends


def test_the_page_says_plainly_what_fell_short():
    row = {
        "row": "20 messages/s",
        "to_hold": "p95 150 ms",
        "measured": "p95 151 ms",
        "holds": False,
    }
    page = soak.page(
        {
            "steady": {
                "machine": "M",
                "cores": 2,
                "commit": "abc",
                "at": "today",
                "minutes": 10,
                "rows": [row, {**row, "holds": True}],
            }
        }
    )
    assert (
        "| 20 messages/s | p95 150 ms | p95 151 ms | **short** |" in page
        and "| p95 151 ms | held |" in page
    )
    assert "| steady | 2 cores of M | abc | today |" in page
