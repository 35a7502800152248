"""Places at Rasa: who is worked on, who waits and in which order, and who is refused at once
because the answer would come too late.

Waiting callers are served in turn, however much one of them sends (fair queueing: Nagle 1985, RFC
970). Where no room is left, who has less of it takes that of the last message of whoever has most
(McKenney 1990, stochastic fairness queueing)."""

import asyncio
import contextlib
import math
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from bot.conversation.limits import Refused

AT_ONCE = 8  # messages in a Rasa: with more of them it is no faster
# of a caller's messages, while others are about: theirs would wait for all that are begun, since a
# Rasa works on all of them alike
AT_ONCE_BESIDE = 1
ABOUT = 5.0  # seconds after its last message that a caller is about
USUAL_SECONDS = 1 / 32  # from one answer to the next, before any was measured: of a slow core
LEAST_SECONDS = 1 / 64  # so that a fast one is not thought to be faster than it can be
NEWEST = 1 / 16  # what the newest measure weighs
# of ANSWER_SECONDS: the wait that is expected of who is let in, and the longest there may be
EXPECTED, LONGEST = 1 / 2, 3 / 4
SHARE = 3 / 4  # of all places, for one caller at most
# places: on the slowest machine, where one is worked on and another caller's is next; and on the
# fastest, where nobody shall wait much longer than a second
LEAST, MOST = 3, 64


@dataclass(frozen=True)
class Caller:
    """Whose messages are counted together: an address's, or a conversation's of a messaging app.
    Those of a `patient` one are never refused, and wait however long it takes."""

    name: str
    patient: bool = False


NOBODY = Caller("")


class Places:
    """The places at one Rasa, of a site that answers within so many seconds."""

    def __init__(self, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self.seconds = USUAL_SECONDS  # from one answer to the next, of late
        self.moved = 0.0  # when the last one was given, or the first message begun
        self.at_work = 0  # messages
        self.working: Counter[Caller] = Counter()  # the same, of each caller
        # who came last, and who came before that, each with the time of the last message
        self.last = self.before = (NOBODY, -math.inf)
        # messages at work and waiting, of those who aren't patient
        self.held: Counter[Caller] = Counter()
        # the first caller is the next
        self.waiting: OrderedDict[Caller, deque[asyncio.Future[None]]] = OrderedDict()

    def most(self) -> int:
        """How many messages may be at work or wait: as many as will be answered in time, if it goes
        on as of late."""
        seconds, silent = self.seconds, _now() - self.moved
        if self.at_work and silent > self._patience():
            seconds = max(seconds, silent / self.at_work)
        return min(MOST, max(LEAST, int(self._patience() / seconds)))

    def check(self, caller: Caller) -> Caller | None:
        """The caller whose last message would lose its place to this caller's next, or None; raises
        Refused where it gets none."""
        most, own = self.most(), self.held[caller]
        if own >= max(1, int(most * SHARE)):
            raise Refused("overloaded", 2)
        if self.held.total() < most:
            return None
        others = [
            other
            for other in self.waiting
            if self.held[other] > own + 1  # never of a patient one
        ]
        if not others:
            raise Refused("overloaded", 2)
        return max(others, key=self.held.__getitem__)

    @contextlib.asynccontextmanager
    async def one(self, caller: Caller) -> AsyncIterator[None]:
        """Wait for a place; raises Refused where there is none in time."""
        if caller.patient:
            async with self._worked_on(caller):
                yield
            return
        if (loser := self.check(caller)) is not None:
            self._take_from(loser)
        self.held[caller] += 1
        try:
            async with self._worked_on(caller):
                yield
        finally:
            self.held[caller] -= 1
            if not self.held[caller]:
                del self.held[caller]

    @contextlib.asynccontextmanager
    async def _worked_on(self, caller: Caller) -> AsyncIterator[None]:
        self._see(caller)
        await self._wait(caller)
        try:
            yield
        finally:
            self._leave(caller)

    async def _wait(self, caller: Caller) -> None:
        """Wait until it is this message's turn; it is at work then."""
        if self._is_room() and self._may_begin(caller) and not self._find_next():
            return self._begin(caller)
        turn = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(caller, deque()).append(turn)
        try:
            async with asyncio.timeout(None if caller.patient else self.answer_seconds * LONGEST):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave(caller)  # its turn came at the same moment
            else:
                self._withdraw(caller, turn)
            if isinstance(error, TimeoutError):
                raise Refused("overloaded", 2) from None
            raise

    def _is_room(self) -> bool:
        return self.at_work < max(1, min(AT_ONCE, int(self._patience() / self.seconds)))

    def _see(self, caller: Caller) -> None:
        if self.last[0] != caller:
            self.before = self.last
        self.last = (caller, _now())

    def _may_begin(self, caller: Caller) -> bool:
        """Whether one more of a caller's messages may be at work."""
        other = self.before if self.last[0] == caller else self.last
        alone = _now() - other[1] > ABOUT
        return self.working[caller] < (AT_ONCE if alone else AT_ONCE_BESIDE)

    def _patience(self) -> float:
        return self.answer_seconds * EXPECTED

    def _begin(self, caller: Caller) -> None:
        if not self.at_work:
            self.moved = _now()
        self.at_work += 1
        self.working[caller] += 1

    def count_answer(self) -> None:
        """Rasa has answered one of the messages at work."""
        now = _now()
        measured = self.seconds + NEWEST * (now - self.moved - self.seconds)
        self.seconds, self.moved = max(LEAST_SECONDS, measured), now

    def count_failure(self) -> None:
        """Rasa has not answered one of them."""
        self.seconds = max(self.seconds, _now() - self.moved)

    def _leave(self, caller: Caller) -> None:
        self.at_work -= 1
        self.working[caller] -= 1
        if not self.working[caller]:
            del self.working[caller]
        while self._is_room() and (whose := self._find_next()):
            line = self.waiting.pop(whose)
            turn = line.popleft()
            if line:
                self.waiting[whose] = line  # behind all others
            if not turn.done():
                turn.set_result(None)
                self._begin(whose)

    def _find_next(self) -> Caller | None:
        """Whose turn it is of those who wait."""
        return next(filter(self._may_begin, self.waiting), None)

    def _take_from(self, caller: Caller) -> None:
        turn = self.waiting[caller][-1]
        self._withdraw(caller, turn)
        if not turn.done():
            turn.set_exception(Refused("overloaded", 2))

    def _withdraw(self, caller: Caller, turn: asyncio.Future[None]) -> None:
        """Take a message out of its caller's line, if it still stands there."""
        line = [each for each in self.waiting.get(caller, ()) if each is not turn]
        if line:
            self.waiting[caller] = deque(line)
        else:
            self.waiting.pop(caller, None)


def check_any(places: Iterable[Places], caller: Caller) -> None:
    """Raise Refused where none of these Places would take a message of this caller now."""
    refused = Refused("overloaded", 2)
    for each in places:
        try:
            each.check(caller)
            return
        except Refused as error:
            refused = error
    raise refused


def _now() -> float:
    return asyncio.get_running_loop().time()
