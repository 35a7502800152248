"""How fast one address may begin requests: the rest of them wait their turn, so that whoever sends
as fast as it goes takes no more of the gateway's one thread than others.

A token bucket that delays in place of refusing (the generic cell rate algorithm of ATM, ITU-T
I.371, 1993)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.conversation.limits import MOST_KEPT, Refused, network_name

PER_SECOND = 50  # of one address
AT_ONCE = 20  # requests that wait for nothing
LONGEST_SECONDS = 6.0  # of waiting; who would wait longer is refused


class Pacing:
    """ASGI middleware: of each network, `per_second` requests begin in a second, after AT_ONCE that
    begin as they come. Where more of them wait than begin in LONGEST_SECONDS, the next one gets
    what `refuse(request, limits.Refused)` gives."""

    def __init__(
        self,
        app: ASGIApp,
        per_second: float,
        refuse: Callable[[Request, Refused], Awaitable[Response]],
    ) -> None:
        self.app, self.apart, self.refuse = app, 1 / per_second, refuse
        # network: when its next request would begin, if none came at once
        self.next: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["client"]:
            try:
                await asyncio.sleep(self._wait(network_name(scope["client"][0])))
            except Refused as error:
                response = await self.refuse(Request(scope), error)
                return await response(scope, receive, send)
        return await self.app(scope, receive, send)

    def _wait(self, network: str) -> float:
        """The seconds until its next request begins; raises limits.Refused."""
        now = time.monotonic()
        begins = max(now, self.next.get(network, now))
        wait = begins - now - AT_ONCE * self.apart
        if wait > LONGEST_SECONDS:
            raise Refused("too_many", LONGEST_SECONDS)
        self.next[network] = begins + self.apart
        self.next.move_to_end(network)
        if len(self.next) > MOST_KEPT:
            self.next.popitem(last=False)
        return max(0.0, wait)
