"""What the gateway does again and again for as long as it runs, and that it goes on whatever
happens: a round that fails is told in the log, and the next one comes.

A loop that ends all the same ends the gateway, so that what started it (systemd, Docker,
Kubernetes) starts it again: one that looks well and looks after nothing is worse than none."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from bot.runtime import logs

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 10  # seconds until the next round after one that failed


@dataclass(frozen=True)
class Loop:
    """`round` is one round, and gives the seconds until the next; `first`: those before the first.
    `name` says what it does, as "looking after Rasa": the log's lines begin with it."""

    name: str
    round: Callable[[], Awaitable[float]]
    first: float = 0.0


@dataclass
class Running:
    """Loops that were begun: {name: task}; `stopping` where they are to end."""

    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    stopping: bool = False

    def fallen(self) -> list[str]:
        """The names of those that ended although none shall."""
        return [name for name, task in self.tasks.items() if task.done() and not self.stopping]


def begin_loops(loops: Iterable[Loop], end: Callable[[], object]) -> Running:
    """Begin the loops: a Running. `end()` is called where one ends by itself."""
    running = Running()
    for loop in loops:
        task = running.tasks[loop.name] = asyncio.create_task(run_loop(loop), name=loop.name)
        task.add_done_callback(lambda task: _note_end(running, task, end))
    return running


async def stop_loops(running: Running) -> None:
    """End the loops, which the end of the service asks for."""
    running.stopping = True
    for task in running.tasks.values():
        task.cancel()
    await asyncio.gather(*running.tasks.values(), return_exceptions=True)


async def run_loop(loop: Loop) -> None:
    """Go through the rounds until cancelled, whatever one of them raises."""
    failed, task = 0, asyncio.current_task()
    await asyncio.sleep(loop.first)
    while True:
        try:
            pause, failed = await loop.round(), 0
        except (Exception, asyncio.CancelledError) as error:
            # a round may await what somebody else cancelled; asked to end is only who was asked
            if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
                raise
            failed += 1
            pause = min(2**failed, LONGEST_PAUSE)
            logger.error(
                "%s failed (%s); it goes on in %s s", loop.name, logs.place_of(error), pause
            )
        await asyncio.sleep(pause)


def _note_end(running: Running, task: asyncio.Task[None], end: Callable[[], object]) -> None:
    if not running.stopping:
        logger.critical(
            "%s has ended, and nobody does it any more: the gateway ends, to be started again",
            task.get_name(),
        )
        end()
