"""A backup of a site while it serves: the database, the live release, the content and the site's
secret. docs/operations.md restores it."""

import contextlib
import datetime
import os
import shutil
import sqlite3
import subprocess
import tarfile
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from bot.releases import registry
from bot.runtime.settings import Settings

FORM = "%Y%m%d-%H%M%S"


class BackupError(RuntimeError):
    """A backup can't be made; the message says why, and what to do."""


def make_backup(config: Settings, folder: str | Path) -> Path:
    """Make `folder`/<time>/ with database.db (SQLite) or database.dump (PostgreSQL) and
    site.tar.gz; the path. Raises BackupError.

    Whole or not at all. Those older than RETENTION_DAYS are deleted: they hold what visitors wrote.
    """
    folder = Path(folder).resolve()
    now = datetime.datetime.now(datetime.UTC)
    made, beside = folder / now.strftime(FORM), folder / f".{now.strftime(FORM)}"
    if made.exists():
        raise BackupError(f"{made} is there already; wait a second")
    beside.mkdir(mode=0o700, parents=True)
    try:
        url = make_url(config.database())
        _dump_postgresql(url, beside / "database.dump") if url.drivername.startswith(
            "postgresql"
        ) else _copy_sqlite(url.database, beside / "database.db")
        _pack(config, beside / "site.tar.gz")
        os.rename(beside, made)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _forget(folder, config.kept_since())
    return made


def _copy_sqlite(file: str | None, into: Path) -> None:
    if not file or not Path(file).exists():
        raise BackupError(f"{file or 'its file'} is missing; is DATABASE_URL right?")
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=30)) as database:
            # a whole state of it, however much is written meanwhile
            database.execute("vacuum into ?", (str(into),))
    except sqlite3.Error as error:
        raise BackupError(f"{file} can't be copied: {error}") from error


def _dump_postgresql(url: URL, into: Path) -> None:
    names = {
        "PGHOST": url.host or ",".join(url.normalized_query.get("host", ())),
        "PGPORT": str(url.port or "") or ",".join(url.normalized_query.get("port", ())),
        "PGUSER": url.username,
        # arguments can be read by anybody on the machine
        "PGDATABASE": url.database,
        "PGPASSWORD": url.password,
    }
    try:
        done = subprocess.run(
            ["pg_dump", "--format=custom", f"--file={into}"],
            capture_output=True,
            text=True,
            env={**os.environ, **{name: value for name, value in names.items() if value}},
        )
    except FileNotFoundError:
        raise BackupError(
            "pg_dump is missing; install PostgreSQL's client: apt-get install postgresql-client"
        ) from None
    if done.returncode:
        raise BackupError(f"pg_dump failed: {done.stderr.strip()}")


def _pack(config: Settings, into: Path) -> None:
    with tarfile.open(into, "x:gz") as tar:
        if id := registry.live_release(config):
            tar.add(config.path("models") / "live", "models/live")
            tar.add(registry.folder_of(config, id), f"models/releases/{id}")
        if config.path("data").is_dir():
            tar.add(config.path("data"), "data")
        if not config.secret and (secret := config.path("var") / "secret").exists():
            tar.add(secret, "secret")


def _forget(folder: Path, before: datetime.datetime) -> None:
    for old in folder.iterdir():
        with contextlib.suppress(ValueError):  # something else of the operator's
            if datetime.datetime.strptime(old.name, FORM).replace(tzinfo=datetime.UTC) < before:
                shutil.rmtree(old)
