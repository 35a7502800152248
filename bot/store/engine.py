"""The database itself: connected, migrated, pinged, scrubbed; and a transaction on it."""

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import sqlalchemy
from sqlalchemy import (
    CursorResult,
    Engine,
    Select,
    UpdateBase,
    event,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATIONS = Path(__file__).with_name("migrations")
WAIT_SECONDS = 2  # for a locked or distant database
# of one gateway: of the threads for all but the next two, that read conversations, that store
# dangers
THREADS, READING, URGENT = 16, 2, 4
CONNECTIONS = THREADS + READING + URGENT
NAMED = dict.fromkeys(
    ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "DiskFull"),
    "; its disk is full: make room and start again",
)


class StoreDown(RuntimeError):
    """The database can't be reached, or failed at what was asked of it."""


def connect_database(url: str) -> Engine:
    """An engine for a database address; SQLite in WAL mode, with foreign keys."""
    if url.startswith("sqlite"):
        engine = sqlalchemy.create_engine(
            url,
            pool_timeout=WAIT_SECONDS,
            max_overflow=CONNECTIONS - 5,  # beyond the five that are kept
            connect_args={"timeout": WAIT_SECONDS},
        )
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    return sqlalchemy.create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=WAIT_SECONDS,
        pool_size=CONNECTIONS,
        max_overflow=0,
        connect_args={
            "connect_timeout": WAIT_SECONDS,
            "tcp_user_timeout": WAIT_SECONDS * 1000,
            "options": f"-c idle_in_transaction_session_timeout={WAIT_SECONDS * 5000}",
        },
    )


def migrate_database(url: str) -> None:
    """Bring the database at `url` to the newest form, making it where there is none; raises
    StoreDown, also for a newer one."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    try:
        with _named_errors():
            command.upgrade(config, "head")
    except CommandError as error:
        newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        raise StoreDown(
            f"the database is newer than this code, which knows its form up to {newest}: run the "
            f"version that made it, "
            "or restore a backup of before"
        ) from error


def read_revision(engine: Engine) -> tuple[str | None, str | None]:
    """(the form that the database has, None where it is empty; the newest that this code knows);
    raises StoreDown."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with _named_errors(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision(), ScriptDirectory(
            str(MIGRATIONS)
        ).get_current_head()


def scrub_files(engine: Engine) -> None:
    """Leave no deleted text in an SQLite database's files; other databases do it themselves
    ("vacuum").

    `secure_delete` alone doesn't: pages that were split keep stale copies of their rows.
    """
    if engine.dialect.name != "sqlite":
        return
    with (
        _named_errors(),
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        # it keeps writers out while it waits for readers
        connection.exec_driver_sql("PRAGMA busy_timeout=200")
        try:
            connection.exec_driver_sql("VACUUM")
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")
    engine.dispose()  # what its connections have read stays in their memory
    if busy:
        raise StoreDown("the database is in use; its write-ahead log could not be emptied")


def ping_database(engine: Engine) -> None:
    """Nothing, or StoreDown."""
    with transaction(engine) as session:
        session.execute(select(1))


def count_rows(session: Session, counting: Select[int]) -> int:
    return session.execute(counting).scalar_one()


def change_rows(session: Session, change: UpdateBase) -> int:
    """How many rows an update or a deletion found."""
    # a session runs them with a cursor, whose result is declared by its base class alone
    return cast("CursorResult[Any]", session.execute(change)).rowcount


@contextlib.contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    with _named_errors(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        name = getattr(cause, "sqlite_errorname", None) or type(cause or error).__name__
        raise StoreDown(f"the database failed: {name}{NAMED.get(name, '')}") from error


def _set_up_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
