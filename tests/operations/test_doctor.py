"""`bot doctor`: what it says of a sound machine and of broken ones, and that it changes nothing."""

import importlib.metadata
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.operations import doctor
from bot.runtime import settings
from bot.store import engine as store_engine
from tests.support import servers

ROOT = Path(__file__).resolve().parents[2]
SECRET = settings.site_secret(settings.read_settings())


def examine(folder, **environment):
    """(exit code, {what: its lines}) of `bot doctor` on a machine whose own files are in
    `folder`."""
    given = {
        "VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/test.db",
        "SECRET": SECRET,
        "PORT": str(servers.free_port()),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot", "doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **given},
        timeout=120,
    )
    assert done.stderr == ""
    found = {}
    for line in done.stdout.splitlines()[:-1]:
        state, _, rest = line.partition(" ")
        what, _, said = rest.strip().partition(": ")
        found.setdefault(what, []).append((state, said))
    return done.returncode, found


def mended(found):
    return {what for what, lines in found.items() if "mend" in {state for state, _ in lines}}


def test_a_sound_machine_has_nothing_to_mend_and_stays_as_it_is(tmp_path):
    code, found = examine(tmp_path)
    assert (code, mended(found)) == (0, set()), found
    assert set(found) == {
        "Python",
        "Rasa",
        "encoder",
        "release",
        "danger net",
        "COUNTRY",
        "database",
        "Redis",
        "mail",
        "disk",
        "memory",
        "files",
        "port",
        "PUBLIC_URL",
        "ALLOWED_ORIGINS",
        "secrets",
    }
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_broken_is_named_at_once_and_no_password_is_shown(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        code, found = examine(
            tmp_path,
            PORT=str(taken.getsockname()[1]),
            MODELS=str(tmp_path / "models"),
            VAR="/proc/nowhere",
            DATABASE_URL="postgresql+psycopg://ann:qqcanary@127.0.0.1:1/none",
            REDIS_URL="redis://:qqcanary@127.0.0.1:1/0",
            RASA_PROCESSES="100000",
            PUBLIC_URL="http://chat.example.org",
            SECRET="qqcanary",
            METRICS_TOKEN="a" * 40,
            WEBHOOK_SECRET="whsec_qqcanary",
        )
    assert code == 1 and "qqcanary" not in str(found)
    assert mended(found) == {
        "encoder",
        "release",
        "database",
        "Redis",
        "disk",
        "memory",
        "port",
        "PUBLIC_URL",
        "secrets",
    }
    said = {what: " ".join(line for _, line in lines) for what, lines in found.items()}
    for what, mend in {
        "encoder": "bot encoder build",
        "release": "bot prepare",
        "database": "DATABASE_URL",
        "Redis": "REDIS_URL",
        "disk": "/proc",
        "memory": "RASA_PROCESSES",
        "port": "set PORT",
        "PUBLIC_URL": "not https",
    }.items():
        assert mend in said[what], (what, said[what])
    assert [line.split(" ")[0] for state, line in found["secrets"] if state == "mend"] == [
        "SECRET",
        "METRICS_TOKEN",
        "WEBHOOK_SECRET",
    ]


def test_another_rasa_and_a_package_it_was_never_tried_with_are_named(monkeypatch):
    known = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "99.1" if name == "sanic" else known(name)
    )
    assert [state for state, _ in doctor._look_rasa(None)] == ["notice"] and "sanic 99.1" in list(
        doctor._look_rasa(None)
    )[0][1]
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "3.7.0" if name == "rasa" else known(name)
    )
    ((state, said),) = doctor._look_rasa(None)
    assert state == "mend" and "rasa 3.7.0" in said and "make install" in said


def test_a_release_that_another_site_signed_is_named(tmp_path):
    code, found = examine(tmp_path, SECRET="of another site: 0123456789abcdef")
    assert (
        code == 1
        and mended(found) == {"release"}
        and "not signed by this site" in found["release"][0][1]
    )


def test_a_secret_that_others_can_read_and_a_public_port_without_https_are_named(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    code, found = examine(tmp_path, SECRET="", HOST="0.0.0.0")
    assert code == 1 and mended(found) == {"secrets", "PUBLIC_URL"}
    assert "chmod 600" in found["secrets"][0][1]


@pytest.mark.parametrize(("revision", "state"), [("0001", "notice"), ("9999", "mend")])
def test_a_database_of_another_version_is_named(address, revision, state, tmp_path):
    store_engine.migrate_database(address)
    engine = store_engine.connect_database(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"update alembic_version set version_num = '{revision}'")
    engine.dispose()
    code, found = examine(tmp_path, DATABASE_URL=address)
    assert found["database"][0][0] == state and revision in found["database"][0][1]
    assert code == (state == "mend")


@pytest.mark.parametrize(
    ("files", "state"), [(511, "mend"), (512, "notice"), (4095, "notice"), (4096, "ok")]
)
def test_how_many_files_may_be_open_is_looked_at(monkeypatch, files, state):
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda which: (files, files))
    found = {
        what: (state, said)
        for state, what, said in doctor.examine_machine(settings.read_settings())
    }
    assert found["files"][0] == state
    assert str(files) in found["files"][1]


def test_a_port_that_a_gateway_serves_is_no_fault(service, tmp_path):
    _, found = examine(tmp_path, PORT=service.url.rpartition(":")[2])
    assert found["port"] == [
        ("ok", f"{service.url.rpartition(':')[2]} of 127.0.0.1 is served by a gateway already")
    ]


def test_lines_of_the_sites_country_that_no_person_has_checked_are_named(tmp_path):
    code, found = examine(tmp_path, COUNTRY="ch")
    [(state, said)] = found["COUNTRY"]
    assert (code, state) == (0, "notice")
    assert said.startswith("CH: within a year no person has checked ")
    assert "Tox Info Suisse 145 (funded to the middle of 2026" in said
    [(state, said)] = examine(tmp_path)[1]["COUNTRY"]
    assert (state, "112, 911 and 999" in said) == ("notice", True)


def test_a_country_without_lines_is_to_be_mended(tmp_path):
    code, found = examine(tmp_path, COUNTRY="TD")
    assert "COUNTRY" in mended(found) and code
    assert "add the country to data/emergency_numbers.yml" in found["COUNTRY"][0][1]


def test_what_is_no_country_is_refused_with_what_to_write(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bot", "doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COUNTRY": "England"},
        timeout=120,
    )
    assert done.returncode == 1
    assert "COUNTRY='England' can't be used: write the two letters of ISO 3166" in done.stderr
