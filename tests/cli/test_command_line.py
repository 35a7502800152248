"""The command line as people and programs use it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import conftest
import pytest

from bot.runtime import settings
from bot.store import engine as store_engine

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, input=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input=input,
        env={**os.environ, **environment},
        timeout=150,
    )


def test_alone_it_lists_its_verbs():
    done = run()
    assert done.returncode == 0
    for verb in ("run", "ask", "check", "train", "publish", "rollback"):
        assert f"    {verb} " in done.stdout


def test_ask_prints_an_answer_for_a_person(service):
    done = run(
        "ask", "--url", service.url, "--article", "myoclonus", "can", "myoclonus", "be", "prevented"
    )
    assert done.returncode == 0, done.stderr
    assert "Can myoclonus be prevented?" in done.stdout
    assert "Not yet reviewed by a clinician" in done.stdout and "https://" in done.stdout


def test_ask_json_prints_one_object_a_line_in_order(service):
    lines = [
        "can myoclonus be prevented",
        '{"conversation": "a", "text": "what is clonazepam for"}',
        "",
        "can migraine be prevented",
        '{"text": "hello"}',
        '{"not": "a message"}',
    ]
    done = run("ask", "--json", "--url", service.url, input="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == [
        "can myoclonus be prevented",
        "what is clonazepam for",
        "can migraine be prevented",
        "hello",
        '{"not": "a message"}',
    ]
    assert [answer["replies"][0]["kind"] for answer in answers[:4]] == [
        "answer",
        "answer",
        "not_covered",
        "talk",
    ]
    assert set(answers[0]) == {"text", "replies"} and answers[1]["conversation"] == "a"
    assert done.returncode == 0, done.stderr


def test_ask_json_says_which_line_could_not_be_taken_and_goes_on(service):
    done = run("ask", "--json", "--url", service.url, input="x" * 2001 + "\nhello\n")
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["replies"] == [] and "too long" in first["error"]
    assert second["replies"][0]["kind"] == "talk"
    assert done.returncode == 1


def test_ask_starts_a_service_for_itself_where_none_runs(tmp_path):
    done = run(
        "ask",
        "hello",
        PORT=str(free_port()),
        DATABASE_URL=f"sqlite:///{tmp_path}/t.db",
        VAR=str(tmp_path),
        SECRET=settings.site_secret(settings.read_settings()),
    )
    assert done.returncode == 0, done.stderr
    assert "What would you like to know" in done.stdout


@pytest.mark.parametrize(
    ("environment", "verb", "said"),
    [
        ({"PORT": "abc"}, "settings", "PORT='abc' can't be used"),
        ({"PORT": "-1"}, "settings", "PORT='-1' can't be used"),
        ({"MODELS": "/nonexistent/models"}, "serve", "no release is published"),
        ({"DATABASE_URL": "sqlite:////dev/null/x.db"}, "serve", "/dev/null"),
        ({"DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}, "serve", "database"),
    ],
)
def test_a_wrong_environment_is_one_line_that_names_it(environment, verb, said, tmp_path):
    given = {
        "PORT": str(free_port()),
        "VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/t.db",
        "SECRET": settings.site_secret(settings.read_settings()),
        **environment,
    }
    done = run(verb, **given)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_one_line_that_names_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", PORT=str(port))
    assert done.returncode == 1
    assert (
        f"port {port}" in done.stderr
        and "PORT=" in done.stderr
        and len(done.stderr.strip().splitlines()) == 1
    )


def test_a_missing_encoder_is_one_line_that_names_it(tmp_path):
    models = conftest.republish(tmp_path / "models", lambda data: None)
    (models / "encoder").unlink()
    done = run(
        "serve",
        MODELS=str(models),
        PORT=str(free_port()),
        VAR=str(tmp_path),
        DATABASE_URL=f"sqlite:///{tmp_path}/t.db",
        SECRET=settings.site_secret(settings.read_settings()),
    )
    assert done.returncode == 1
    assert (
        "encoder" in done.stderr
        and "bot encoder build" in done.stderr
        and len(done.stderr.strip().splitlines()) == 1
    )


def test_a_full_disk_is_one_line_that_names_it(tmp_path):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
        "from bot.cli import main; sys.exit(main.main(['retention']))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/t.db"},
    )
    assert done.returncode == 1
    assert "disk is full: make room" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_database_of_a_newer_version_is_one_line_that_says_so(address):
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    engine.dispose()
    done = run("retention", DATABASE_URL=address)
    assert done.returncode == 1
    assert (
        "newer than this code" in done.stderr
        and "backup" in done.stderr
        and len(done.stderr.strip().splitlines()) == 1
    )


@pytest.mark.parametrize("damage", ["archive", "manifest", "signature", "content"])
def test_a_release_that_was_changed_is_refused(tmp_path, damage):
    import shutil

    config = settings.read_settings()
    live = (config.path("models") / "live").read_text().strip()
    models = tmp_path / "models"
    (models / "releases").mkdir(parents=True)
    (models / "encoder").symlink_to(config.path("models") / "encoder")
    folder = Path(
        shutil.copytree(config.path("models") / "releases" / live, models / "releases" / live)
    )
    (models / "live").write_text(live)
    file = {
        "archive": "model.tar.gz",
        "manifest": "manifest.json",
        "signature": "manifest.sig",
        "content": "data/texts.yml",
    }[damage]
    with (folder / file).open("ab") as opened:
        opened.write(b"0")
    done = run(
        "serve",
        MODELS=str(models),
        PORT=str(free_port()),
        VAR=str(tmp_path),
        DATABASE_URL=f"sqlite:///{tmp_path}/t.db",
        SECRET=settings.site_secret(config),
    )
    assert done.returncode == 1
    assert "signed" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
