"""What the pages of the desk need, and what is kept from page to page."""

import asyncio
import datetime
import functools
import math
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, Request
from sqlalchemy import Engine

from bot.content.articles import Article
from bot.content.evidence import Ledger
from bot.content.sign_offs import SignOff
from bot.releases import registry
from bot.runtime import settings
from bot.store.turn_counts import Numbers

Vector = np.ndarray[tuple[int], np.dtype[np.float32]]  # of a text, by the sentence encoder
Stamp = tuple[int, int]  # when a file was last changed, in nanoseconds, and its size
# rehearsal.rehearse of the gateway, of its own site: (messages, article, candidate) -> turns
Rehearse = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]


@dataclass
class Vectors:
    """{text: vector} of the texts that a page compares. `busy` while more are being computed;
    `on_disk` where they are the content's, whose vectors a training keeps beside the encoder."""

    found: dict[str, Vector] = field(default_factory=dict)
    on_disk: bool = False
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Counts:
    """What was counted: {(first day, last day): (when, turn_counts.read_counts)}; `busy` those that
    are being
    counted."""

    found: dict[tuple[datetime.date, datetime.date], tuple[float, Numbers]] = field(
        default_factory=dict
    )
    busy: set[tuple[datetime.date, datetime.date]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class LiveAnswers:
    """{(release, turn): the question whose answer the release surely gives to that message now, or
    None} of messages that wait in the review; `busy` while more are being asked."""

    found: dict[tuple[str, int], str | None] = field(default_factory=dict)
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Waiting:
    """How many wordings wait in the review: None until they were counted, and `counted_at` by the
    monotonic clock. `changes`: how often editors took some away; `busy` while they are counted."""

    count: int | None = None
    counted_at: float = -math.inf
    changes: int = 0
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Issuer:
    """What the issuer publishes of itself: its addresses and keys, and when they were read."""

    found: dict[str, Any] = field(default_factory=dict)
    read_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


async def _ask_nobody(*_: object) -> list[dict[str, Any]]:
    """In place of `rehearse` on the command line, where no bot runs."""
    raise registry.NoAnswer("no bot runs here")


@dataclass
class State:
    """What the pages need: settings and database, and what is kept from page to page."""

    config: settings.Settings
    engine: Engine
    rehearse: Rehearse = _ask_nobody
    # of what is reviewed, and nothing else
    asked: Vectors = field(default_factory=Vectors)
    live_answers: LiveAnswers = field(default_factory=LiveAnswers)
    waiting: Waiting = field(default_factory=Waiting)
    # how many files were edited outside the desk, and when they were counted
    by_hand: tuple[int, float] = (0, -math.inf)
    # of content_cache.read_articles, by the file's name, with the stamp of its phrases, too; of
    # content_cache.read_ledgers; and of content_cache.read_reviews, by the article's id
    articles: dict[str, tuple[tuple[Stamp, Stamp], Article | None]] = field(default_factory=dict)
    ledgers: dict[str, tuple[Stamp, Ledger]] = field(default_factory=dict)
    signed: dict[str, tuple[Stamp, tuple[SignOff, ...]]] = field(default_factory=dict)
    phrases: Vectors = field(default_factory=functools.partial(Vectors, on_disk=True))
    counts: Counts = field(default_factory=Counts)
    issuer: Issuer = field(default_factory=Issuer)
    # of the gateway, in which `rehearse` runs; None until a page was asked for
    loop: asyncio.AbstractEventLoop | None = None


def get_state(request: Request) -> State:
    """The State of the desk that serves a request, for what isn't a page."""
    state: State = request.app.state.desk
    return state


async def _give_state(request: Request) -> State:
    """get_state without a thread: FastAPI would run a plain function in one."""
    desk = get_state(request)
    desk.loop = asyncio.get_running_loop()
    return desk


DeskState = Annotated[State, Depends(_give_state)]  # what a page asks for in its signature
