"""What the pages of the desk need, and what is kept from page to page."""

import datetime
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, Request
from sqlalchemy import Engine

from bot.content.articles import Article
from bot.content.evidence import Ledger
from bot.releases import registry
from bot.runtime import settings
from bot.store.turn_counts import Numbers

Vector = np.ndarray[tuple[int], np.dtype[np.float32]]  # of a text, by the sentence encoder
Stamp = tuple[int, int]  # when a file was last changed, in nanoseconds, and its size
# rehearsal.rehearse of the gateway, of its own site: (messages, article, candidate) -> turns
Rehearse = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]


@dataclass
class Vectors:
    """{text: vector} of the texts that a page compares. `busy` while more are being computed."""

    found: dict[str, Vector] = field(default_factory=dict)
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
    # of content_cache.read_articles, by the file's name, and of content_cache.read_ledgers
    articles: dict[str, tuple[Stamp, Article | None]] = field(default_factory=dict)
    ledgers: dict[str, tuple[Stamp, Ledger]] = field(default_factory=dict)
    phrases: Vectors = field(default_factory=Vectors)
    counts: Counts = field(default_factory=Counts)
    issuer: Issuer = field(default_factory=Issuer)


def get_state(request: Request) -> State:
    """The State of the desk that serves a request, for what isn't a page."""
    state: State = request.app.state.desk
    return state


async def _give_state(request: Request) -> State:
    """get_state without a thread: FastAPI would run a plain function in one."""
    return get_state(request)


DeskState = Annotated[State, Depends(_give_state)]  # what a page asks for in its signature
