"""What is done with the shared copy of the content (bot/content/shared_copy.py): one act at a time,
from the desk as a process of its own, which nobody waits for and which ends in time.

`var/` keeps how the last act ended, and when the shared copy was last looked at."""

import contextlib
import dataclasses
import datetime
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine

from bot.content import articles, shared_copy, wording
from bot.content.git_commands import Author
from bot.domain.faults import Fault
from bot.runtime import settings
from bot.runtime.job_process import STOP_SECONDS
from bot.runtime.settings import Settings
from bot.store import accounts
from bot.store.engine import StoreDown

logger = logging.getLogger(__name__)
SECONDS = 300  # that an act may take, of which another machine's answer has 60
NICENESS = 2  # of its process: a visitor's message goes first
LOOK_SECONDS = 300  # after which a page has the shared copy looked at again
PATIENCE = 5  # tries at the lock
MOST_DETAIL = 200  # signs of a sentence that stand in the log
BROKEN_OFF = (
    "It was broken off: it took too long, or this service ended meanwhile. Nothing is half done; "
    "try again."
)
FAILED = "It could not be done. Ask who runs this site to look into this service's log."


class Busy(RuntimeError):
    """Another act is under way."""


class Kind(StrEnum):
    """What is done: to look what is there, to send, or to fetch."""

    LOOK = "look"
    SEND = "send"
    FETCH = "fetch"


class State(StrEnum):
    """How an act stands or ended."""

    UNDER_WAY = "under way"
    DONE = "done"
    REFUSED = "refused"
    DIFFERS = "differs"
    FAULTY = "faulty"


@dataclass(frozen=True)
class Act:
    """One act. `said`: how it ended, as a sentence; `faults`: those of what would have been
    fetched; `seen`, `choices`: as shared_copy.fetch takes them."""

    kind: Kind
    person: str
    email: str | None = None
    seen: tuple[str, str] | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    state: State = State.UNDER_WAY
    said: str = ""
    faults: tuple[Fault, ...] = ()
    at: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))


def begin_act(config: Settings, act: Act) -> None:
    """Begin an act as a process of its own; raises Busy."""
    with _held(config) as lock:
        _write(config, act)
        process = subprocess.Popen(
            [
                *("nice", "-n", str(NICENESS), sys.executable, "-m", "bot"),
                *("content", act.kind, "--job"),
            ],
            cwd=settings.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # what git said stands in this service's log
            pass_fds=[lock.fileno()],  # it holds the lock until it ends, however that is
            start_new_session=True,  # a group of its own, which ends as a whole
            env={
                **os.environ,
                **settings.settings_environment(config),
                "SECRET": settings.site_secret(config),
            },
        )
    threading.Thread(target=_see_off, args=(process,), daemon=True).start()


def _see_off(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of an act's process, and end it where it takes too long."""
    with process:  # its standard input stays open until it has ended
        for seconds, end in ((SECONDS, signal.SIGTERM), (STOP_SECONDS, signal.SIGKILL)):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, end)  # not waited for yet, so that it is there


def finish_act(config: Settings, engine: Engine, kind: Kind) -> None:
    """Do what `begin_act` began, in the process that holds its lock."""
    found = _read(config, kind)
    if found:
        _do(config, engine, found)


def do_act(config: Settings, engine: Engine, act: Act) -> Act:
    """Do an act in this process; as it ended. Raises Busy."""
    with _held(config):
        _write(config, act)
        return _do(config, engine, act)


def read_act(config: Settings, *kinds: Kind) -> Act | None:
    """The last act of these kinds; None where there was none."""
    acts = [found for kind in kinds if (found := _read(config, kind))]
    newest = max(acts, key=lambda act: act.at, default=None)
    if newest and newest.state == State.UNDER_WAY and not is_busy(config):
        newest = _read(config, newest.kind) or newest  # it may have ended just now
        if newest.state == State.UNDER_WAY:
            return dataclasses.replace(newest, state=State.REFUSED, said=BROKEN_OFF)
    return newest


def is_busy(config: Settings) -> bool:
    """Whether an act is under way, whichever process does it."""
    try:
        with _held(config):
            return False
    except Busy:
        return True


def look_again(config: Settings, person: str) -> None:
    """Have the shared copy looked at behind a page, where it was last asked some time ago."""
    last = read_act(config, *Kind)
    now = datetime.datetime.now(datetime.UTC)
    if last is None or (now - last.at).total_seconds() > LOOK_SECONDS:
        with contextlib.suppress(Busy):
            begin_act(config, Act(Kind.LOOK, person))


def _do(config: Settings, engine: Engine, act: Act) -> Act:
    """Do an act, and keep how it ended, with a line of the log; the lock is held."""
    ended = dataclasses.replace(act, state=State.REFUSED, said=BROKEN_OFF)
    try:
        ended = _try(config, act)
    except Exception:
        ended = dataclasses.replace(act, state=State.REFUSED, said=FAILED)
        raise
    finally:
        ended = dataclasses.replace(ended, at=datetime.datetime.now(datetime.UTC))
        _write(config, ended)
        _record(engine, ended)
    return ended


def _try(config: Settings, act: Act) -> Act:
    """The act as it ended."""
    try:
        said = _perform(config, act)
    except articles.ContentError as error:
        count = wording.counted(len(error.faults), "fault")
        said = f"What is there was not fetched: with it the content would have {count}."
        return dataclasses.replace(act, state=State.FAULTY, said=said, faults=tuple(error.faults))
    except shared_copy.Differs as error:
        return dataclasses.replace(act, state=State.DIFFERS, said=str(error))
    except shared_copy.Refused as error:
        return dataclasses.replace(act, state=State.REFUSED, said=str(error))
    return dataclasses.replace(act, state=State.DONE, said=said)


def _perform(config: Settings, act: Act) -> str:
    """Do an act; what it did, as a sentence. Raises shared_copy.Refused, articles.ContentError."""
    if act.kind == Kind.LOOK:
        shared_copy.look(config)
        return ""
    if act.kind == Kind.SEND:
        sent = shared_copy.send(config)
        return f"{wording.counted(sent, 'change was', 'changes were')} sent."
    fetched = shared_copy.fetch(config, Author(act.person, act.email), act.seen, act.choices)
    if not fetched:
        return "There was nothing to fetch."
    counted = wording.counted(fetched, "change was", "changes were")
    return f"{counted} fetched. Visitors get them once they are published."


def _record(engine: Engine, act: Act) -> None:
    """Write into the audit log how an act ended; who looks is not noted."""
    if act.kind == Kind.LOOK:
        return
    done = {Kind.SEND: "sent to", Kind.FETCH: "fetched from"}
    failed = {Kind.SEND: "could not send to", Kind.FETCH: "could not fetch from"}
    words = done if act.state == State.DONE else failed
    try:
        detail = act.said[:MOST_DETAIL]
        accounts.record_action(engine, act.person, words[act.kind], "the shared copy", detail)
    except StoreDown as error:
        logger.error("the log does not hold that %s %s: %s", act.person, words[act.kind], error)


@contextlib.contextmanager
def _held(config: Settings) -> Iterator[IO[str]]:
    """The lock that an act holds; raises Busy where another has it."""
    folder = config.path("var")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "shared_copy.lock").open("w") as lock:
        for _ in range(PATIENCE):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.02)  # a page that only looks whether it is held lets it go at once
        else:
            raise Busy()
        yield lock


def _write(config: Settings, act: Act) -> None:
    faults = [fault.as_dict() for fault in act.faults]
    kept = {**dataclasses.asdict(act), "faults": faults, "at": act.at.isoformat()}
    articles.save_text(_path(config, act.kind), json.dumps(kept))


def _read(config: Settings, kind: Kind) -> Act | None:
    """The last act of a kind, as it is kept; None where none can be read."""
    try:
        kept: dict[str, Any] = json.loads(_path(config, kind).read_text(encoding="utf-8"))
        return Act(
            **{
                **kept,
                "kind": Kind(kept["kind"]),
                "state": State(kept["state"]),
                "seen": tuple(kept["seen"]) if kept["seen"] else None,
                "faults": tuple(map(Fault.from_dict, kept["faults"])),
                "at": datetime.datetime.fromisoformat(kept["at"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(config: Settings, kind: Kind) -> Path:
    return config.path("var") / f"shared_copy_{kind}.json"
