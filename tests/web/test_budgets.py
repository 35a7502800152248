"""What one conversation, one address or one connection may cost: each limit is reached, and passed
by one."""

import asyncio
import concurrent.futures
import contextlib
import os
import resource
import socket
import uuid

import aiohttp
import conftest
import httpx
import psycopg
import pytest

from bot.conversation import admission, limits
from bot.store import engine, stored_turns
from bot.web import body_limit, pacing, slow_clients, visitor_api
from tests.support import load, sites, slow_connections, slow_rasa

CRISIS = "i want to kill myself"


def headers(token):
    return {"Authorization": f"Bearer {token}"}


def read(service, token, path="messages", **query):
    """The response to a read of a conversation, whatever it is."""
    return httpx.get(f"{service.url}/api/{path}", params=query, headers=headers(token), timeout=30)


def add_turns(service, token, count):
    """Give a conversation so many turns more, past the gateway."""
    (id,) = service.rows(
        "select id from conversations where token_hash = ?", stored_turns._hash(token)
    )[0]
    for number in range(count):
        service.rows(
            "insert into turns (conversation, message, text, received_at, outcome) "
            "values (?, ?, 'hello', '2026-11-29 00:00:00', 'talk')",
            id,
            f"more-{number}",
        )


@pytest.fixture(scope="module")
def strict_service(tmp_path_factory):
    """A service with a limit that is soon reached, of each conversation and address: two messages a
    minute."""
    with conftest.serving(tmp_path_factory.mktemp("strict"), MESSAGES_PER_MINUTE="2") as made:
        yield made


# --- reading what was said


@pytest.mark.parametrize("path", ["messages", "conversations/current"])
def test_a_long_conversation_is_read_in_pages_of_a_hundred(service, path):
    token = service.open()
    add_turns(service, token, visitor_api.MOST_TURNS)
    page = read(service, token, path).json()
    assert (len(page["turns"]), page["more"]) == (100, False)
    service.ask("hello", token)
    first = read(service, token, path).json()
    assert (len(first["turns"]), first["more"]) == (100, True)
    last = read(service, token, path, after=first["turns"][-1]["id"]).json()
    assert [turn["text"] for turn in last["turns"]] == ["hello"] and last["more"] is False
    assert last["turns"][0]["replies"]


def test_reads_are_counted_and_one_too_many_is_refused_with_a_sentence(strict_service):
    token = strict_service.open()
    answers = [read(strict_service, token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["error"]["message"].endswith(".")
    assert strict_service.post(token, {"id": "m", "text": "hello"}).status_code == 200


def test_readers_who_wait_for_the_database_keep_no_danger_from_being_stored(postgresql, tmp_path):
    address = postgresql.make("readers")
    with conftest.serving(tmp_path, DATABASE_URL=address) as service:
        tokens = [service.open() for _ in range(30)]
        with (
            concurrent.futures.ThreadPoolExecutor(len(tokens)) as pool,
            psycopg.connect(address.replace("+psycopg", "")) as connection,
        ):
            connection.execute("lock table votes in access exclusive mode")
            reads = [pool.submit(read, service, token, "conversations/current") for token in tokens]
            concurrent.futures.wait(reads, return_when=concurrent.futures.FIRST_COMPLETED)
            danger = service.post(tokens[0], {"id": "d", "text": CRISIS}).json()
            connection.rollback()
            answers = [call.result() for call in reads]
    assert danger["replies"][0]["kind"] == "crisis" and danger["turn"] is not None
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    assert all("error" in answer.json() for answer in answers if answer.status_code != 200)


# --- opening and sending


def test_conversations_are_opened_up_to_the_limit_and_no_further(tmp_path):
    with conftest.serving(tmp_path, CONVERSATIONS_PER_MINUTE="3") as service:
        opened = [
            httpx.post(f"{service.url}/api/conversations", json={}).status_code for _ in range(4)
        ]
    assert opened == [201, 201, 201, 429]


@pytest.mark.parametrize(("beyond", "status"), [(0, 422), (1, 413)])
def test_a_body_of_64_kb_is_read_and_one_byte_more_is_not(service, beyond, status):
    body = b" " * (body_limit.LARGEST_BODY + beyond)
    given = {**headers(service.open()), "Content-Type": "application/json"}
    answer = httpx.post(f"{service.url}/api/messages", content=body, headers=given)
    assert answer.status_code == status and answer.json()["error"]["message"]


# --- addresses


def from_address(service, address, token, text="hello"):
    """The response to a message that a proxy passes on from an address."""
    return httpx.post(
        f"{service.url}/api/messages",
        json={"id": uuid.uuid4().hex, "text": text},
        headers={**headers(token), "X-Forwarded-For": address},
        timeout=30,
    )


def until_refused(service, address, tokens):
    """Statuses of reads of one address, a token each, up to the first that is refused."""
    found = []
    for token in tokens:
        found.append(
            httpx.get(
                f"{service.url}/api/messages",
                headers={**headers(token), "X-Forwarded-For": address},
                timeout=30,
            ).status_code
        )
        if found[-1] == 429:
            break
    return found


def test_calls_are_counted_by_address_and_a_danger_is_heard_all_the_same(strict_service):
    service = strict_service
    tokens = [service.open() for _ in range(3 * limits.OF_ADDRESS)]
    *in_time, beyond = until_refused(service, "192.0.2.7", tokens * 2)
    assert beyond == 429 and set(in_time) == {200}
    assert len(in_time) >= 2 * limits.OF_ADDRESS
    refused = from_address(service, "192.0.2.7", tokens[-1])
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "too_many"
    danger = from_address(service, "192.0.2.7", tokens[-1], CRISIS)
    assert danger.json()["replies"][0]["kind"] == "crisis"
    assert from_address(service, "192.0.2.8", service.open()).status_code == 200


def test_a_long_text_counts_as_often_as_short_ones_that_take_as_long(strict_service):
    tokens = [strict_service.open() for _ in range(3)]
    long = "what causes tics " * 100  # for 9 calls of the address's 20
    ends = [from_address(strict_service, "192.0.2.20", token, long).status_code for token in tokens]
    assert ends == [200, 200, 200], "what is owed is paid off before the next"
    assert from_address(strict_service, "192.0.2.20", tokens[0]).status_code == 429
    danger = from_address(
        strict_service, "192.0.2.20", tokens[0], f"{'i was on the bus today. ' * 60}{CRISIS}"
    )
    assert danger.json()["replies"][0]["kind"] == "crisis"


def test_who_sends_as_fast_as_it_goes_waits_and_others_do_not(strict_service):
    url, most = f"{strict_service.url}/api/terms", pacing.AT_ONCE + 1
    most += round(pacing.LONGEST_SECONDS * pacing.PER_SECOND)

    async def call(client, address):
        async with client.get(url, headers={"X-Forwarded-For": address}) as answer:
            return answer.status, await answer.json()

    async def run():
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as client:
            calls = [asyncio.create_task(call(client, "192.0.2.30")) for _ in range(2 * most)]
            while not any(each.done() for each in calls):
                await asyncio.sleep(0.01)
            others = [await call(client, f"192.0.2.{number}") for number in range(31, 41)]
            waiting = sum(not each.done() for each in calls)
            return await asyncio.gather(*calls), others, waiting

    answers, others, waiting = asyncio.run(run())
    assert {status for status, _ in others} == {200} and waiting > most / 2
    refused = [body["error"] for status, body in answers if status == 429]
    assert refused and len(answers) - len(refused) >= most
    assert {error["code"] for error in refused} == {"too_many"}
    assert all(error["emergency"] for error in refused)


def test_tokens_that_open_nothing_are_counted_by_address_and_then_not_looked_up(strict_service):
    service = strict_service
    new, unknown = service.open(), [uuid.uuid4().hex for _ in range(6 * limits.OF_ADDRESS)]
    *looked_up, beyond = until_refused(service, "2001:db8:0:1::1", unknown)
    assert beyond == 429 and set(looked_up) == {401}
    assert len(looked_up) >= 2 * limits.OF_ADDRESS
    service.rows("alter table conversations rename to away")
    guess = from_address(service, "2001:db8:0:1::ffff", uuid.uuid4().hex)
    assert guess.status_code == 429, "it was looked up"
    danger = from_address(service, "2001:db8:0:1::ffff", uuid.uuid4().hex, CRISIS)
    assert danger.json()["replies"][0]["kind"] == "crisis"
    assert until_refused(service, "2001:db8:0:2::1", [uuid.uuid4().hex]) == [503]
    service.rows("alter table away rename to conversations")
    assert from_address(service, "2001:db8:0:2::1", new).status_code == 200


def test_who_has_talked_here_goes_on_beside_one_of_the_same_address_who_guesses_tokens():
    strangers = limits.Strangers(3)
    with strangers.watch("here", "mine"):
        pass
    for number in range(3):
        with pytest.raises(stored_turns.NoConversation), strangers.watch("here", f"guess {number}"):
            raise stored_turns.NoConversation()
    with pytest.raises(limits.Refused), strangers.watch("here", "one more"):
        pytest.fail("it was looked up")
    with strangers.watch("here", "mine"):
        pass
    with pytest.raises(limits.Refused), strangers.watch("here", "new and good"):
        pytest.fail("it was looked up")


def test_what_else_goes_wrong_with_a_good_token_is_not_counted():
    strangers = limits.Strangers(2)
    for _ in range(9):
        with pytest.raises(engine.StoreDown), strangers.watch("here", "good"):
            raise engine.StoreDown()
    with pytest.raises(stored_turns.NoConversation), strangers.watch("here", ""):
        pytest.fail("there is no token")


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("x" * 9000, "x" * 64),
    ],
)
def test_an_address_is_counted_as_what_one_household_has(host, network):
    assert limits.network_name(host) == network


# --- Rasa


def test_a_slow_rasa_is_not_killed_answers_what_is_let_in_and_each_address_in_turn(tmp_path):
    mode = tmp_path / "mode"
    with sites.single(
        tmp_path, command=slow_rasa.command(mode), MESSAGES_PER_MINUTE="1000000"
    ) as site:

        async def run():
            async with load.visiting(site.url) as visits:
                mode.write_text("slow")
                until, begun = asyncio.Event(), len(visits.journal)
                asking = asyncio.create_task(load.crowd(visits, 60, until))
                ends, other = [], (await load.come(visits)).token
                async with asyncio.timeout(150):
                    while ends.count("answered") < 40:
                        await asyncio.sleep(0.5)
                        ends = [m.end() for m in visits.journal[begun:] if m.deliveries]
                others = [
                    (await asyncio.to_thread(from_address, site, "192.0.2.8", other)).json()
                    for _ in range(5)
                ]
                until.set()
                mode.unlink()
                await asking
                return ends, others, site.faults(visits.journal, seconds=0)

        ends, others, faults = asyncio.run(run())
        log = site.gateways[0].log.read_text()
    assert [fault for fault in faults if "never sent it" not in fault] == []
    assert "it is killed" not in log
    # those of the first moment, when it was not yet known that it is slow
    assert ends.count("unavailable") <= admission.AT_ONCE
    assert [each["replies"][0]["kind"] for each in others] == ["talk"] * 5, "there was no place"


# --- connections


def test_half_open_connections_leave_the_gateway_files_to_open_and_others_a_way_in(own_service):
    pid, token = own_service.process.pid, own_service.open()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (128, 128))
    host, _, port = own_service.url.removeprefix("http://").partition(":")
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(20):
            held += [
                stack.enter_context(socket.create_connection((host, int(port)), 30))
                for _ in range(10)
            ]
            for connection in held[-10:]:
                connection.sendall(b"POST /api/messages HTTP/1.1\r\nHost: a\r\nContent-Le")
            assert httpx.get(f"{own_service.url}/health/live", timeout=5).status_code == 200
        assert own_service.ask("can myoclonus be prevented", token)[0]["kind"] == "answer"
        assert len(os.listdir(f"/proc/{pid}/fd")) <= 128
    assert "selector_events" not in own_service.log.read_text(), "no file could be opened"


def test_of_the_network_with_most_connections_the_oldest_without_a_request_goes(monkeypatch):
    monkeypatch.setattr(slow_clients, "most_connections", lambda: 5)
    with slow_connections.patient_server() as address, contextlib.ExitStack() as stack:
        *held, kept = [stack.enter_context(socket.create_connection(address, 60)) for _ in "12345"]
        slow_connections.ask_in_parts(
            kept, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        )  # the newest idle one
        for gone in held:
            new = stack.enter_context(socket.create_connection(address, 60))
            slow_connections.ask_in_parts(new, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert slow_connections.read_all(gone) == b""
        slow_connections.ask_in_parts(kept, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
