"""Delivery: messages from messaging apps worked on, and what they are answered with sent; in order,
until it is done.

Both boxes are rows in the database, so what a killed gateway leaves another takes up when its claim
ends. A message is answered once; of what was sent when the gateway was killed, at most one piece is
sent again."""

import asyncio
import contextlib
import logging
import random
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from prometheus_client import Counter
from sqlalchemy import Engine

from bot.channels import answering, base, rendering
from bot.conversation import limits, turns
from bot.runtime import settings
from bot.runtime.loops import Loop
from bot.safety import danger_screen, verdicts
from bot.store import engine as store_engine
from bot.store import queues as stored
from bot.store.tables import Inbox, Outbox

logger = logging.getLogger(__name__)
AT_ONCE = 20  # messages worked on, and as many sent, at the same time
CALL_SECONDS = 10
# seconds until the boxes are looked into unasked: for what other gateways left, and for what is due
PAUSE = 1.0
MOST_ATTEMPTS = 12  # of answering or sending one message: over about an hour
LONGEST_PAUSE = 900
SENT = Counter(
    "pamphlet_channel_messages",
    "Messages to messaging apps, by how it went.",
    ["channel", "result"],
)


@dataclass
class Delivery:
    """What delivery works with: the desk, the channels that are on, and what wakes its two
    workers."""

    site: turns.Site
    channels: dict[str, base.Channel]
    context: base.ChannelContext
    rates: limits.Rates
    secret: str
    received: asyncio.Event = field(default_factory=asyncio.Event)
    queued: asyncio.Event = field(default_factory=asyncio.Event)
    # conversations that were told that it was too much
    warned_tokens: set[str] = field(default_factory=set)
    # answers on their way past the boxes
    direct: set[asyncio.Task[None]] = field(default_factory=set)
    # rows that are worked on
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def token(self, channel: str, visitor: str) -> str:
        """The token of a visitor's conversation: made from our secret, so nobody else can have
        it."""
        return base.keyed_hash(self.secret, "conversation", channel, visitor)


def open_delivery(site: turns.Site, channels: dict[str, base.Channel]) -> Delivery:
    """A Delivery of the channels that are on."""
    client = httpx.AsyncClient(
        timeout=CALL_SECONDS, limits=httpx.Limits(max_connections=2 * AT_ONCE)
    )
    return Delivery(
        site=site,
        channels=channels,
        context=base.ChannelContext(site.config, client),
        secret=settings.site_secret(site.config),
        rates=limits.Rates("channels", site.config.messages_per_minute, site.shared),
    )


def list_loops(delivery: Delivery) -> list[Loop]:
    """The Loops of delivery: answering what came in, and sending what it is answered with."""
    answering = Worker(delivery, delivery.received, stored.claim_received, _answer)
    sending = Worker(delivery, delivery.queued, stored.claim_queued, _send)
    return [
        Loop("answering the messaging apps", answering.round),
        Loop("sending to the messaging apps", sending.round),
    ]


async def close_delivery(delivery: Delivery) -> None:
    """End what was begun, once the loops have ended."""
    await asyncio.gather(*delivery.under_way, return_exceptions=True)
    await delivery.context.client.aclose()


async def send_directly(
    delivery: Delivery, name: str, address: base.JsonObject, unit: rendering.Unit
) -> None:
    """Send a unit past the boxes, once: where they can't be written to, and it can't wait."""
    channel = delivery.channels[name]
    for payload in channel.render(unit):
        try:
            await channel.send(delivery.context, address, payload)
        except (base.Undelivered, base.Blocked) as error:
            logger.error(
                "%s: a message could not be sent: %s", name, error or "the visitor wants none"
            )


class Worker[Row: (Inbox, Outbox)]:
    """Answers what was received, or sends what is queued: AT_ONCE rows at a time."""

    def __init__(
        self,
        delivery: Delivery,
        wake: asyncio.Event,
        claim: Callable[[Engine, list[str], int], list[Row]],
        do: Callable[[Delivery, Row], Awaitable[None]],
    ) -> None:
        self.delivery, self.wake = delivery, wake
        self.claim: Callable[[Engine, list[str], int], list[Row]] = claim
        self.do: Callable[[Delivery, Row], Awaitable[None]] = do
        self.running: set[asyncio.Task[None]] = set()

    async def round(self) -> float:
        """Begin what can be claimed; where that is nothing, wait until something may be."""
        self.wake.clear()
        free = AT_ONCE - len(self.running)
        rows = await _claim(self.delivery, self.claim, free) if free else []
        for row in rows:
            task = asyncio.create_task(_guarded(self.do, self.delivery, row))
            self.running.add(task)
            self.delivery.under_way.add(task)
            task.add_done_callback(self._end)
        if not rows:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), PAUSE)
        return 0

    def _end(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        self.delivery.under_way.discard(task)
        self.wake.set()  # the next of its conversation may be claimed


async def _claim[Row: (Inbox, Outbox)](
    delivery: Delivery, claim: Callable[[Engine, list[str], int], list[Row]], limit: int
) -> list[Row]:
    try:
        return await asyncio.to_thread(claim, delivery.site.engine, list(delivery.channels), limit)
    except store_engine.StoreDown as error:
        logger.error("%s; messages of the channels wait", error)
        return []


async def _guarded[Row: (Inbox, Outbox)](
    do: Callable[[Delivery, Row], Awaitable[None]], delivery: Delivery, row: Row
) -> None:
    """A row's work; what fails is tried again, a little later each time."""
    try:
        await do(delivery, row)
        return
    except store_engine.StoreDown as error:
        logger.error("%s: message %s waits: %s", row.channel, row.id, error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        logger.error(
            "%s: message %s failed: %s at %s:%s",
            row.channel,
            row.id,
            type(error).__name__,
            place.filename,
            place.lineno,
        )
    with contextlib.suppress(store_engine.StoreDown):  # then its claim ends by itself
        await asyncio.to_thread(stored.give_back, delivery.site.engine, row, _pause(row))


def _pause(row: Inbox | Outbox) -> float:
    """Seconds until something is tried again."""
    return min(2.0**row.attempts, LONGEST_PAUSE) * random.uniform(0.5, 1)


async def _answer(delivery: Delivery, row: Inbox) -> None:
    site, channel, message = delivery.site, delivery.channels[row.channel], row.message
    assert message is not None  # a row has its message until it is answered
    address = message["address"]
    if row.attempts > MOST_ATTEMPTS:
        logger.error("%s: message %s can't be answered and is given up", row.channel, row.id)
        await asyncio.to_thread(stored.finish_event, site.engine, row, [], [], {}, False)
        return
    token = delivery.token(row.channel, message["visitor"])
    try:
        if earlier := message.get("earlier"):
            before = delivery.token(row.channel, earlier)
            await asyncio.to_thread(stored.take_over, site.engine, before, token)
        made = await answering.answer_message(site, channel, row, message, token)
        letters = [(address, payload) for unit in made.units for payload in channel.render(unit)]
        await asyncio.to_thread(
            stored.finish_event,
            site.engine,
            row,
            letters,
            made.offered,
            made.changes,
            made.forgotten,
        )
    except store_engine.StoreDown:
        if message["danger"] and row.attempts == 1:
            danger = danger_screen.find_danger(
                site.screen, message["text"]
            ) or danger_screen.Danger(**message["danger"])
            verdict = verdicts.Verdict(danger)
            await send_directly(
                delivery,
                row.channel,
                address,
                answering.direct_unit(site, verdict, message["country"]),
            )
        raise
    delivery.queued.set()


async def _send(delivery: Delivery, row: Outbox) -> None:
    engine, channel = delivery.site.engine, delivery.channels[row.channel]
    try:
        await channel.send(delivery.context, row.address, row.payload)
    except base.Blocked:
        await asyncio.to_thread(stored.drop_conversation, engine, row)
        result = "blocked"
    except base.Undelivered as error:
        if error.lasting or row.attempts >= MOST_ATTEMPTS:
            logger.error(
                "%s: message %s is given up (%s); `bot outbox` shows it", row.channel, row.id, error
            )
            await asyncio.to_thread(stored.bury_letter, engine, row, str(error))
            result = "dead"
        else:
            wait = error.wait if error.wait is not None else _pause(row)
            await asyncio.to_thread(stored.delay_letter, engine, row, wait, str(error))
            result = "delayed"
    except Exception as error:  # a fault of ours
        if row.attempts < MOST_ATTEMPTS:
            raise
        await asyncio.to_thread(stored.bury_letter, engine, row, type(error).__name__)
        result = "dead"
    else:
        await asyncio.to_thread(stored.mark_sent, engine, row)
        result = "sent"
    SENT.labels(row.channel, result).inc()
