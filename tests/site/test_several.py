"""Two gateways, each with its own Rasa, on one PostgreSQL and one Redis: one site."""

import concurrent.futures
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import conftest
import httpx
import pytest

from bot.conversation import admission
from tests.support import servers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(postgresql):
    return postgresql.make("several")


@pytest.fixture(scope="module")
def both(address, redis, tmp_path_factory):
    """Two gateways; few messages a minute may be sent, for the limits to be seen."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                conftest.serving(
                    tmp_path_factory.mktemp(name),
                    DATABASE_URL=address,
                    REDIS_URL=redis[0],
                    CONVERSATIONS_PER_MINUTE="1000",
                    MESSAGES_PER_MINUTE="40",
                )
            )
            for name in ("first", "second")
        ]


def hashed(token):
    return hashlib.sha256(token.encode()).hexdigest()


def at_once(calls):
    """What each call gives, all made at the same moment."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [call.result() for call in [pool.submit(*call) for call in calls]]


def test_a_follow_up_is_understood_by_the_other_gateway(both):
    first, second = both
    token = first.open()
    assert first.ask("can myoclonus be prevented", token)[0]["question"] == "myoclonus.prevention"
    assert second.ask("and what causes it?", token)[0]["question"] == "myoclonus.causes"
    assert first.ask("is it inherited", token)[0]["article"]["id"] == "myoclonus"


def test_a_message_that_comes_five_times_at_both_gateways_is_one_turn_with_one_answer(both):
    token = both[0].open()
    message = {"id": "m", "text": "can myoclonus be prevented"}
    answers = at_once([(both[i % 2].post, token, message) for i in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert both[1].post(token, message).json() == answers[0].json(), "late"
    turns = httpx.get(
        f"{both[1].url}/api/messages", headers={"Authorization": f"Bearer {token}"}
    ).json()["turns"]
    assert [(turn["message"], turn["outcome"], len(turn["replies"])) for turn in turns] == [
        ("m", "answer", 1)
    ]


def test_messages_of_a_conversation_pass_one_at_a_time_whichever_gateway_they_come_to(both):
    token = both[0].open()

    def send_until_answered(service, number):
        message = {"id": f"m{number}", "text": "can myoclonus be prevented"}
        for _ in range(20):  # who waits too long is told to send again
            if service.post(token, message).status_code == 200:
                return

    at_once([(send_until_answered, both[i % 2], i) for i in range(6)])
    spans = both[0].rows(
        "select received_at, answered_at from turns join conversations on conversation = "
        "conversations.id "
        "where token_hash = ? order by received_at",
        hashed(token),
    )
    assert len(spans) == 6
    assert all(earlier[1] <= later[0] for earlier, later in zip(spans, spans[1:], strict=False))


def test_five_messages_of_a_conversation_wait_over_both_gateways_and_the_rest_is_refused_politely(
    both,
):
    token = both[0].open()
    victims = [service.children()["rasa"] for service in both]
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(14) as pool:
            sent = [
                pool.submit(both[i % 2].post, token, {"id": f"m{i}", "text": "hello"})
                for i in range(14)
            ]
            time.sleep(1.5)
            refused = [call.result() for call in sent if call.done()]
            for pid in victims:
                os.kill(pid, signal.SIGCONT)
            answers = [call.result() for call in sent]
    finally:
        for pid in victims:
            os.kill(pid, signal.SIGCONT)
    assert len(refused) == 8 and {answer.status_code for answer in refused} == {429}
    assert (
        "earlier messages" in refused[0].json()["error"]["message"]
        and refused[0].headers["retry-after"]
    )
    assert sum(answer.status_code == 200 for answer in answers) == 6


def test_a_message_that_one_gateway_answered_is_not_refused_by_the_other_where_that_is_full(both):
    first, second = both
    token, message = first.open(), {"id": "m", "text": "can myoclonus be prevented"}
    answered = first.post(token, message).json()["replies"]
    rasa = second.children()["rasa"]
    others = [second.open() for _ in range(admission.MOST)]
    os.kill(rasa, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(len(others)) as pool:
            sent = [
                pool.submit(second.post, other, {"id": "w", "text": "hello"}) for other in others
            ]
            refused, _ = concurrent.futures.wait(
                sent, return_when=concurrent.futures.FIRST_COMPLETED
            )
            again = second.post(token, message)
            os.kill(rasa, signal.SIGCONT)
            assert {call.result().status_code for call in sent} == {200, 429}
    finally:
        os.kill(rasa, signal.SIGCONT)
    assert {call.result().status_code for call in refused} == {429}
    assert again.json()["replies"] == answered


def test_limits_are_counted_over_both_gateways(both):
    token = both[0].open()
    message = {"id": "same", "text": "hello"}
    assert both[0].post(token, message).status_code == 200
    # 35 each: fewer than one alone allows; several at once, or a slow machine takes so long that
    # what it may send grows again meanwhile
    calls = [(both[i % 2].post, token, message) for i in range(70)]
    answers = [answer for i in range(0, 70, 10) for answer in at_once(calls[i : i + 10])]
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 429]
    assert any("wait a minute" in error["message"] for error in refused), refused


def test_a_conversation_held_by_a_gateway_that_is_killed_is_free_at_once(
    address, redis, both, tmp_path
):
    with conftest.serving(tmp_path, DATABASE_URL=address, REDIS_URL=redis[0]) as third:
        token = third.open()
        os.kill(third.children()["rasa"], signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            lost = pool.submit(third.post, token, {"id": "m", "text": "can myoclonus be prevented"})
            time.sleep(1)
            third.process.kill()
            with pytest.raises(httpx.HTTPError):
                lost.result()
        answer = both[0].post(token, {"id": "m", "text": "can myoclonus be prevented"})
        assert answer.json()["replies"][0]["question"] == "myoclonus.prevention"
        assert both[0].post(token, {"id": "n", "text": "hello"}).status_code == 200


def test_a_message_whose_gateway_was_killed_is_refused_with_a_sentence_in_the_end(address, both):
    token = both[0].open()
    both[0].rows(
        "insert into turns (conversation, message, text, received_at) select id, 'lost', "
        "'hello', now() - interval '1 minute' "
        "from conversations where token_hash = ?",
        hashed(token),
    )
    end = time.monotonic() + 25
    while time.monotonic() < end:
        (turn,) = httpx.get(
            f"{both[1].url}/api/messages", headers={"Authorization": f"Bearer {token}"}
        ).json()["turns"]
        if turn["outcome"]:
            break
        time.sleep(0.5)
    assert (
        turn["outcome"] == "unavailable"
        and len(turn["replies"]) == 1
        and turn["replies"][0]["numbers"]
    )


@pytest.fixture
def own_redis():
    """(address, process) of a Redis that a test may kill."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(servers.redis())
        except servers.Missing as error:
            conftest.left_out(error.program, error.package)
        yield made


def test_without_redis_no_conversation_is_crossed_and_no_message_doubled(
    postgresql, own_redis, tmp_path
):
    address, (url, process) = postgresql.make("alone"), own_redis
    with (
        conftest.serving(
            tmp_path, DATABASE_URL=address, REDIS_URL=url, RASA_PROCESSES="2"
        ) as first,
        contextlib.ExitStack() as stack,
    ):
        folder = tmp_path / "second"
        folder.mkdir()
        second = stack.enter_context(conftest.serving(folder, DATABASE_URL=address, REDIS_URL=url))
        both, token = [first, second], first.open()
        process.kill()
        process.wait()
        message = {"id": "m", "text": "can myoclonus be prevented"}
        answers = at_once([(both[i % 2].post, token, message) for i in range(4)])
        assert all(answer.json() == answers[0].json() for answer in answers)
        answers = at_once(
            [(both[i % 2].post, token, {"id": f"m{i}", "text": "hello"}) for i in range(6)]
        )
        assert {answer.status_code for answer in answers} == {200}
        spans = first.rows("select received_at, answered_at from turns order by received_at")
        assert len(spans) == 7 and all(
            earlier[1] <= later[0] for earlier, later in zip(spans, spans[1:], strict=False)
        )
        assert [service.log.read_text().count("Redis does not answer") > 0 for service in both] == [
            True,
            True,
        ]


def test_what_is_missing_is_left_out_by_name_and_fails_in_ci(tmp_path):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/site/test_several.py",
        "-k",
        "follow_up",
    ]
    bare = {key: value for key, value in os.environ.items() if key != "CI"} | {
        "PATH": str(tmp_path)
    }
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=bare)
    assert (
        done.returncode == 0
        and "1 tests left out: Redis is missing: apt-get install redis-server" in done.stdout
    ), done.stdout
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**bare, "CI": "true"}
    )
    assert done.returncode == 1 and "Redis is missing: apt-get install redis-server" in done.stdout
