"""Generated inputs at every public route: whatever comes in, no fault, no trace of one, none of its
words in the log, and no memory that grows."""

import http.client
import json
import re
import string

import httpx
import pytest
import schemathesis
from conftest import serving
from fastapi import FastAPI
from hypothesis import given, strategies
from schemathesis import GenerationMode

from bot.conversation import turns
from bot.runtime import settings
from bot.web import app, public_pages
from tests.support.generated import inputs
from tests.support.memory import memory
from tests.support.routes import list_routes

CANARY = "zqxjcanary"
MOST_GROWN = 150  # MB, by all inputs, however many
# of the desk some pages, and what isn't served here and is elsewhere
ALSO = [
    "/editor/",
    "/editor/sign-in",
    "/editor/review",
    "/editor/static/desk.js",
    "/channels/webhook",
    "/webhooks/rest/webhook",
    "/webhooks/gateway/message",
    "/webhook",
    "/model/parse",
]


def list_paths():
    """Every path that the gateway serves, its scripts among them; an article where one takes a
    name."""
    desk = turns.Site(config=settings.read_settings({}), engine=None, turnstile=None)
    routes = list_routes(app.create_app(desk, FastAPI()).routes)
    found = {re.sub(r"\{\w+(:\w+)?\}", "myoclonus", route.path) for route in routes}
    return sorted({*found, *(f"/{name}" for name in public_pages.SCRIPTS)})


PATHS = [*list_paths(), *ALSO]
JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
# what one may write into a request's head; HTTP forbids the rest
VALUES = strategies.text(alphabet=string.printable[:95] + "äø", max_size=200).map(
    lambda text: text.encode("latin-1").strip()
)


@pytest.fixture(scope="module")
def open_service(tmp_path_factory):
    """A service of their own: these tests would leave the shared one a thousand conversations."""
    with serving(
        tmp_path_factory.mktemp("generated"),
        WEBHOOK_SECRET="whsec_dGVzdHRlc3R0ZXN0dGVzdA==",
        WEBHOOK_URL="http://127.0.0.1:9/",
        PUBLIC_URL="https://chat.example.org",
        METRICS_TOKEN="m",
    ) as made:
        yield made


@pytest.fixture(scope="module")
def client(open_service):
    with httpx.Client(base_url=open_service.url, timeout=30) as made:
        yield made


@pytest.fixture(autouse=True, scope="module")
def nothing_left(open_service):
    open_service.ask("can myoclonus be prevented")
    before = memory(open_service.process.pid)
    yield
    assert memory(open_service.process.pid) - before < MOST_GROWN
    log = open_service.log.read_text()
    assert CANARY not in log
    assert "Traceback" not in log and " failed: " not in log, log[-2000:]


def check(answer):
    assert answer.status_code < 500, (answer.request.method, answer.request.url, answer.text[:500])
    assert "Traceback" not in answer.text and "site-packages" not in answer.text


def test_the_scripts_of_the_chat_are_among_the_paths():
    assert {"/", "/embed", "/widget.js", "/embed.js", "/articles/myoclonus", "/api/messages"} <= {
        *PATHS
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_what_the_description_allows_and_what_it_forbids(open_service, mode):
    described = schemathesis.openapi.from_url(f"{open_service.url}/api/openapi.json")
    tried = 0
    for operation in (found.ok() for found in described.get_all_operations()):
        if mode is GenerationMode.NEGATIVE and not operation.body and not operation.query:
            continue  # there is nothing to get wrong

        @inputs(150)
        @given(case=operation.as_strategy(generation_mode=mode))
        def try_it(case):
            nonlocal tried
            tried += 1
            case.headers = {
                **(case.headers or {}),
                "Authorization": f"Bearer {token_of(open_service)}",
            }
            check(case.call(base_url=open_service.url, timeout=30))

        try_it()
    assert tried > 300


tokens = {}


def token_of(service):
    if service.url not in tokens:
        tokens[service.url] = service.open()
    return tokens[service.url]


@inputs(3000)
@given(
    path=strategies.sampled_from(PATHS),
    method=strategies.sampled_from(
        ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "FOO"]
    ),
    body=JSON.map(lambda data: json.dumps(data).encode()) | strategies.binary(max_size=300),
    query=strategies.text(max_size=40),
    kind=strategies.sampled_from(
        [
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "a/b;;",
        ]
    ),
    authorization=VALUES,
    cookie=VALUES,
)
def test_anything_at_every_path(client, path, method, body, query, kind, authorization, cookie):
    headers = {
        "Content-Type": kind,
        "Authorization": authorization,
        "Cookie": cookie,
        "X-Forwarded-For": CANARY,
    }
    check(
        client.request(
            method, path, content=body, params={"q": query, "name": CANARY}, headers=headers
        )
    )


@inputs(1500)
@given(body=JSON, text=strategies.text(max_size=2100))
def test_any_message(client, open_service, body, text):
    authorization = {"Authorization": f"Bearer {token_of(open_service)}"}
    message = {
        "id": "x" * 8,
        "text": f"{CANARY} {text}",
        **(body if isinstance(body, dict) else {"id": body}),
    }
    check(
        client.post(
            "/api/messages",
            content=json.dumps(message).encode(),
            headers={**authorization, "Content-Type": "application/json"},
        )
    )


@inputs(1500)
@given(path=strategies.text(alphabet=string.ascii_lowercase + "./%\\25ef0~;?#", max_size=40))
def test_any_path(open_service, path):
    address = httpx.URL(open_service.url)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    connection.request("GET", f"/{path}")
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    assert answer.status < 500, (path, text[:500])
    assert "Traceback" not in text and "root:x:" not in text
