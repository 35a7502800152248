"""Logs as JSON: an object a line from every process, with the number of the turn, and no word of a
visitor."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from conftest import serving

from bot.runtime import settings
from bot.web import app as gateway

PROCESSES = {"gateway", "rasa"}
WORD = "wrenboatlamp"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(
        tmp_path_factory.mktemp("logs"), LOG_FORMAT="json", LOG_LEVEL="debug", METRICS_TOKEN=TOKEN
    ) as made:
        yield made


def read(service):
    """Every line that the service and its processes wrote, as an object."""
    return [json.loads(line) for line in service.log.read_text().splitlines()]


def test_a_turn_is_found_by_its_number_in_every_process(service):
    token = service.open()
    first = service.post(token, {"id": "a", "text": "can myoclonus be prevented"}).json()["turn"]
    second = service.post(token, {"id": "b", "text": "and what causes it"}).json()["turn"]
    for turn in (first, second):
        lines = [line for line in read(service) if line.get("turn") == turn]
        assert {line["process"] for line in lines} == PROCESSES
        said = {
            line["process"]: line["message"]
            for line in lines
            if line["level"] == "info" and line["logger"].split(".")[0] in ("bot", "actions")
        }
        assert said["gateway"].startswith("answer in ") and said["rasa"] == "answered with 1 parts"


def test_every_line_is_an_object_of_the_same_form_whatever_fails(service):
    token = service.open()
    service.ask(f"{WORD} what causes myoclonus", token)
    service.kill_rasa()
    turn = service.post(token, {"id": WORD, "text": f"{WORD} what is botox for"}).json()["turn"]
    service.wait_ready()
    found = read(service)
    assert all(
        {"time", "level", "process", "logger", "message"}
        <= set(line)
        <= {"time", "level", "process", "logger", "message", "turn"}
        and line["process"] in PROCESSES
        for line in found
    )
    assert [
        line["level"]
        for line in found
        if line.get("turn") == turn and line["logger"] == "bot.conversation.turns"
    ] == ["error", "info"]
    assert WORD not in service.log.read_text()


def test_no_secret_stands_in_an_argument_or_a_log(service):
    token = service.open()
    service.ask("hello", token)
    for header in (f"Bearer {TOKEN}", f"Bearer {TOKEN}x"):
        httpx.get(f"{service.url}/metrics", headers={"Authorization": header})
    pids = service.children()
    internal = (
        Path(f"/proc/{pids['rasa']}/environ")
        .read_bytes()
        .partition(b"INTERNAL_SECRET=")[2]
        .partition(b"\0")[0]
        .decode()
    )
    arguments = [
        Path(f"/proc/{pid}/cmdline").read_text() for pid in (service.process.pid, *pids.values())
    ]
    for secret in (token, TOKEN, internal, settings.site_secret(settings.read_settings())):
        assert len(secret) > 20 and secret not in str(arguments) + service.log.read_text()


def test_a_fault_behind_an_invitations_address_leaves_its_token_out_of_the_log(caplog):
    async def fail(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("secret")

    async def drop(message):
        return None

    scope = {"type": "http", "method": "GET", "path": "/editor/invitations/s3cr3t-t0k3n"}
    asyncio.run(gateway.Guard(fail)(scope, None, drop))
    assert "/editor/invitations/…" in caplog.text
    assert "s3cr3t" not in caplog.text and "secret" not in caplog.text
