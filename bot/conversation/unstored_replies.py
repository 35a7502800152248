"""What visitors were told while the database failed: "answered and not stored", the ending of a
danger that can't wait for it. A small private journal on this machine keeps it until the database
is back, so that the ending becomes "answered and stored" after all.

A line is a message, masked, with its reply. Where the journal is full or can't be written, a line
of the log says so, and the answer has been given all the same."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client import Counter
from sqlalchemy import Engine

from bot.content.reply_model import ReplyBody
from bot.domain.messages import IncomingMessage
from bot.domain.reply_kinds import ReplyKind
from bot.runtime import settings
from bot.store import stored_turns

logger = logging.getLogger(__name__)
NAME = "unstored.jsonl"
LARGEST = 1_000_000  # bytes: some thousand messages
NOTE_SECONDS = 0.25  # that a visitor waits for the disk
# threads of its own: those of the database are all busy with one that hangs
_writer = ThreadPoolExecutor(1, thread_name_prefix="unstored")
_moving = threading.Lock()
LOST = Counter(
    "pamphlet_unstored_lost",
    "Messages that were answered without the database and can't be stored later either.",
)


async def note_reply(config: settings.Settings, message: IncomingMessage, reply: ReplyBody) -> None:
    """Write down what was told to a masked message, unless it was a refusal; raises nothing, and
    takes no longer than NOTE_SECONDS."""
    if reply["kind"] == ReplyKind.UNAVAILABLE:
        return
    entry = {
        "conversation": stored_turns.hash_token(message.token),
        "message": message.id,
        "text": message.text,
        "country": message.country,
        "at": datetime.datetime.now(datetime.UTC).isoformat(),
        "reply": reply,
    }
    work = asyncio.get_running_loop().run_in_executor(_writer, _write, journal_path(config), entry)
    try:
        await asyncio.wait_for(asyncio.shield(work), NOTE_SECONDS)
    except TimeoutError:
        logger.error("the disk is slow: an answer is given before it is in the journal")


def journal_path(config: settings.Settings) -> Path:
    """Where the journal is."""
    return config.path("var") / NAME


def _write(path: Path, entry: object) -> None:
    # a blank line before it: the line before may have been cut off by a full disk
    line = f"\n{json.dumps(entry)}\n".encode()
    try:
        with _moving, open(path, "ab", opener=_open_privately) as file:
            if file.tell() + len(line) > LARGEST:
                raise OSError(f"it holds {LARGEST:,} bytes already")
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        LOST.inc()
        logger.error(
            "an answer that was given is stored nowhere: %s can't be written (%s)",
            path,
            error.strerror or error,
        )


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def store_all(config: settings.Settings, engine: Engine) -> int:
    """Store what is in the journal, and empty it; how many messages. Raises stored_turns.StoreDown,
    and
    then all of it is tried again: to store a message twice is to store it once."""
    return await asyncio.to_thread(_store_all, config, engine)


def _store_all(config: settings.Settings, engine: Engine) -> int:
    path = journal_path(config)
    taken = path.with_suffix(".storing")
    if not taken.exists():
        if not path.exists():
            return 0
        with _moving:
            os.replace(path, taken)
    kept = [entry for entry in _entries(taken) if _is_of_late(config, entry)]
    stored = sum(stored_turns.keep_unstored(engine, entry) for entry in kept)
    taken.unlink()
    return stored


def _entries(path: Path) -> list[stored_turns.UnsavedReply]:
    found: list[stored_turns.UnsavedReply] = []
    for line in path.read_bytes().splitlines():
        try:
            if line:
                found.append(json.loads(line))
        except ValueError:
            logger.error("a line of %s was cut off, and is left out", path)
    return found


def _is_of_late(config: settings.Settings, entry: stored_turns.UnsavedReply) -> bool:
    return datetime.datetime.fromisoformat(entry["at"]) > config.kept_since()


def count_waiting(config: settings.Settings) -> int:
    """How many messages wait in the journal."""
    path = journal_path(config)
    return sum(
        sum(1 for line in each.read_bytes().splitlines() if line)
        for each in (path, path.with_suffix(".storing"))
        if each.exists()
    )
