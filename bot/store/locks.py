"""Which gateway has a conversation's word, where several share a database: PostgreSQL's advisory
locks.

A gateway holds its locks on one connection of its own. The database takes them back when that ends,
however it ended, so that they need no clock. SQLite serves one gateway, which serialises its
conversations itself."""

import contextlib
import hashlib
import threading
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.store.engine import StoreDown


@dataclass
class Locks:
    """The locks of one gateway."""

    engine: Engine
    connection: Connection | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)


def open_locks(engine: Engine) -> Locks | None:
    """The Locks of this gateway; None where the database is SQLite."""
    return Locks(engine) if engine.dialect.name == "postgresql" else None


def hold_lock(locks: Locks, conversation: str) -> bool:
    """Whether the conversation's lock could be had; raises StoreDown."""
    return _call(locks, "select pg_try_advisory_lock(:key)", conversation, attempts=2)


def give_lock_back(locks: Locks, conversation: str) -> None:
    """Let the next gateway have the conversation; where the connection was lost, it has it
    already."""
    with contextlib.suppress(StoreDown):
        _call(locks, "select pg_advisory_unlock(:key)", conversation, attempts=1)


def _call(locks: Locks, statement: str, conversation: str, attempts: int) -> bool:
    key = int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:8], signed=True)
    with locks.guard:
        while True:
            attempts -= 1
            try:
                if locks.connection is None:
                    locks.connection = locks.engine.connect().execution_options(
                        isolation_level="AUTOCOMMIT"
                    )
                return bool(locks.connection.execute(text(statement), {"key": key}).scalar())
            except SQLAlchemyError as error:
                if locks.connection:
                    locks.connection.invalidate()
                    locks.connection.close()
                    locks.connection = None
                if not attempts:
                    raise StoreDown(f"the database failed: {type(error).__name__}") from error
