"""The Sanic application of `python -m bot.rasa serve`, with our channel and store, a tiny model and
sample actions."""

import asyncio
import socket
import threading
import uuid
import warnings
from functools import partial

import httpx
import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.run import (
    close_resources,
    configure_app,
    create_http_input_channels,
    load_agent_on_start,
)
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic

from bot.rasa import tracker_store
from bot.rasa.channel import as_words

SECRET = "s3cret"
ENDPOINTS = """
action_endpoint:
  actions_module: tests.rasa.sample_actions
tracker_store:
  type: bot.rasa.tracker_store.LiveTrackerStore
lock_store:
  type: in_memory
"""


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "endpoints.yml"
    path.write_text(ENDPOINTS)
    return AvailableEndpoints.read_endpoints(str(path))


@pytest.fixture(scope="module")
def channels(tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "credentials.yml"
    path.write_text(f"bot.rasa.channel.GatewayInput:\n  secret: {SECRET}\n")
    return create_http_input_channels(None, str(path))


class Server:
    """The application that rasa.core.run.serve_application makes, in a thread; `post` and `delete`
    know the secret."""

    def __init__(self, archive, channels, endpoints):
        Sanic._app_registry.clear()
        self.app = configure_app(channels, enable_api=False, endpoints=endpoints, use_uvloop=False)
        warnings.filterwarnings(
            "ignore", category=DeprecationWarning
        )  # Sanic has just asked for its own
        self.app.register_listener(
            partial(load_agent_on_start, str(archive), endpoints, None), "before_server_start"
        )
        self.app.register_listener(close_resources, "after_server_stop")
        self.started, self.error = threading.Event(), None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.started.wait(20)
        if self.error:
            raise self.error

    def run(self):
        try:
            asyncio.run(self.serve())
        except Exception as error:
            self.error = error
            self.started.set()

    async def serve(self):
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            server = await self.app.create_server(
                sock=listening, return_asyncio_server=True, access_log=False
            )
            await server.startup()
            await server.before_start()
            await server.start_serving()
            await server.after_start()
            self.started.set()
            await self.ended.wait()
            await server.before_stop()
            await server.close()
            await server.after_stop()

    def stop(self):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(20)
        assert self.error is None

    def post(self, path, body):
        headers = {"Authorization": f"Bearer {SECRET}"}
        return httpx.post(f"{self.url}/webhooks/gateway{path}", json=body, headers=headers)

    def delete(self, sender, secret=SECRET):
        return httpx.delete(
            f"{self.url}/webhooks/gateway/{sender}", headers={"Authorization": f"Bearer {secret}"}
        )

    def store(self):
        return tracker_store.unwrap_store(self.app.ctx.agent.tracker_store)


@pytest.fixture(scope="module")
def server(archive, channels, endpoints):
    made = Server(archive, channels, endpoints)
    yield made
    made.stop()


def message(text, sender=None, **more):
    """The body of a message."""
    return {"sender": sender or uuid.uuid4().hex, "text": text, "metadata": {"turn": 3}, **more}


# ── A message's whole way ─────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_the_root_says_which_rasa_it_is(server):
    assert httpx.get(server.url).text == "Hello from Rasa: 3.6.21"


def test_a_question_gets_the_reply_of_its_action(server):
    answer = server.post("/message", message("how do i brew coffee"))

    assert answer.status_code == 200
    assert answer.json()["replies"] == [{"intent": "coffee.making", "turn": 3, "offers": []}]
    assert (
        set(answer.json()["seconds"]) == {"parse", "act"}
        and min(answer.json()["seconds"].values()) > 0
    )


def test_the_offer_of_a_story_reaches_the_action_and_not_the_gateway(server):
    answer = server.post("/message", message("how do i brew tea"))

    assert answer.json()["replies"] == [
        {"intent": "tea.making", "turn": 3, "offers": [["tea.price"]]}
    ]


def test_what_nobody_understands_is_asked_back(server):
    assert server.post("/message", message("zzz")).json()["replies"] == [{"clarify": "zzz"}]


def test_a_choice_is_answered_without_being_understood_again(server):
    answer = server.post("/message", message("What it costs", intent="tea.price"))

    assert answer.json()["replies"] == [{"intent": "tea.price", "turn": 3, "offers": []}]


@pytest.mark.parametrize("text", ["/restart", "/"])
def test_a_slash_is_no_command(server, text):
    assert server.post("/message", message(text)).json()["replies"] == [{"clarify": as_words(text)}]


@pytest.mark.parametrize(
    "text", ["🙂", "a\x00b", "x" * 5000, "{price}"], ids=lambda text: ascii(text[:9])
)
def test_an_odd_text_is_answered(server, text):
    assert server.post("/message", message(text)).json()["replies"] == [{"clarify": text}]


def test_a_conversation_goes_on_where_it_was(server):
    sender = uuid.uuid4().hex
    for text in ("how do i brew tea", "and the tea cost"):
        server.post("/message", message(text, sender))

    tracker = asyncio.run(server.store().retrieve(sender))

    said = [event.text for event in tracker.events if event.type_name == "user"]
    assert said == ["how do i brew tea", "and the tea cost"]
    assert [event.type_name for event in tracker.events].count("session_started") == 1


def test_a_forgotten_sender_is_gone(server):
    sender = uuid.uuid4().hex
    server.post("/message", message("how do i brew tea", sender))

    answer = server.delete(sender)

    assert (answer.status_code, answer.json()) == (200, {}) and asyncio.run(
        server.store().retrieve(sender)
    ) is None


def test_an_explanation_says_how_a_text_is_understood_and_keeps_nothing(server):
    before = asyncio.run(server.store().keys())

    answer = server.post("/explain", {"text": "how do i brew tea", "metadata": {}})

    assert answer.json()["intent"] == {"name": "tea.making", "confidence": 1.0}
    assert answer.json()["text"] == "how do i brew tea"
    assert asyncio.run(server.store().keys()) == before


# ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/message", None),
        ("/message", "Bearer"),
        ("/message", f"Bearer {SECRET}x"),
        ("/message", "Bearer sécret"),
        ("/message", SECRET),
        ("/explain", None),
        ("/explain", "Bearer wrong"),
    ],
)
def test_who_has_no_secret_is_refused(server, path, header):
    headers = {b"Authorization": header.encode()} if header else {}

    answer = httpx.post(
        f"{server.url}/webhooks/gateway{path}",
        json=message("brew tea", "stranger"),
        headers=headers,
    )

    assert (answer.status_code, answer.json()) == (403, {"error": "forbidden"})
    assert asyncio.run(server.store().retrieve("stranger")) is None


def test_who_has_no_secret_deletes_nothing(server):
    server.post("/message", message("how do i brew tea", "kept"))

    answer = server.delete("kept", "wrong")

    assert answer.status_code == 403 and asyncio.run(server.store().retrieve("kept")) is not None


def test_a_turn_that_breaks_off_says_of_what_kind_and_leaves_no_half_conversation(
    server, monkeypatch
):
    async def break_off(message):
        await server.store().save(await server.store().get_or_create_tracker(message.sender_id))
        raise ZeroDivisionError("a visitor's words")

    monkeypatch.setattr(server.app.ctx.agent, "handle_message", break_off)
    answer = server.post("/message", message("how do i brew tea", "unlucky"))

    assert (answer.status_code, answer.json()) == (500, {"error": "ZeroDivisionError"})
    assert asyncio.run(server.store().retrieve("unlucky")) is None


@pytest.mark.parametrize(
    "path", ["/model/parse", "/conversations/visitor/tracker", "/webhooks/rest/webhook"]
)
def test_rasas_own_api_is_closed(server, path):
    assert httpx.post(f"{server.url}{path}", json={"text": "tea"}).status_code == 404


# ── Its start ─────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_the_model_is_loaded_with_the_actions_and_the_store_that_the_endpoints_name(
    server, endpoints
):
    agent = server.app.ctx.agent

    assert agent.is_ready() and agent.action_endpoint is endpoints.action
    assert isinstance(server.store(), tracker_store.LiveTrackerStore)


def test_an_archive_that_is_none_leaves_an_agent_that_is_not_ready(tmp_path, endpoints):
    app = Sanic(f"broken{uuid.uuid4().hex}", configure_logging=False)
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")

    agent = asyncio.run(
        load_agent_on_start(str(tmp_path / "model.tar.gz"), endpoints, None, app, None)
    )

    assert not agent.is_ready()


# ── The agent alone ───────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.fixture(scope="module")
def agent(archive):
    return Agent.load(archive)


@pytest.mark.parametrize(
    ("text", "intent", "confidence"),
    [
        ("hello", "greeting", 1.0),
        ("how do i brew tea", "tea.making", 1.0),
        ("zzz", "nlu_fallback", 0.5),
    ],
)
def test_a_loaded_model_understands(agent, text, intent, confidence):
    parsed = asyncio.run(agent.processor.parse_message(UserMessage(text, metadata={"turn": 3})))

    assert parsed["intent"] == {"name": intent, "confidence": confidence}
    assert (parsed["text"], parsed["entities"]) == (text, [])


def test_a_loaded_model_knows_its_domain(agent):
    assert {"greeting", "tea.making", "nlu_fallback"} <= set(
        agent.domain.intents
    ) and agent.domain.entities == ["term"]
    assert agent.is_ready() and agent.model_name == "model.tar.gz" and len(agent.model_id) == 32
