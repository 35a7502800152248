"""The site of deploy/nginx.conf before a real gateway: what it lets through, what it says of
visitors, whom it stops."""

import contextlib
import json
import os
from pathlib import Path

import httpx
import pytest

from bot.editor.access import passwords
from bot.store import accounts, publications
from bot.store import engine as store_engine

from .conftest import NAME, TOKEN, Site, wait_for

SECRET_PATHS = [
    "metrics",
    "health/ready",
    "health/live",
    "webhooks/gateway/message",
    "webhooks/rest/webhook",
    "model",
    "model/parse",
    "status",
    "version",
    "conversations/x/tracker",
    "domain",
    "actions",
    "webhook",
    "openapi.json",
    "docs",
]
TRICKS = [
    "/{}",
    "//{}",
    "/./{}",
    "/x/../{}",
    "/%2e/{}",
    "/x/%2e%2e/{}",
    "/editor/..%2f{}",
    "/editor/%2e%2e/{}",
    "/api/../{}",
    "/{}/",
    "/{}%20",
    "/{}%00",
    "/{}?x",
    "/{};x",
    "/%2f{}",
    "/%252f{}",
    "http://127.0.0.1/{}",
    "http://localhost:5005/{}",
    "/..;/{}",
    "/channels/../{}",
    "\\{}",
]


def ask(client, text):
    """The replies to a text in a new conversation."""
    token = client.post("/api/conversations", json={}).json()["token"]
    return client.post(
        "/api/messages",
        json={"id": "m", "text": text},
        headers={"Authorization": f"Bearer {token}"},
    ).json()["replies"]


def test_a_visitor_is_answered_over_https_and_sent_there_from_http(site: Site):
    with site.client("127.0.0.2") as client:
        assert ask(client, "can myoclonus be prevented")[0]["question"] == "myoclonus.prevention"
        page = client.get("/")
        assert page.status_code == 200 and "max-age" in page.headers["strict-transport-security"]
    moved = httpx.get(
        f"http://127.0.0.1:{site.http}/articles/myoclonus?x=1", headers={"Host": NAME}
    )
    assert (moved.status_code, moved.headers["location"]) == (
        301,
        f"https://{NAME}/articles/myoclonus?x=1",
    )


def test_nothing_private_answers_under_the_public_name_by_any_path_trick(site: Site):
    for path in SECRET_PATHS:
        method = "POST" if path.startswith(("webhook", "model")) else "GET"
        for trick in TRICKS:
            target = trick.format(path)
            answer = site.send(
                f"{method} {target} HTTP/1.1",
                f"Authorization: Bearer {TOKEN}",
                "Content-Type: application/json",
                "Content-Length: 0",
            )
            assert int(answer.split(" ")[1]) in (301, 307, 308, 400, 404, 405, 421), (
                target,
                answer[:300],
            )
            content = answer.partition("\r\n\r\n")[2].lower()
            assert not any(
                word in content
                for word in ("rasa", "pamphlet_", "process_", "events", '"live"', '"ready"')
            ), (target, answer)


def test_rasa_listens_on_the_loopback_and_wants_the_secret(site: Site):
    for pid in site.service.children().values():
        assert listening(pid, "tcp6") == []
        [address] = listening(pid, "tcp")
        host, _, port = address.partition(":")
        assert host == "0100007F"
        for path in ("/", "/webhooks/gateway/message"):
            for header in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}"}):
                assert httpx.post(
                    f"http://127.0.0.1:{int(port, 16)}{path}", json={}, headers=header
                ).status_code in (403, 404, 405)


def listening(pid, kind):
    """The addresses at which a process listens, as the kernel writes them."""
    own = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            own.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]


def test_a_visitor_is_counted_by_the_address_he_calls_from_whatever_he_says(site: Site):
    with site.client("127.0.0.3") as one, site.client("127.0.0.4") as other:
        answers = [
            one.post(
                "/api/conversations",
                json={},
                headers={
                    "X-Forwarded-For": f"192.0.2.{i}",
                    "Forwarded": f"for=192.0.2.{i}",
                    "X-Real-IP": f"192.0.2.{i}",
                },
            ).status_code
            for i in range(6)
        ]
        assert 201 in answers and answers[-1] == 429
        assert other.post("/api/conversations", json={}).status_code == 201


def test_https_arrives_at_the_desk_and_is_believed_of_the_proxy_only(site: Site):
    with site.client() as client:
        cookie = client.get("/editor/sign-in", headers={"X-Forwarded-Proto": "http"}).headers[
            "set-cookie"
        ]
        assert cookie.startswith("__Host-") and "Secure" in cookie
    assert "Secure" not in httpx.get(f"{site.service.url}/editor/sign-in").headers["set-cookie"]


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", f"{NAME}.evil.example", ""])
def test_another_name_gets_nothing(site: Site, name):
    with site.client(name=name) as client:
        assert client.get("/").status_code in (400, 421)


def test_the_desks_events_come_as_they_happen(site: Site):
    engine = store_engine.connect_database(site.service.address)
    accounts.accept_invitation(
        engine,
        accounts.invite_person(engine, accounts.add_person(engine, "Ada", "publisher")),
        passwords.hash_password("correct horse battery"),
    )
    try:
        with site.client("127.0.0.5") as client:
            form = client.get("/editor/sign-in").text
            token = form.partition('name="csrf" value="')[2].partition('"')[0]
            entered = client.post(
                "/editor/sign-in",
                data={"csrf": token, "name": "Ada", "password": "correct horse battery"},
            )
            assert entered.status_code == 303, entered.text
            job = publications.begin_publication(engine, "try", "Ada")
            with client.stream("GET", f"/editor/publish/{job}/events") as answer:
                lines = answer.iter_lines()
                # each is read before the next happens: nobody holds them back
                for step in ("first", "second", "third"):
                    publications.note_progress(engine, job, step, 0.5)
                    heard = next(
                        data["step"] for data in map(_data, lines) if data and data["step"] == step
                    )
                    assert heard == step
                publications.end_publication(engine, job, "failed")
                assert "event: end" in list(lines)
    finally:
        engine.dispose()


def _data(line):
    return json.loads(line.removeprefix("data: ")) if line.startswith("data: {") else None


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/messages", 65_537, 413),
        ("/channels/telegram", 1_048_577, 413),
        ("/editor/sign-in", 14_000_000, 413),
    ],
)
def test_a_body_that_is_too_large_is_refused(site: Site, path, size, status):
    with site.client("127.0.0.6") as client:
        assert client.post(path, content=b"x" * size).status_code == status


def test_whom_the_proxy_refuses_gets_a_sentence_with_the_emergency_numbers(site: Site):
    begun = f"POST /api/messages HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n{{"
    with contextlib.ExitStack() as stack:
        for _ in range(51):  # one address may have 50 requests under way
            last = stack.enter_context(site.connect())
            last.sendall(begun.encode())
        answer = last.recv(8192).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 429 ") and "\r\nretry-after: 2" in head.lower()
    assert "\r\ncontent-type: application/json" in head.lower()
    error = json.loads(body)["error"]
    assert error["code"] == "too_many" and "Please wait a moment" in error["message"]
    assert "999, 112 or 911" in error["message"]


def test_who_sends_slowly_is_put_out(site: Site):
    with contextlib.ExitStack() as stack:
        held = []
        for sent in (
            "",
            "GET / HTTP/1.1\r\nHost: chat.exa",
            f"POST /api/conversations HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n{{",
        ):
            held.append(stack.enter_context(site.connect()))
            held[-1].sendall(sent.encode())
        for connection in held:
            answer = b""
            with contextlib.suppress(ConnectionError):
                # TimeoutError where nginx doesn't close
                answer = b"".join(iter(lambda connection=connection: connection.recv(4096), b""))
            assert answer == b"" or b" 408 " in answer


def test_the_proxys_log_names_no_visitor(site: Site):
    with site.client(
        "127.0.0.7", **{"User-Agent": "qqcanary", "Referer": "https://qqcanary.example"}
    ) as client:
        client.get("/editor/invitations/qqcanary")
        client.get("/articles/myoclonus?qqcanary=1")
    lines = wait_for(
        lambda: [
            line
            for line in (site.folder / "pamphlet.log").read_text().splitlines()
            if "/articles/myoclonus" in line
        ],
        30,
    )
    assert "qqcanary" not in str(lines) and "127.0.0" not in str(lines)
    for log in ("pamphlet.log", "pamphlet-errors.log"):
        assert "qqcanary" not in (site.folder / log).read_text()
