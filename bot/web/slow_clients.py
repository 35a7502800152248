"""Connections of who sends slowly or without end: uvicorn waits for a request for ever, reads heads
of any size, and takes connections until no file can be opened any more."""

from __future__ import annotations

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.conversation.limits import network_name

HEAD_SECONDS, BODY_SECONDS = 10, 60  # in which a request's head, and then its body, must have come
LARGEST_HEAD = 64 * 1024
KEPT_FILES = 128  # descriptors for the database, Rasa, releases; half of them, where there are few
# network: its connections without a whole request, the longest without one first
_idle: dict[str, dict[SlowClientProtocol, None]] = {}


def most_connections() -> int:
    """How many connections there may be, so that the gateway itself can still open files."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return files - min(KEPT_FILES, files // 2)


class SlowClientProtocol(HttpToolsProtocol):
    """uvicorn's connection, closed where a request doesn't come in time, or its head is too large.
    Where there are too many, of the network that has most without a request the oldest one goes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.network = network_name(self.client[0]) if self.client else ""
        self._note_idle(True)
        if len(self.connections) > most_connections():
            most = max(_idle.values(), key=len)
            next(iter(most)).transport.abort()
        self.limit: asyncio.TimerHandle | None = None
        self.read: int | None = 0  # of the head that is coming, None while none is
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        self._note_idle(False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # the next request on a connection that was kept
        if self.limit is None and (self.cycle is None or self.cycle.response_complete):
            self.read = 0
            self._wait(HEAD_SECONDS)
        if self.read is not None:
            self.read += len(data)
        super().data_received(data)
        if self.read is not None and self.read > LARGEST_HEAD:
            self.transport.close()

    def on_headers_complete(self) -> None:
        self.read = None
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._wait(None)
        self._note_idle(False)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:  # else the next is here already
            self._note_idle(True)

    def _note_idle(self, idle: bool) -> None:
        same = _idle.setdefault(self.network, {})
        same.pop(self, None)
        if idle and not self.transport.is_closing():
            same[self] = None
        if not same:
            del _idle[self.network]

    def _wait(self, seconds: float | None) -> None:
        """Close the connection after so many seconds; None: not any more."""
        if self.limit is not None:
            self.limit.cancel()
        self.limit = (
            None if seconds is None else self.loop.call_later(seconds, self.transport.close)
        )
