"""A TCP proxy that a fault is made with: it passes on, delays, holds, cuts, or breaks a connection
at a word."""

import asyncio
import contextlib
import re
import threading


class Proxy:
    """Stands on 127.0.0.1:`port` before the server at `host`:`to`, in a thread of its own.

    `delay`: seconds that every answer comes later; `held`: nothing passes; `cut`: connections end,
    and none is taken. `break_at(word, after)`: the next connection on which a client says so ends
    at once, or when the server has done it."""

    def __init__(self, to, host="127.0.0.1"):
        self.host, self.to, self.port = host, to, None
        self.delay, self.held, self._cut, self._word, self._broken = 0.0, False, False, None, 0
        self._open, self._started = set(), threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    @property
    def cut(self):
        return self._cut

    @cut.setter
    def cut(self, cut):
        self._cut = cut
        if cut:
            self._loop.call_soon_threadsafe(self._close)

    @property
    def broken(self):
        """How many connections were broken at a word."""
        return self._broken

    def break_at(self, word, after=False):
        self._word = (re.compile(word, re.DOTALL), after)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._take, "127.0.0.1", self.port or 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()
        self._close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    def _close(self):
        for writer in self._open:
            writer.transport.abort()

    async def _take(self, reader, writer):
        if self._cut:
            return writer.transport.abort()
        try:
            there, back = await asyncio.open_connection(self.host, self.to)
        except OSError:
            return writer.transport.abort()
        ends, lost = {writer, back}, asyncio.Event()  # lost: the answer to a word shall not come
        self._open |= ends
        try:
            await asyncio.gather(
                self._pass(reader, back, lost, self._is_word), self._pass(there, writer, lost, None)
            )
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader, writer, lost, is_word):
        with contextlib.suppress(OSError):
            while part := await reader.read(65536):
                while self.held:
                    await asyncio.sleep(0.05)
                if is_word is None and self.delay:
                    await asyncio.sleep(self.delay)
                if is_word is None and lost.is_set() or is_word and is_word(part, lost):
                    break
                writer.write(part)
                await writer.drain()
        writer.transport.abort()

    def _is_word(self, part, lost):
        """Whether the connection ends before `part`, for the word is in it."""
        if not self._word or not self._word[0].search(part):
            return False
        after, self._word = self._word[1], None
        self._broken += 1
        if after:
            lost.set()
        return not after
