"""The screen of a message: the rules at once, then the learned net, in a thread that nothing else
can fill. Where the net or the encoder is missing, broken or slow, the rules alone."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bot.conversation import metrics
from bot.language import encoder
from bot.language.normal_form import make_normal_form
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen, net
from bot.safety.net import Judgement, Reading
from bot.safety.rules_file import Screen
from bot.safety.verdicts import Verdict, decide_verdict

logger = logging.getLogger(__name__)
SECONDS = 0.5  # that the net may take; some 5 ms are usual
MOST_WAITING = 64  # messages for the net; the rules alone for what comes beyond
LONGEST = 4_000  # signs that the net reads
MOST_HEARD = 2_000  # texts whose reading is kept, by their hash
# one thread: beside it the visitors' other messages need the cores
_pool = ThreadPoolExecutor(1, thread_name_prefix="net")
# for who sends more than is allowed: 2,000 signs can take the rules 90 ms (2026-11-29)
_apart = ThreadPoolExecutor(1, thread_name_prefix="rules")


class Unheard(Enum):
    """What `ask_net` gives where the net was not to be had."""

    UNHEARD = "unheard"


UNHEARD: Final = Unheard.UNHEARD


@dataclass(frozen=True)
class Listener:
    """A release's net, with what it needs; safe to share between threads."""

    net: net.Net
    screen: Screen
    encoder: encoder.Encoder
    # hash of a text -> its net.Reading: a message is heard again beside the next ones
    heard: dict[bytes, Reading] = field(default_factory=dict, compare=False)

    def judge(self, text: str) -> Judgement | None:
        """The net's Judgement of a text, or None."""
        return self.read(text).judgement

    def rate(self, text: str) -> float:
        """How much a text is like a danger, as the net's thresholds count."""
        return self.read(text).score

    def read(self, text: str) -> Reading:
        """The net's Reading of a text."""
        return next(filter(None, self.read_in_steps(text)))

    def read_in_steps(self, text: str) -> Generator[Reading | None]:
        """As `read`, a piece of a long text at each step: None after all but the last."""
        key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        if key in self.heard:
            yield self.heard[key]
            return
        normal, encode = make_normal_form(text[:LONGEST]), self.encoder.encode_layers
        for found in net.read_in_steps(self.net, self.screen, encode, normal):
            if found:
                if len(self.heard) >= MOST_HEARD:
                    self.heard.clear()
                self.heard[key] = found
            yield found


def open_listener(
    config: settings.Settings,
    id: str,
    screen: Screen,
    opened: encoder.Encoder | None = None,
) -> Listener | None:
    """The Listener of a release, or None where it has no net, or where net or encoder can't be
    used; the log and a metric say so. `opened`: the encoder, where it is open already."""
    path = registry.folder_of(config, id) / registry.NET
    made = None
    if not path.is_file():
        logger.warning("release %s has no net: dangers are heard by the rules alone", id)
    else:
        try:
            opened = opened or encoder.load_encoder(config.path("models") / "encoder")
            made = Listener(net.read_net(path), screen, opened)
            made.judge("hello")
        except Exception as error:  # whatever is broken, the rules answer
            logger.error(
                "the net of release %s can't be used (%s: %s): the rules alone hear dangers",
                id,
                type(error).__name__,
                error,
            )
            made = None
    metrics.NET.set(1 if made else 0)
    return made


async def screen_message(
    rules: Screen, listener: Listener | None, text: str, apart: bool = False
) -> Verdict:
    """The Verdict of a message, by the rules of a Screen and by a Listener or None; raises
    nothing. Where the net can't be asked, or doesn't come in time, the rules alone decide.

    A message in another language is heard by all of them: many who write one mix it with English.
    `apart`: the rules hear it in a thread of its own, behind others of that kind, so that nobody
    else is held up."""
    if apart:
        loop = asyncio.get_running_loop()
        heard = await loop.run_in_executor(_apart, _ask_rules, rules, text)
    else:
        heard = _ask_rules(rules, text)
    (language, spoken), danger = heard
    if spoken and (language or danger is None):
        return Verdict(spoken)
    if language is None:
        return await _weigh(rules, listener, text, danger)
    # the net knows English alone: it takes back nothing that the rules hear here
    verdict = Verdict(danger) if danger else await _weigh(rules, listener, text, None)
    if verdict.danger:
        return Verdict(danger_screen.in_language(rules, verdict.danger, language))
    return Verdict(warning=verdict.warning, language=language)


def _ask_rules(
    rules: Screen, text: str
) -> tuple[tuple[str | None, danger_screen.Danger | None], danger_screen.Danger | None]:
    """((language, the danger that is heard in it), the danger that is heard in English)."""
    return danger_screen.screen_language(rules, text), danger_screen.find_danger(rules, text)


async def _weigh(
    rules: Screen, listener: Listener | None, text: str, danger: danger_screen.Danger | None
) -> Verdict:
    """The Verdict of a message in which the rules heard `danger`."""
    reading = UNHEARD if listener is None else await _read_between(listener, text)
    if reading is UNHEARD:
        return Verdict(danger)
    if reading.judgement:
        metrics.NET_JUDGED.labels(reading.judgement.tier).inc()
    return decide_verdict(rules, text, danger, reading)


async def _read_between(listener: Listener, text: str) -> Reading | Unheard:
    """The Listener's Reading; between the pieces of a long text others' messages have their
    turn."""
    steps, end = listener.read_in_steps(text), time.monotonic() + SECONDS
    found = None
    while found is None:
        found = await ask_net(next, steps, seconds=end - time.monotonic())
    return found


async def ask_net[*Given, Found](
    judge: Callable[[*Given], Found], *given: *Given, seconds: float = SECONDS
) -> Found | Unheard:
    """What `judge` says, in the net's own thread; UNHEARD where it fails or takes too long."""
    if _pool._work_queue.qsize() >= MOST_WAITING:
        metrics.NET_UNHEARD.labels("busy").inc()
        return UNHEARD
    work = asyncio.get_running_loop().run_in_executor(_pool, judge, *given)
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        metrics.NET_UNHEARD.labels("slow").inc()
    except Exception as error:  # its message may hold a visitor's words
        metrics.NET_UNHEARD.labels("failed").inc()
        logger.error("the net failed (%s); the rules alone heard a message", type(error).__name__)
    return UNHEARD
