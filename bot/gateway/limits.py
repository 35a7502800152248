"""Limits: how much a body may hold, how often who may call, how many messages of a conversation may
wait."""

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.responses import JSONResponse

from bot import store
from bot.store import locks as store_locks

LARGEST_BODY = 64 * 1024
LARGEST_CALL = 1024 * 1024  # of a messaging platform, which may send many messages at once
MOST_WAITING = 5
# from one message of a conversation to the next, where they come faster than they are answered:
# nobody reads so fast
PACE_SECONDS = 0.25
LONGEST_WAIT = 15.0  # seconds of waiting for one's turn
POLL_SECONDS = 0.03
STORE_SECONDS = 1.5
MOST_KEPT = 20_000  # callers and conversations that are remembered


class Refused(RuntimeError):
    """Too much at once; `seconds` until it's worth trying again. `text` is the key of the fixed
    text that says so."""

    def __init__(self, text, seconds):
        super().__init__(text)
        self.text, self.seconds = text, seconds


class Rates:
    """Token buckets: each caller may do so much a minute, in bursts of as much (Turner 1986, the
    leaky bucket)."""

    def __init__(self, per_minute, shared=None):
        self.per_minute, self.shared, self.buckets = per_minute, shared, OrderedDict()

    async def take(self, caller):
        """Count one call, at all gateways where they share a Redis; raises Refused."""
        wait = await self.shared.take(caller, self.per_minute) if self.shared else None
        if wait is None:
            wait = self._take(caller)
        if wait:
            raise Refused("too_many", wait)

    def _take(self, caller):
        now = time.monotonic()
        left, then = self.buckets.pop(caller, (self.per_minute, now))
        left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
        self.buckets[caller] = (max(0.0, left - 1) if left >= 1 else left, now)
        while len(self.buckets) > MOST_KEPT:
            self.buckets.popitem(last=False)
        return (1 - left) * 60 / self.per_minute if left < 1 else 0


@dataclass
class Queue:
    """Of one conversation: how many messages are in it, the one that is worked on among them, and
    when that began."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    size: int = 0
    begun: float = 0.0


class Turnstile:
    """Lets one message of a conversation through at a time, in their order; at most MOST_WAITING
    wait.

    Where gateways share a Redis, order and number are held over all of them. Without it each
    gateway has its own queue; that no two of them let a message through at once is held by the
    database's locks."""

    def __init__(self, locks, shared=None):
        self.locks, self.shared, self.queues = locks, shared, {}

    @contextlib.asynccontextmanager
    async def one(self, conversation):
        """Wait for this conversation's turn; raises Refused where too many wait already, or it
        doesn't come; and store.StoreDown."""
        queue = self.queues.setdefault(conversation, Queue())
        if queue.size > MOST_WAITING:
            raise Refused("busy", 2)
        follows, ticket = queue.size > 0, uuid.uuid4().hex
        queue.size += 1
        try:
            async with asyncio.timeout(LONGEST_WAIT) as waited:
                if self.shared:
                    await self._stand(conversation, ticket)
                async with queue.lock:
                    # who sends a hundred at once takes no more from others than who types fast
                    if follows:
                        await asyncio.sleep(queue.begun + PACE_SECONDS - time.monotonic())
                    queue.begun = time.monotonic()
                    await self._hold(conversation)
                    waited.reschedule(None)
                    try:
                        yield
                    finally:
                        self._give_back(conversation)
        except TimeoutError:
            raise Refused("busy", 2) from None
        finally:
            if self.shared:
                await self.shared.leave(conversation, ticket)
            queue.size -= 1
            if not queue.size:
                del self.queues[conversation]

    async def _stand(self, conversation, ticket):
        """Wait in the queue of all gateways, as long as there is one."""
        while (
            place := await self.shared.stand(conversation, ticket, MOST_WAITING, LONGEST_WAIT)
        ) is not None:
            if place < 0:
                raise Refused("busy", 2)
            if place == 0:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _hold(self, conversation):
        try:
            while self.locks and not await in_time(store_locks.hold, self.locks, conversation):
                await asyncio.sleep(POLL_SECONDS)
        except store.StoreDown:
            self._give_back(conversation)  # it may come late
            raise

    def _give_back(self, conversation):
        """Give the lock back; no visitor waits for that."""
        if self.locks:
            asyncio.get_running_loop().run_in_executor(
                None, store_locks.give_back, self.locks, conversation
            )


async def in_time(function, *arguments):
    """What a function of the store gives; raises store.StoreDown after STORE_SECONDS, for a visitor
    waits."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await asyncio.to_thread(function, *arguments)
    except TimeoutError:
        raise store.StoreDown(f"the database took longer than {STORE_SECONDS} s") from None


class BodyLimit:
    """ASGI middleware: refuses bodies that are too large, announced or not, and compressed ones,
    before they are read.

    The desk at /editor counts its own: who is signed in may send it a file.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"].startswith("/editor/"):
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return await _refusal(415, "Please send the message as it is, not compressed.")(
                scope, receive, send
            )
        largest = LARGEST_CALL if scope["path"].startswith("/channels/") else LARGEST_BODY
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > largest:
            return await _refusal(
                413, "That is more than can be sent at once. Please send one short message."
            )(scope, receive, send)
        body, more = b"", scope["method"] in ("POST", "PUT", "PATCH", "DELETE")
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return None
            body += part.get("body", b"")
            more = part.get("more_body", False)
            if len(body) > largest:
                return await _refusal(
                    413, "That is more than can be sent at once. Please send one short message."
                )(scope, receive, send)
        given = False

        async def read():
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, read, send)


def _refusal(status, message):
    return JSONResponse(
        {"error": {"code": "too_large" if status == 413 else "compressed", "message": message}},
        status,
    )
