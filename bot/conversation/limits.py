"""Limits: how much a body may hold, how often who may call, how many messages of a conversation may
wait."""

import asyncio
import contextlib
import contextvars
import hashlib
import ipaddress
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from bot.conversation.redis_limits import RedisLimits
from bot.store import engine, stored_turns
from bot.store import locks as store_locks

MOST_WAITING = 5
# from one message of a conversation to the next, where they come faster than they are answered:
# nobody reads so fast
PACE_SECONDS = 0.25
LONGEST_WAIT = 15.0  # seconds of waiting for one's turn
POLL_SECONDS = 0.03
STORE_SECONDS = 1.5
# conversations' worth of calls that one address may make: a ward or a school has one address
OF_ADDRESS = 10
MOST_KEPT = 20_000  # callers and conversations that are remembered
# Threads that nothing else can fill: dangers are stored whatever is read meanwhile.
READERS = ThreadPoolExecutor(engine.READING, thread_name_prefix="reading")
URGENT = ThreadPoolExecutor(engine.URGENT, thread_name_prefix="urgent")


class Refused(RuntimeError):
    """Too much at once; `seconds` until it's worth trying again. `text` is the key of the fixed
    text that says so."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.text, self.seconds = text, seconds


def network_name(host: str) -> str:
    """The name by which a caller's address is counted: of IPv6 its /64, which one household or
    server has to itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # what a proxy told is no address
        return host[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


class Rates:
    """Token buckets: each caller may do so much a minute, in bursts of as much (Turner 1986, the
    leaky bucket). `of` names what is counted."""

    def __init__(self, of: str, per_minute: int, shared: RedisLimits | None = None) -> None:
        self.of, self.per_minute, self.shared = of, per_minute, shared
        # caller: calls that are left, and when they were counted
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, caller: str, calls: int = 1) -> None:
        """Count a call, at all gateways where they share a Redis; raises Refused. One that costs
        as much as several counts for as many `calls`, to be paid off before the next."""
        wait = (
            await self.shared.take(f"{self.of} {caller}", self.per_minute, calls)
            if self.shared
            else None
        )
        if wait is None:
            wait = self.take_here(caller, calls)
        if wait:
            raise Refused("too_many", wait)

    def take_here(self, caller: str, calls: int = 1) -> float:
        """Count a call at this gateway alone; the seconds to wait where it is one too many."""
        left = self._left(caller)
        self._keep(caller, left - calls if left >= 1 else left)
        return (1 - left) * 60 / self.per_minute if left < 1 else 0

    def give_back(self, caller: str) -> None:
        """Count one call less, at this gateway."""
        self._keep(caller, min(self.per_minute, self._left(caller) + 1))

    def _left(self, caller: str) -> float:
        now = time.monotonic()
        left, then = self.buckets.pop(caller, (self.per_minute, now))
        return min(self.per_minute, left + (now - then) * self.per_minute / 60)

    def _keep(self, caller: str, left: float) -> None:
        self.buckets[caller] = left, time.monotonic()
        while len(self.buckets) > MOST_KEPT:
            self.buckets.popitem(last=False)


class Strangers:
    """Tokens that open nothing, counted by the address that shows them: past its limit, none is
    looked up but those that have opened something lately."""

    def __init__(self, per_minute: int) -> None:
        self.rates = Rates("strangers", per_minute)
        self.known: OrderedDict[bytes, None] = OrderedDict()  # hashes of tokens

    @contextlib.contextmanager
    def watch(self, address: str, token: str) -> Iterator[None]:
        """Have what is done raise stored_turns.NoConversation where the token opens nothing; raises
        it at
        once where there is no token, and Refused past the limit."""
        if not token:
            raise stored_turns.NoConversation()
        key = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = key in self.known
        if not known and (wait := self.rates.take_here(address)):
            raise Refused("too_many", wait)
        opens = True
        try:
            yield
            self.known[key] = None
            self.known.move_to_end(key)
            if len(self.known) > MOST_KEPT:
                self.known.popitem(last=False)
        except stored_turns.NoConversation:
            opens = False
            self.known.pop(key, None)
            raise
        finally:
            if opens and not known:
                self.rates.give_back(address)
            elif known and not opens:
                self.rates.take_here(address)


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

    def __init__(self, locks: store_locks.Locks | None, shared: RedisLimits | None = None) -> None:
        self.locks, self.shared = locks, shared
        self.queues: dict[str, Queue] = {}

    @contextlib.asynccontextmanager
    async def one(self, conversation: str) -> AsyncIterator[None]:
        """Wait for this conversation's turn; raises Refused where too many wait already, or it
        doesn't come; and stored_turns.StoreDown."""
        queue = self.queues.setdefault(conversation, Queue())
        if queue.size > MOST_WAITING:
            raise Refused("busy", 2)
        follows, ticket = queue.size > 0, uuid.uuid4().hex
        queue.size += 1
        try:
            async with asyncio.timeout(LONGEST_WAIT) as waited:
                if self.shared:
                    await _stand(self.shared, conversation, ticket)
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

    async def _hold(self, conversation: str) -> None:
        try:
            while self.locks and not await in_time(store_locks.hold_lock, self.locks, conversation):
                await asyncio.sleep(POLL_SECONDS)
        except engine.StoreDown:
            self._give_back(conversation)  # it may come late
            raise

    def _give_back(self, conversation: str) -> None:
        """Give the lock back; no visitor waits for that."""
        if self.locks:
            asyncio.get_running_loop().run_in_executor(
                None, store_locks.give_lock_back, self.locks, conversation
            )


async def _stand(shared: RedisLimits, conversation: str, ticket: str) -> None:
    """Wait in the queue of all gateways, as long as there is one."""
    while (
        place := await shared.stand(conversation, ticket, MOST_WAITING, LONGEST_WAIT)
    ) is not None:
        if place < 0:
            raise Refused("busy", 2)
        if place == 0:
            return
        await asyncio.sleep(POLL_SECONDS)


class Lanes:
    """Lets one of each name through at a time; what comes meanwhile waits."""

    def __init__(self) -> None:
        self.locks: dict[str, tuple[asyncio.Lock, int]] = {}  # name: and how many wait for it

    @contextlib.asynccontextmanager
    async def one(self, name: str) -> AsyncIterator[None]:
        """Wait for this name's turn."""
        lock, waiting = self.locks.pop(name, (asyncio.Lock(), 0))
        self.locks[name] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self.locks.pop(name)
            if waiting > 1:
                self.locks[name] = lock, waiting - 1


class Reads:
    """Lets one read of a conversation through at a time, and store.READING of all; what comes
    meanwhile waits for a while."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.places = asyncio.Semaphore(engine.READING)

    @contextlib.asynccontextmanager
    async def one(self, token: str) -> AsyncIterator[None]:
        """Wait for this conversation's turn; raises Refused where it doesn't come."""
        try:
            async with asyncio.timeout(LONGEST_WAIT) as waited, self.lanes.one(token), self.places:
                waited.reschedule(None)
                yield
        except TimeoutError:
            raise Refused("overloaded", 2) from None


async def in_time[*Arguments, Found](
    function: Callable[[*Arguments], Found], *arguments: *Arguments, pool: Executor | None = None
) -> Found:
    """What a function of the store gives, in a thread of `pool`; raises stored_turns.StoreDown
    after
    STORE_SECONDS, for a visitor waits."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(
                pool, lambda: context.run(function, *arguments)
            )
    except TimeoutError:
        raise engine.StoreDown(f"the database took longer than {STORE_SECONDS} s") from None
