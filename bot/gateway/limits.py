"""Limits: how much a body may hold, how often who may call, how many messages of a conversation may wait."""

import asyncio
import contextlib
import time
from collections import OrderedDict

from starlette.responses import JSONResponse

LARGEST_BODY = 64 * 1024
MOST_WAITING = 5
MOST_KEPT = 20_000  # callers and conversations that are remembered


class Refused(RuntimeError):
    """Too much at once; `seconds` until it's worth trying again. `text` is the key of the fixed text that says so."""

    def __init__(self, text, seconds):
        super().__init__(text)
        self.text, self.seconds = text, seconds


class Rates:
    """Token buckets: each caller may do so much a minute, in bursts of as much (Turner 1986, the leaky bucket)."""

    def __init__(self, per_minute):
        self.per_minute, self.buckets = per_minute, OrderedDict()

    def take(self, caller):
        """Count one call; raises Refused."""
        now = time.monotonic()
        left, then = self.buckets.pop(caller, (self.per_minute, now))
        left = min(self.per_minute, left + (now - then) * self.per_minute / 60)
        self.buckets[caller] = (max(0.0, left - 1) if left >= 1 else left, now)
        while len(self.buckets) > MOST_KEPT:
            self.buckets.popitem(last=False)
        if left < 1:
            raise Refused("too_many", (1 - left) * 60 / self.per_minute)


class Turnstile:
    """Lets one message of a conversation through at a time, in their order; at most MOST_WAITING wait."""

    def __init__(self):
        self.locks = {}

    @contextlib.asynccontextmanager
    async def one(self, conversation):
        """Wait for this conversation's turn; raises Refused where too many wait already."""
        lock, waiting = self.locks.get(conversation, (asyncio.Lock(), 0))
        if waiting > MOST_WAITING:
            raise Refused("busy", 2)
        self.locks[conversation] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self.locks[conversation]
            if waiting == 1:
                del self.locks[conversation]
            else:
                self.locks[conversation] = (lock, waiting - 1)


class BodyLimit:
    """ASGI middleware: refuses bodies over LARGEST_BODY, announced or not, and compressed ones, before they are read."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return await _refusal(415, "Please send the message as it is, not compressed.")(scope, receive, send)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return await _refusal(413, "That is more than can be sent at once. Please send one short message.")(scope, receive, send)
        body, more = b"", scope["method"] in ("POST", "PUT", "PATCH", "DELETE")
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return None
            body += part.get("body", b"")
            more = part.get("more_body", False)
            if len(body) > LARGEST_BODY:
                return await _refusal(413, "That is more than can be sent at once. Please send one short message.")(scope, receive, send)
        given = False

        async def read():
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, read, send)


def _refusal(status, message):
    return JSONResponse({"error": {"code": "too_large" if status == 413 else "compressed", "message": message}}, status)
