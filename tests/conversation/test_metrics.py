"""/metrics: what Prometheus is told, and who else is."""

import time

import httpx
import pytest
from conftest import serving

TOKEN = "a-long-token"


@pytest.fixture(scope="module")
def metered(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("metrics"), METRICS_TOKEN=TOKEN) as made:
        yield made


def read(metered, token=TOKEN):
    return httpx.get(f"{metered.url}/metrics", headers={"Authorization": f"Bearer {token}"})


def figures(metered):
    """{name with its labels: value}."""
    lines = [
        line.rpartition(" ") for line in read(metered).text.splitlines() if not line.startswith("#")
    ]
    return {name: float(value) for name, _, value in lines}


def grown(metered, before):
    return {
        name: value - before.get(name, 0)
        for name, value in figures(metered).items()
        if value != before.get(name, 0)
    }


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", TOKEN, f"Bearer {TOKEN}x", "Basic YTpi", "Bearer \u00e9"],
)
def test_without_its_token_there_is_no_such_page(metered, header):
    answer = httpx.get(
        f"{metered.url}/metrics",
        headers={} if header is None else {"Authorization": header.encode()},
    )
    assert answer.status_code == 404
    assert "pamphlet_" not in answer.text


def test_where_no_token_is_set_there_is_no_such_page(service):
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}):
        assert httpx.get(f"{service.url}/metrics", headers=header).status_code == 404


def test_messages_are_counted_by_how_they_ended(metered):
    before = figures(metered)
    token = metered.open()
    [answer] = metered.ask("can myoclonus be prevented", token)
    metered.ask("asdkjh qwekjh zxmcn", token)
    metered.ask("i want to kill myself", token)
    assert metered.post(token, {"id": "1" * 32, "choice": "nothing.offered"}).status_code == 422
    vote = httpx.post(
        f"{metered.url}/api/feedback",
        json={"reply": answer["id"], "helpful": True},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert vote.status_code == 200, vote.text
    found = grown(metered, before)
    assert found['pamphlet_turns_total{channel="web",outcome="answer"}'] == 1
    assert found['pamphlet_turns_total{channel="web",outcome="crisis"}'] == 1
    assert (
        sum(count for name, count in found.items() if name.startswith("pamphlet_turns_total")) == 3
    )
    assert found['pamphlet_turn_seconds_count{stage="whole"}'] == 3
    assert found["pamphlet_confidence_count"] == 2
    assert found['pamphlet_votes_total{helpful="yes"}'] == 1


def test_the_queues_and_the_release_are_told(metered):
    found = figures(metered)
    assert {
        found[f'pamphlet_waiting{{queue="{queue}"}}']
        for queue in ("rasa", "inbox", "outbox", "dead")
    } == {0}
    assert [value for name, value in found.items() if name.startswith("pamphlet_release{")] == [1]


def test_a_message_that_comes_again_and_the_room_on_the_disk_are_told(metered):
    token, before = metered.open(), figures(metered)
    for _ in range(3):
        assert metered.post(token, {"id": "same", "text": "hello"}).status_code == 200
    found = grown(metered, before)
    assert (
        found['pamphlet_repeated_total{channel="web"}'],
        found['pamphlet_turns_total{channel="web",outcome="talk"}'],
    ) == (2, 1)
    assert figures(metered)["pamphlet_disk_free_bytes"] > 0


def test_no_word_of_a_visitor_stands_in_it(metered):
    metered.ask("canaryword and my mail is canary@example.com")
    assert "canary" not in read(metered).text


def test_a_restart_is_counted(metered):
    before = figures(metered)
    metered.kill_rasa()
    end = time.monotonic() + 60
    while 'pamphlet_restarts_total{process="rasa"}' not in grown(metered, before):
        assert time.monotonic() < end, "no restart was counted"
        time.sleep(0.2)
