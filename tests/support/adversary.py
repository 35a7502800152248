"""A hostile visitor beside the ordinary ones: everything that was found to hurt, at random, from
one address; and what the ordinary visitors notice of it.

What it sends on purpose wrongly it sends in conversations of its own (`Hostile.spoilt`), in which a
message needn't end as its client saw it. Its other messages are held against the database as
everybody's."""

import asyncio
import contextlib
import random
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from bot.domain.messages import IncomingMessage
from bot.domain.reply_kinds import ReplyKind
from bot.store import engine as store_engine
from bot.store import stored_turns
from tests.support import journal
from tests.support.load import UNHEARD, Load, Visitor, ask, client_at, come, send

ADDRESS = "127.66.6.6"
LONG = 1_800  # turns of the conversation that it reads
CONVERSATIONS, AT_ONCE = 26, 6
READERS = 20
DANGER = "i want to kill myself"


@dataclass
class Hostile:
    """Who attacks: its load (client, journal of its honest messages), the conversations that it
    holds and those in which it sends nonsense, and how often it did what."""

    load: Load
    address: str
    at: SplitResult  # the site's
    long: str  # token of a conversation of LONG turns
    held: list  # Visitors with conversations of their own
    spoilt: Visitor
    done: dict = field(default_factory=dict)


@contextlib.asynccontextmanager
async def attacking(load, site, turns=LONG, address=ADDRESS, **headers):
    """A Hostile at a site: its conversations are put into the database, so that no limit on opening
    them spares the ones that hold against many."""
    long = await asyncio.to_thread(_fill, site, turns)
    tokens = await asyncio.to_thread(_open, site, CONVERSATIONS + 1)
    held = [Visitor(token, random.choice(list(load.questions))) for token in tokens]
    at = urlsplit(load.url)
    async with client_at(address, **headers) as client:
        own = Load(load.url, client, load.questions)
        yield Hostile(own, address, at, long, held[:-1], held[-1])


@contextlib.contextmanager
def _database(site):
    with site.within():
        engine = store_engine.connect_database(site.address)
        try:
            yield engine
        finally:
            engine.dispose()


def _open(site, count):
    with _database(site) as engine:
        return [stored_turns.open_conversation(engine, "web", 24)[1] for _ in range(count)]


def _fill(site, turns):
    """The token of a conversation of so many turns, 2 KB each."""
    with _database(site) as engine:
        _, token, _ = stored_turns.open_conversation(engine, "web", 24)
        for number in range(turns):
            accepted = stored_turns.accept_message(
                engine, IncomingMessage(token, f"m{number}", 24, "why tics")
            )
            reply = {"id": uuid.uuid4().hex, "kind": ReplyKind.ANSWER, "text": "long " * 400}
            end = stored_turns.TurnEnd([reply], ReplyKind.ANSWER, None)
            stored_turns.finish_turn(engine, accepted, end)
        return token


async def attack(hostile, until):
    """One act after another, at random, each at most some seconds, until the event; every one at
    least once."""
    left = []
    while left or not until.is_set():
        left = left or random.sample(ACTS, len(ACTS))
        act = left.pop()
        hostile.done[act.__name__] = hostile.done.get(act.__name__, 0) + 1
        with contextlib.suppress(*UNHEARD, OSError):
            await act(hostile)
        if until.is_set() and set(hostile.done) == {act.__name__ for act in ACTS}:
            return


async def read_in_parallel(hostile):
    """Twenty readers of a long conversation."""

    async def read():
        with contextlib.suppress(*UNHEARD):
            async with hostile.load.client.get(
                f"{hostile.load.url}/api/messages", headers=_bearer(hostile.long)
            ) as answer:
                await answer.read()

    await asyncio.gather(*(read() for _ in range(READERS)))


async def guess_tokens(hostile):
    """Tokens that open nothing, some of them with a danger, as fast as they go."""
    messages = [
        journal.Message(uuid.uuid4().hex, uuid.uuid4().hex, text, None, time.monotonic())
        for text in (["hello"] * 19 + [DANGER]) * 5
    ]
    await asyncio.gather(*(send(hostile.load, message, hostile.load.url) for message in messages))


async def hold_places(hostile):
    """Every conversation full of messages that wait: six each, at once."""
    await asyncio.gather(
        *(_once(hostile, visitor) for visitor in hostile.held for _ in range(AT_ONCE))
    )


async def _once(hostile, visitor):
    """An honest message, sent until it has an end, as its journal wants."""
    await ask(hostile.load, visitor)


async def leave_half_open(hostile):
    """Connections that say half of what they want, and nothing more."""
    beginnings = (
        b"",
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{",
    )
    held = []
    for number in range(150):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(
                hostile.at.hostname, hostile.at.port or 443, local_addr=(hostile.address, 0)
            )
            writer.write(beginnings[number % len(beginnings)])
            held.append(writer)
    await asyncio.sleep(3)
    for writer in held:
        writer.close()


async def send_much(hostile):
    """Bodies that are huge, endless, deep, compressed or no JSON."""

    async def endless():
        for _ in range(2_000):
            yield b"x" * 1_000

    bodies = [
        {"data": b'{"id": "m", "text": "' + b"x" * 900_000 + b'"}'},
        {"data": b"[" * 60_000},
        {"data": b"\x1f\x8b" + b"\0" * 1_000, "headers": {"Content-Encoding": "gzip"}},
        {"data": b"\xff\xfe\0\xd8" * 1_000},
        {"json": {"id": "m", "text": "\N{ZERO WIDTH JOINER}" * 2_000}},
        {"json": {"id": "m", "text": "a@" * 900}},
    ]
    bodies = bodies * 3 + [{"data": endless()} for _ in range(3)]
    await asyncio.gather(*(_try(hostile, "POST", "/api/messages", **body) for body in bodies))


async def send_hard(hostile):
    """Texts of 2,000 signs that are hard to read: no blank, no known word, another script. From the
    limit of an address on they are refused, and heard for dangers all the same."""
    letters = ("abcdefghij", "0123456789 -", "\u4e00\u6211\u4e0d\u60f3\u6d3b", "абвгдежз ", "a@")
    texts = ["".join(random.choices(random.choice(letters), k=2_000)) for _ in range(20)]
    messages = [
        _try(hostile, "POST", "/api/messages", json={"id": uuid.uuid4().hex, "text": text})
        for text in texts
    ]
    await asyncio.gather(*messages)


async def mix_up_ids(hostile):
    """Ids that are wrong, or another message's; numbers past every limit."""
    wrong = ["", "x" * 65, "../../etc", "\0", "m", "m", None, 5]
    calls = [
        _try(hostile, "POST", "/api/messages", json={"id": id, "text": text})
        for id in wrong
        for text in ("what are tics", "why tics", DANGER)
    ]
    calls += [
        _try(hostile, "POST", "/api/messages", json={"id": "c", "choice": choice})
        for choice in ("no.question", "x" * 300, "tics.causes")
    ]
    calls += [
        _try(hostile, "GET", f"/api/messages?after={number}")
        for number in (-1, 2**63 - 1, 2**63, "x")
    ]
    calls += [
        _try(hostile, "POST", "/api/feedback", json={"reply": uuid.uuid4().hex, "helpful": True})
        for _ in range(10)
    ]
    await asyncio.gather(*calls)


async def flood(hostile):
    """Pages, openings and paths that there aren't, as fast as they go."""
    paths = ["/", "/api/terms", "/health/live", "/articles/tics", "/editor/", "/%00", "/x" * 500]
    await asyncio.gather(
        *(_try(hostile, "GET", random.choice(paths)) for _ in range(150)),
        *(_try(hostile, "POST", "/api/conversations", json={}) for _ in range(50)),
    )


async def go_away(hostile):
    """Messages whose sender is gone before they are answered."""
    for _ in range(30):
        body = {"id": uuid.uuid4().hex, "text": "what causes tics"}
        with contextlib.suppress(*UNHEARD):
            await asyncio.wait_for(_try(hostile, "POST", "/api/messages", json=body), 0.02)


ACTS = (
    read_in_parallel,
    guess_tokens,
    hold_places,
    leave_half_open,
    send_much,
    send_hard,
    mix_up_ids,
    flood,
    go_away,
)


async def _try(hostile, method, path, headers=None, **how):
    """A request in the spoilt conversation; whatever comes of it."""
    with contextlib.suppress(*UNHEARD, OSError, ValueError):
        async with hostile.load.client.request(
            method,
            f"{hostile.load.url}{path}",
            headers={**_bearer(hostile.spoilt.token), **(headers or {})},
            **how,
        ) as answer:
            await answer.read()


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


def faults_of(site, load, hostile, seconds=90):
    """What is wrong with anybody's messages: of ordinary visitors, of the hostile one where it is
    honest, and in its other conversations each message that is stored has one end with a reply."""
    spoilt = {journal.hashed(token) for token in (hostile.spoilt.token, hostile.long)}
    messages = load.journal + hostile.load.journal

    def check(stored):
        return journal.check(
            messages, [turn for turn in stored if turn.token_hash not in spoilt]
        ) + [
            f"{turn.message}: is stored {'without an end' if turn.outcome is None else 'mute'}"
            for turn in stored
            if turn.token_hash in spoilt and (turn.outcome is None or not turn.replies)
        ]

    return site.until_none(check, seconds)


async def endangered(load):
    """An emergency from an ordinary address: its Message."""
    return await ask(load, await come(load), DANGER)
