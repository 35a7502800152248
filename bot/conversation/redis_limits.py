"""What gateways share through Redis: how often who may call, and who is next in a conversation.

Nothing is lost with it. While it doesn't answer, each gateway counts for itself, so that a caller
may do as much at each of them; that no two gateways answer in one conversation at once is the
database's to hold (store/locks.py)."""

import asyncio
import hashlib
import logging
import time
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
ANSWER_SECONDS = 0.25
AWAY_SECONDS = 5  # after a failure, before Redis is asked again
# Token bucket: the seconds to wait, 0 where the call may be made. Its clock is Redis's own.
TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local per_minute = tonumber(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(per_minute, (tonumber(kept[1]) or per_minute) + math.max(0, now - (tonumber(kept[2]) or now)) * per_minute / 60)
local wait = 0
if left < 1 then wait = (1 - left) * 60 / per_minute else left = left - tonumber(ARGV[2]) end
redis.call('HSET', KEYS[1], 'left', left, 'at', now)
redis.call('PEXPIRE', KEYS[1], 120000)
return tostring(wait)
"""  # noqa: E501
# A queue of tickets, each alive for as long as its own key: the place in it, or -1 where too many
# stand there already.
STAND = """
local place = -1
for _, ticket in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if ticket ~= ARGV[1] and redis.call('EXISTS', KEYS[1] .. ticket) == 0 then redis.call('LREM', KEYS[1], 1, ticket) end
end
local queue = redis.call('LRANGE', KEYS[1], 0, -1)
for at, ticket in ipairs(queue) do if ticket == ARGV[1] then place = at - 1 end end
if place == -1 then
  if #queue > tonumber(ARGV[2]) then return -1 end
  place = redis.call('RPUSH', KEYS[1], ARGV[1]) - 1
end
redis.call('SET', KEYS[1] .. ARGV[1], '', 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return place
"""  # noqa: E501
LEAVE = "redis.call('LREM', KEYS[1], 1, ARGV[1]) return redis.call('DEL', KEYS[1] .. ARGV[1])"


class RedisLimits:
    """The Redis at an address, or its absence."""

    def __init__(self, url: str) -> None:
        self.client = redis.asyncio.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        self.scripts = {
            script: self.client.register_script(script) for script in (TAKE, STAND, LEAVE)
        }
        self.away_until = 0.0

    async def take(self, caller: str, per_minute: int, calls: int = 1) -> float | None:
        """Seconds until `caller` may make a call that counts for `calls`; None where Redis doesn't
        answer."""
        wait = await self._run(TAKE, f"rate:{_digest(caller)}", per_minute, calls)
        return None if wait is None else float(wait)

    async def stand(self, conversation: str, ticket: str, most: int, seconds: float) -> int | None:
        """The ticket's place in the conversation's queue, 0 for the next, -1 where `most` wait
        already; None without Redis.

        A ticket that isn't shown again for so many seconds is out of the queue.
        """
        place = await self._run(
            STAND, f"queue:{{{_digest(conversation)}}}", ticket, most, int(seconds * 1000)
        )
        return None if place is None else int(place)

    async def leave(self, conversation: str, ticket: str) -> None:
        await self._run(LEAVE, f"queue:{{{_digest(conversation)}}}", ticket)

    async def answers(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self.client.ping())
        except (RedisError, OSError):
            return False

    async def close(self) -> None:
        await self.client.aclose()

    async def _run(self, script: str, key: str, *arguments: str | int) -> Any:
        """What a script of ours gives; None where Redis doesn't answer."""
        if time.monotonic() < self.away_until:
            return None
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                return await self.scripts[script](keys=[key], args=arguments)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self.away_until = time.monotonic() + AWAY_SECONDS
            logger.error(
                "Redis does not answer (%s); each gateway counts for itself", type(error).__name__
            )
            return None


def _digest(name: str) -> str:
    """Neither tokens nor addresses stand in Redis."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
