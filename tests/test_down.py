"""What a visitor gets when something behind the gateway is down, hangs or breaks; and that it comes back."""

import os
import signal
import time
import uuid

import httpx
import pytest

PATIENCE = 5.0  # seconds in which a visitor must have a reply


def ask(service, token, text="can myoclonus be prevented"):
    """(reply, seconds) of one message."""
    begun = time.monotonic()
    answer = service.post(token, {"id": uuid.uuid4().hex, "text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()["replies"][0], time.monotonic() - begun


def outcomes(service):
    return [row[0] for row in service.rows("select outcome from turns order by id")]


@pytest.mark.parametrize("victim", ["rasa", "actions"])
def test_a_hanging_process_makes_it_unavailable_within_5_s_and_the_message_stays_stored(own_service, victim):
    token = own_service.open()
    pid = own_service.children()[victim]
    os.kill(pid, signal.SIGSTOP)
    try:
        reply, seconds = ask(own_service, token)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert reply["kind"] == "unavailable" and seconds < PATIENCE
    assert reply["numbers"][0]["number"]
    assert outcomes(own_service) == ["unavailable"]


@pytest.mark.parametrize("victim", ["rasa", "actions"])
def test_a_killed_process_makes_it_unavailable_and_is_started_again(own_service, victim):
    token = own_service.open()
    os.kill(own_service.children()[victim], signal.SIGKILL)
    reply, seconds = ask(own_service, token)
    assert reply["kind"] == "unavailable" and seconds < PATIENCE
    end = time.monotonic() + 60
    while time.monotonic() < end and reply["kind"] != "answer":
        time.sleep(0.5)
        reply, _ = ask(own_service, token)
    assert reply["kind"] == "answer"


@pytest.mark.parametrize("victim", ["rasa", "actions"])
def test_a_danger_is_answered_with_a_process_down(own_service, victim):
    token = own_service.open(country="GB")
    os.kill(own_service.children()[victim], signal.SIGSTOP)
    reply, seconds = ask(own_service, token, "i want to kill myself")
    os.kill(own_service.children()[victim], signal.SIGCONT)
    assert reply["kind"] == "crisis" and seconds < 1
    assert "116 123" in str(reply["numbers"])


def test_without_a_database_a_danger_is_answered_and_the_rest_is_refused_with_a_sentence(own_service):
    token = own_service.open()
    own_service.rows("drop table turns")
    reply, _ = ask(own_service, token, "i want to kill myself")
    assert reply["kind"] == "crisis"
    reply, _ = ask(own_service, token)
    assert reply["kind"] == "unavailable" and reply["numbers"]
    answer = httpx.get(f"{own_service.url}/api/messages", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503 and answer.json()["error"]["message"]
    assert "Traceback" not in own_service.log.read_text()


def test_an_end_of_the_gateway_leaves_no_process_behind(own_service):
    children = own_service.children()
    assert set(children) == {"rasa", "actions"}
    own_service.process.kill()
    own_service.process.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end and any(_alive(pid) for pid in children.values()):
        time.sleep(0.1)
    assert not any(_alive(pid) for pid in children.values())


def test_it_ends_gracefully(own_service):
    own_service.process.terminate()
    assert own_service.process.wait(15) in (0, -signal.SIGTERM)
    assert "Traceback" not in own_service.log.read_text()


def _alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
