"""Visitors who ask at a site, and write down what became of each message."""

import asyncio
import contextlib
import itertools
import random
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from bot.content import site_content
from bot.runtime import settings
from tests.support.journal import Delivery, Message, end_of

AGAIN_SECONDS = 120  # for which a message that got nothing is sent again, under the same id
PATIENCE = 40
UNHEARD = (aiohttp.ClientError, TimeoutError)
TURNS = 20  # after which a visitor leaves and another comes


@dataclass
class Visitor:
    token: str
    article: str
    asked: int = 0


@dataclass
class Load:
    """The visitors of a site: the questions they have, their client, and the journal of their
    messages."""

    url: str
    client: aiohttp.ClientSession
    questions: dict  # article: [(text, question), ...]
    # where visitors call from several addresses: a client for each, and {token: its client}
    clients: list = field(default_factory=list)
    called: dict = field(default_factory=dict)
    journal: list = field(default_factory=list)
    numbers: itertools.count = field(default_factory=itertools.count)


@contextlib.asynccontextmanager
async def visiting(url, addresses=(), **headers):
    """A Load on the site at `url`; its questions are phrases of its articles that are answered with
    their own answer. `addresses`: those from which visitors call, none for the machine's own."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_at(None, **headers))
        load = Load(url, client, {})
        for address in addresses:
            load.clients.append(await stack.enter_async_context(client_at(address, **headers)))
        library = site_content.load_content(settings.read_settings().path("data"))
        for article in library.articles.values():
            for question in article.questions[:2]:
                message = await ask(load, await come(load, article.id), question.taught[0])
                replies = message.deliveries[-1].body["replies"]
                if replies[0].get("question") == question.name:
                    load.questions.setdefault(article.id, []).append(
                        (question.taught[0], question.name)
                    )
        yield load


def addresses(count):
    """So many addresses of the loopback."""
    return [f"127.10.{number // 250}.{number % 250 + 1}" for number in range(count)]


def client_at(address, **headers):
    """A client that calls from this address, and trusts any certificate."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, local_addr=(address, 0) if address else None, ssl=False
        ),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def come(load, article=None):
    """A Visitor with a conversation of its own; tried until the site opens one."""
    article = article or random.choice(list(load.questions))
    client = random.choice(load.clients) if load.clients else load.client
    end = time.monotonic() + AGAIN_SECONDS
    while True:
        with contextlib.suppress(*UNHEARD):
            async with client.post(
                f"{load.url}/api/conversations", json={"country": "GB"}
            ) as answer:
                if answer.status == 201:
                    token = (await answer.json())["token"]
                    load.called[token] = client
                    return Visitor(token, article)
        if time.monotonic() > end:
            raise RuntimeError(f"{load.url} opened no conversation within {AGAIN_SECONDS} s")
        await asyncio.sleep(0.5)


async def ask(load, visitor, text=None, id=None, urls=None):
    """Send one message, a question of the visitor's article where no text is given, until it has an
    end; the Message.

    `urls`: where the message is delivered at the same moment, once at each.
    """
    question = None
    if text is None:
        text, question = random.choice(load.questions[visitor.article])
    visitor.asked += 1
    message = Message(
        visitor.token,
        id or f"{next(load.numbers)}-{uuid.uuid4().hex[:8]}",
        text,
        question,
        time.monotonic(),
    )
    load.journal.append(message)
    await asyncio.gather(*(_deliver(load, message, url) for url in urls or [load.url]))
    return message


async def _deliver(load, message, url):
    begun = time.monotonic()
    while True:
        delivery = await send(load, message, url)
        message.deliveries.append(delivery)
        ends = [end_of(each) for each in message.deliveries]
        # refused now, but perhaps accepted before
        unsure = ends[-1] == "silent" or ends[-1] == "refused" and "silent" in ends
        if not unsure or time.monotonic() - begun > AGAIN_SECONDS:
            return
        await asyncio.sleep(0.5)


async def send(load, message, url):
    """What became of a message at `url`: a Delivery."""
    begun = time.perf_counter()
    headers = {"Authorization": f"Bearer {message.token}"}
    try:
        client = load.called.get(message.token, load.client)
        async with client.post(
            f"{url}/api/messages", json={"id": message.id, "text": message.text}, headers=headers
        ) as answer:
            body = await answer.json() if answer.content_type == "application/json" else None
            return Delivery(answer.status, time.perf_counter() - begun, body)
    except UNHEARD:
        return Delivery(0, time.perf_counter() - begun)


async def offer(load, rate, seconds=None, until=None):
    """So many messages a second, whatever becomes of those before: at each moment by a visitor who
    waits for nothing."""
    waiting = deque()
    for _ in range(0, max(20, int(rate * 6)), 20):
        waiting += await asyncio.gather(*(come(load) for _ in range(20)))
    asking, begun = set(), time.monotonic()

    async def turn(visitor):
        await ask(load, visitor)
        if visitor.asked >= TURNS:
            with contextlib.suppress(RuntimeError):
                visitor = await come(load)
        waiting.append(visitor)

    for i in itertools.count() if seconds is None else range(int(rate * seconds)):
        if until and until.is_set():
            break
        await asyncio.sleep(max(0.0, begun + i / rate - time.monotonic()))
        task = asyncio.create_task(turn(waiting.popleft() if waiting else await come(load)))
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)


async def crowd(load, visitors, until):
    """So many visitors, each asking again as soon as the last has an end, or a second after a
    refusal, until the event `until`."""

    async def talk():
        visitor = await come(load)
        while not until.is_set():
            if visitor.asked >= TURNS:
                visitor = await come(load)
            if (await ask(load, visitor)).end() == "refused":
                await asyncio.sleep(1)

    await asyncio.gather(*(talk() for _ in range(visitors)))
