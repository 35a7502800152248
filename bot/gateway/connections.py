"""Connections of who sends slowly or without end: uvicorn waits for a request for ever, and reads
heads of any size."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS, BODY_SECONDS = 10, 60  # in which a request's head, and then its body, must have come
LARGEST_HEAD = 64 * 1024


class Patient(HttpToolsProtocol):
    """uvicorn's connection, closed where a request doesn't come in time, or its head is too
    large."""

    def connection_made(self, transport):
        super().connection_made(transport)
        self.limit, self.read = None, 0  # read: of the head that is coming, None while none is
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc):
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data):
        # the next request on a connection that was kept
        if self.limit is None and (self.cycle is None or self.cycle.response_complete):
            self.read = 0
            self._wait(HEAD_SECONDS)
        if self.read is not None:
            self.read += len(data)
        super().data_received(data)
        if self.read is not None and self.read > LARGEST_HEAD:
            self.transport.close()

    def on_headers_complete(self):
        self.read = None
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self):
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds):
        """Close the connection after so many seconds; None: not any more."""
        if self.limit is not None:
            self.limit.cancel()
        self.limit = (
            None if seconds is None else self.loop.call_later(seconds, self.transport.close)
        )
