"""`bot backup` of a site that serves, and the restoring of docs/operations.md, step by step as it
stands there."""

import datetime
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import conftest
import httpx
import pytest

from bot.domain.messages import IncomingMessage
from bot.releases import registry
from bot.runtime import settings
from bot.store import engine as store_engine
from bot.store import stored_turns

ROOT = Path(__file__).resolve().parents[2]


def backup(folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bot", "backup", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


def made(folder, **environment):
    """The path of a new backup."""
    done = backup(folder, **environment)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def restore(place, programs, **parts):
    """Run the commands of the page's Restore that name these programs, with `parts` in place of
    what stands for them."""
    page = (
        (ROOT / "docs/operations.md")
        .read_text()
        .partition("\n## Restore\n")[2]
        .partition("\n## ")[0]
    )
    for command in re.findall(r"^    (\S.*)$", page, re.MULTILINE):
        if command.split()[0] in programs:
            command = re.sub(
                r"\b(BACKUP|DATABASE)\b",
                lambda found: f"'{parts[found[1]]}'",
                command.replace("/var/lib/pamphlet", str(place)),
            )
            subprocess.run(["sh", "-ec", command], check=True)


def test_a_site_that_serves_is_backed_up_whole_and_stands_again_elsewhere(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "secret").write_text(settings.site_secret(settings.read_settings()))
    models, end, stored = (
        conftest.republish(first / "models", lambda data: None),
        threading.Event(),
        [],
    )
    shutil.copytree(ROOT / "data", first / "data")
    given = {"MODELS": str(models), "DATA": str(first / "data"), "SECRET": ""}
    with conftest.serving(first, **given) as service:
        token = service.open()
        (reply,) = service.ask("can myoclonus be prevented", token)

        def go_on_asking():
            while not end.is_set():
                stored.append(
                    service.post(token, {"id": uuid.uuid4().hex, "text": "hello"}).status_code
                )

        asking = threading.Thread(target=go_on_asking)
        asking.start()
        try:
            path = made(tmp_path / "backups", DATABASE_URL=service.address, VAR=str(first), **given)
        finally:
            end.set()
            asking.join()
        assert set(stored) == {200}
    assert path.stat().st_mode & 0o077 == 0 and [each.name for each in path.parent.iterdir()] == [
        path.name
    ]
    shutil.rmtree(first)
    second.mkdir()
    restore(second, ("rm", "cp", "tar"), BACKUP=path)
    (second / "models/encoder").symlink_to(settings.read_settings().path("models") / "encoder")
    shutil.move(second / "pamphlet.db", second / "test.db")
    with conftest.serving(
        second, MODELS=str(second / "models"), DATA=str(second / "data"), SECRET=""
    ) as service:
        turns = httpx.get(
            f"{service.url}/api/messages", headers={"Authorization": f"Bearer {token}"}
        ).json()["turns"]
        assert turns[0]["replies"] == [reply]
        assert service.ask("what causes myoclonus", token)[0]["question"] == "myoclonus.causes"
        assert (second / "data/articles/myoclonus.md").read_bytes() == (
            ROOT / "data/articles/myoclonus.md"
        ).read_bytes()


def test_a_database_on_postgresql_is_dumped_and_restored_over_a_broken_one(postgresql, tmp_path):
    address = postgresql.make("backed")
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    _, token, _ = stored_turns.open_conversation(engine, "web", 24)
    accepted = stored_turns.accept_message(engine, IncomingMessage(token, "m", 24, "what was said"))
    reply = {"id": "r", "kind": "answer", "text": "and answered"}
    stored_turns.finish_turn(engine, accepted, stored_turns.TurnEnd([reply], "answer", {}))
    path = made(tmp_path, DATABASE_URL=address)
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from replies")
        connection.exec_driver_sql("drop table votes")
    engine.dispose()
    restore(tmp_path, ("pg_restore",), BACKUP=path, DATABASE=address.replace("+psycopg", ""))
    [turn] = stored_turns.read_turns(engine, token)
    assert (turn["text"], turn["replies"][0]["text"]) == ("what was said", "and answered")
    assert store_engine.read_revision(engine)[0] == store_engine.read_revision(engine)[1]
    engine.dispose()


def test_old_backups_go_and_what_is_no_backup_stays(tmp_path):
    address = f"sqlite:///{tmp_path}/test.db"
    store_engine.migrate_database(address)
    now = datetime.datetime.now(datetime.UTC)
    for days in (2, 9):
        (tmp_path / "backups" / f"{now - datetime.timedelta(days=days):%Y%m%d-%H%M%S}").mkdir(
            parents=True
        )
    (tmp_path / "backups/notes").mkdir()
    path = made(tmp_path / "backups", DATABASE_URL=address, RETENTION_DAYS="7")
    left = sorted(each.name for each in (tmp_path / "backups").iterdir())
    assert (
        len(left) == 3
        and {path.name, "notes"} < set(left)
        and registry.live_release(settings.read_settings())
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:////nonexistent/x.db", "is missing; is DATABASE_URL right?"),
        ("sqlite://", "is missing; is DATABASE_URL right?"),
        ("postgresql+psycopg://ann:qqcanary@127.0.0.1:1/none", "pg_dump failed"),
        ("postgresql+psycopg:///none?host=127.0.0.1&host=::1&port=1&port=1", "pg_dump failed"),
    ],
)
def test_a_backup_that_cant_be_made_leaves_nothing_and_says_why(address, said, tmp_path):
    done = backup(tmp_path / "backups", DATABASE_URL=address)
    assert (
        done.returncode == 1
        and said in done.stderr
        and "Traceback" not in done.stderr
        and "qqcanary" not in done.stderr
    )
    assert list((tmp_path / "backups").iterdir()) == []
