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
from dataclasses import dataclass, field

import httpx
from prometheus_client import Counter

from bot import safety, settings, store
from bot.gateway import exchange, limits, turns
from bot.gateway.channels import shape
from bot.safety import verdicts
from bot.store import delivery as stored

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

    desk: turns.Desk
    channels: dict
    site: shape.Site
    rates: limits.Rates
    secret: str
    received: asyncio.Event = field(default_factory=asyncio.Event)
    queued: asyncio.Event = field(default_factory=asyncio.Event)
    told: set = field(default_factory=set)  # conversations that were told that it was too much
    direct: set = field(default_factory=set)  # answers on their way past the boxes

    def token(self, channel, visitor):
        """The token of a visitor's conversation: made from our secret, so nobody else can have
        it."""
        return shape.sign(self.secret, "conversation", channel, visitor)


def open_delivery(desk, channels):
    """A Delivery of the channels that are on."""
    client = httpx.AsyncClient(
        timeout=CALL_SECONDS, limits=httpx.Limits(max_connections=2 * AT_ONCE)
    )
    return Delivery(
        desk=desk,
        channels=channels,
        site=shape.Site(desk.config, client),
        secret=settings.secret(desk.config),
        rates=limits.Rates(desk.config.messages_per_minute, desk.shared),
    )


async def work(delivery):
    """Answer and send until cancelled; then what was begun is ended."""
    async with delivery.site.client, asyncio.TaskGroup() as group:
        group.create_task(_keep_on(delivery, delivery.received, stored.claim_received, _answer))
        group.create_task(_keep_on(delivery, delivery.queued, stored.claim_queued, _send))


async def say(delivery, name, address, unit):
    """Send a unit past the boxes, once: where they can't be written to, and it can't wait."""
    channel = delivery.channels[name]
    for payload in channel.render(unit):
        try:
            await channel.send(delivery.site, address, payload)
        except (shape.Undelivered, shape.Blocked) as error:
            logger.error(
                "%s: a message could not be sent: %s", name, error or "the visitor wants none"
            )


async def _keep_on(delivery, wake, claim, do):
    """Do what can be claimed, AT_ONCE rows at a time."""
    running = set()

    def end(task):
        running.discard(task)
        wake.set()  # the next of its conversation may be claimed

    try:
        while True:
            wake.clear()
            rows = (
                await _claim(delivery, claim, AT_ONCE - len(running))
                if len(running) < AT_ONCE
                else []
            )
            for row in rows:
                task = asyncio.create_task(_guarded(do, delivery, row))
                running.add(task)
                task.add_done_callback(end)
            if not rows:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), PAUSE)
    finally:
        await asyncio.gather(*running, return_exceptions=True)


async def _claim(delivery, claim, limit):
    try:
        return await asyncio.to_thread(claim, delivery.desk.engine, list(delivery.channels), limit)
    except store.StoreDown as error:
        logger.error("%s; messages of the channels wait", error)
        return []


async def _guarded(do, delivery, row):
    """A row's work; what fails is tried again, a little later each time."""
    try:
        await do(delivery, row)
        return
    except store.StoreDown as error:
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
    with contextlib.suppress(store.StoreDown):  # then its claim ends by itself
        await asyncio.to_thread(stored.give_back, delivery.desk.engine, row, _pause(row))


def _pause(row):
    """Seconds until something is tried again."""
    return min(2**row.attempts, LONGEST_PAUSE) * random.uniform(0.5, 1)


async def _answer(delivery, row):
    desk, channel, address = delivery.desk, delivery.channels[row.channel], row.message["address"]
    if row.attempts > MOST_ATTEMPTS:
        logger.error("%s: message %s can't be answered and is given up", row.channel, row.id)
        return await asyncio.to_thread(stored.finish, desk.engine, row, [], [], {}, False)
    token = delivery.token(row.channel, row.message["visitor"])
    try:
        if earlier := row.message.get("earlier"):
            before = delivery.token(row.channel, earlier)
            await asyncio.to_thread(stored.take_over, desk.engine, before, token)
        made = await exchange.answer(desk, channel, row, token)
        letters = [(address, payload) for unit in made.units for payload in channel.render(unit)]
        await asyncio.to_thread(
            stored.finish, desk.engine, row, letters, made.offered, made.changes, made.forgotten
        )
    except store.StoreDown:
        if row.message["danger"] and row.attempts == 1:
            danger = safety.screen(desk.screen, row.message["text"]) or safety.Danger(
                **row.message["danger"]
            )
            verdict = verdicts.Verdict(danger)
            await say(
                delivery,
                row.channel,
                address,
                exchange.direct(desk, verdict, row.message["country"]),
            )
        raise
    delivery.queued.set()


async def _send(delivery, row):
    engine, channel = delivery.desk.engine, delivery.channels[row.channel]
    try:
        await channel.send(delivery.site, row.address, row.payload)
    except shape.Blocked:
        await asyncio.to_thread(stored.drop, engine, row)
        result = "blocked"
    except shape.Undelivered as error:
        if error.lasting or row.attempts >= MOST_ATTEMPTS:
            logger.error(
                "%s: message %s is given up (%s); `bot outbox` shows it", row.channel, row.id, error
            )
            await asyncio.to_thread(stored.bury, engine, row, str(error))
            result = "dead"
        else:
            wait = error.wait if error.wait is not None else _pause(row)
            await asyncio.to_thread(stored.delay, engine, row, wait, str(error))
            result = "delayed"
    except Exception as error:  # a fault of ours
        if row.attempts < MOST_ATTEMPTS:
            raise
        await asyncio.to_thread(stored.bury, engine, row, type(error).__name__)
        result = "dead"
    else:
        await asyncio.to_thread(stored.mark_sent, engine, row)
        result = "sent"
    SENT.labels(row.channel, result).inc()
