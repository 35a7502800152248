"""What a visitor gets when something behind the gateway is down, hangs or breaks; and that it comes
back."""

import concurrent.futures
import hashlib
import os
import signal
import sys
import time
import uuid

import conftest
import httpx
import pytest

PATIENCE = 5.0  # seconds in which a visitor must have a reply


def ask(service, token, text="can myoclonus be prevented"):
    """(reply, seconds) of one message."""
    begun = time.monotonic()
    answer = service.post(token, {"id": uuid.uuid4().hex, "text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()["replies"][0], time.monotonic() - begun


@pytest.fixture(scope="module")
def harmed_service(tmp_path_factory):
    with conftest.serving(tmp_path_factory.mktemp("down")) as made:
        yield made


@pytest.fixture
def whole_service(harmed_service):
    """A service that the tests of this file may harm, so that it mends: what was harmed is whole
    again."""
    wait_for_answer(harmed_service, harmed_service.open())
    return harmed_service


def wait_for_answer(service, token):
    """Ask until the answer comes; how many seconds each reply took."""
    took, end = [], time.monotonic() + 60
    while True:
        reply, seconds = ask(service, token)
        took.append(seconds)
        if reply["kind"] == "answer":
            return took
        assert time.monotonic() < end, service.log.read_text()[-3000:]
        time.sleep(0.2)


def outcomes(service, token):
    """How the turns of a conversation ended."""
    return [
        row[0]
        for row in service.rows(
            "select outcome from turns join conversations on conversation = conversations.id "
            "where token_hash = ? order by turns.id",
            hashlib.sha256(token.encode()).hexdigest(),
        )
    ]


def test_a_hanging_rasa_makes_it_unavailable_within_5_s_and_the_message_stays_stored(whole_service):
    token = whole_service.open()
    pid = whole_service.children()["rasa"]
    os.kill(pid, signal.SIGSTOP)
    try:
        reply, seconds = ask(whole_service, token)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert reply["kind"] == "unavailable" and seconds < PATIENCE
    assert reply["numbers"][0]["number"]
    assert outcomes(whole_service, token) == ["unavailable"]


def test_a_killed_rasa_makes_it_unavailable_and_is_started_again(whole_service):
    token = whole_service.open()
    whole_service.kill_rasa()
    reply, seconds = ask(whole_service, token)
    assert reply["kind"] == "unavailable" and seconds < PATIENCE
    wait_for_answer(whole_service, token)


def test_a_danger_is_answered_with_a_process_down(whole_service):
    token = whole_service.open(country="GB")
    os.kill(whole_service.children()["rasa"], signal.SIGSTOP)
    reply, seconds = ask(whole_service, token, "i want to kill myself")
    os.kill(whole_service.children()["rasa"], signal.SIGCONT)
    assert reply["kind"] == "crisis" and seconds < 1
    assert "116 123" in str(reply["numbers"])


def test_a_danger_waits_for_no_other_message_and_is_never_one_too_many(whole_service):
    token = whole_service.open(country="GB")
    pid = whole_service.children()["rasa"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(ask, whole_service, token) for _ in range(6)]
            time.sleep(0.5)
            reply, seconds = ask(whole_service, token, "i want to kill myself")
            os.kill(pid, signal.SIGCONT)
            assert all(call.result() for call in waiting)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert reply["kind"] == "crisis" and seconds < 1


def test_a_danger_past_the_limits_is_answered_all_the_same(tmp_path):
    with conftest.serving(tmp_path, MESSAGES_PER_MINUTE="2") as service:
        token = service.open()
        answers = [
            service.post(token, {"id": f"m{i}", "text": text})
            for i, text in enumerate(["hello", "hello", "hello", "i want to kill myself"])
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
        assert answers[-1].json()["replies"][0]["kind"] == "crisis"


def test_a_rasa_that_hangs_is_ended_and_started_again(whole_service):
    token, pid = whole_service.open(), whole_service.children()["rasa"]
    os.kill(pid, signal.SIGSTOP)
    assert max(wait_for_answer(whole_service, token)) < PATIENCE
    assert whole_service.children()["rasa"] != pid


def test_without_a_database_a_danger_is_answered_and_the_rest_is_refused_with_a_sentence(
    whole_service,
):
    token = whole_service.open()
    whole_service.rows("alter table turns rename to away")
    try:
        reply, _ = ask(whole_service, token, "i want to kill myself")
        assert reply["kind"] == "crisis"
        reply, _ = ask(whole_service, token)
        assert reply["kind"] == "unavailable" and reply["numbers"]
        answer = httpx.get(
            f"{whole_service.url}/api/messages", headers={"Authorization": f"Bearer {token}"}
        )
    finally:
        whole_service.rows("alter table away rename to turns")
    assert answer.status_code == 503 and answer.json()["error"]["message"]
    assert "Traceback" not in whole_service.log.read_text()


@pytest.mark.parametrize(
    "stopped",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends what hangs"),
        ),
    ],
    ids=["running", "stopped"],
)
def test_an_end_of_the_gateway_leaves_no_process_behind(own_service, stopped):
    children = own_service.children()
    assert set(children) == {"rasa"}
    for pid in children.values() if stopped else []:
        os.kill(pid, signal.SIGSTOP)
    own_service.process.kill()
    own_service.process.wait()
    end = time.monotonic() + 30
    while time.monotonic() < end and any(_alive(pid) for pid in children.values()):
        time.sleep(0.1)
    left = [pid for pid in children.values() if _alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_it_ends_gracefully(own_service):
    own_service.process.terminate()
    assert own_service.process.wait(30) == 0, (
        "it was killed by its own signal before it had cleared up"
    )
    assert not own_service.database.with_name("test.db-wal").exists(), "the database was left open"
    assert "Traceback" not in own_service.log.read_text()


def _alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
