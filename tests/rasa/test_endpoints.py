"""endpoints.yml and credentials.yml, and what Rasa makes of them."""

import asyncio
from pathlib import Path

import aiohttp.web
import pytest
from rasa.core.lock_store import InMemoryLockStore, LockStore
from rasa.core.run import create_http_input_channels
from rasa.core.utils import AvailableEndpoints, number_of_sanic_workers
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from bot.rasa.channel import GatewayInput
from bot.rasa.local_actions import LocalActions

ROOT = Path(__file__).resolve().parents[2]
OUR_ACTIONS = {
    "action_answer",
    "action_article_info",
    "action_clarify",
    "action_decline",
    "action_talk",
}


def read(folder, text):
    """The endpoints of a YAML."""
    (folder / "endpoints.yml").write_text(text)
    return AvailableEndpoints.read_endpoints(str(folder / "endpoints.yml"))


@pytest.fixture(scope="module")
def ours():
    return AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))


# ── Our own files ─────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_our_actions_run_in_rasas_process_and_are_all_there(ours):
    assert (
        isinstance(ours.action, LocalActions) and set(ours.action.executor.actions) >= OUR_ACTIONS
    )


def test_our_endpoints_name_the_stores_and_nothing_else(ours):
    assert ours.tracker_store.type == "bot.rasa.tracker_store.LiveTrackerStore"
    assert ours.lock_store.type == "in_memory" and isinstance(
        LockStore.create(ours.lock_store), InMemoryLockStore
    )
    assert (ours.nlg, ours.nlu, ours.model, ours.event_broker) == (None, None, None, None)


def test_one_worker_serves(ours, monkeypatch):
    monkeypatch.delenv("SANIC_WORKERS", raising=False)

    assert number_of_sanic_workers(ours.lock_store) == 1


def test_our_credentials_name_one_channel_with_the_secret_of_the_environment(monkeypatch):
    monkeypatch.setenv("INTERNAL_SECRET", "s3cret")

    (channel,) = create_http_input_channels(None, str(ROOT / "credentials.yml"))

    assert (
        isinstance(channel, GatewayInput)
        and channel.secret == "s3cret"
        and channel.url_prefix() == "gateway"
    )


def test_credentials_without_a_secret_in_the_environment_are_refused(monkeypatch):
    monkeypatch.delenv("INTERNAL_SECRET", raising=False)

    with pytest.raises(RasaException, match="INTERNAL_SECRET"):
        create_http_input_channels(None, str(ROOT / "credentials.yml"))


# ── Others ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_a_channel_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "credentials.yml").write_text("bot.rasa.channel.Pigeon:\n  secret: s3cret\n")

    with pytest.raises(RasaException, match=r"bot\.rasa\.channel\.Pigeon"):
        create_http_input_channels(None, str(tmp_path / "credentials.yml"))


def test_a_package_of_actions_is_read(tmp_path):
    endpoint = read(
        tmp_path, "action_endpoint:\n  actions_module: tests.rasa.sample_actions\n"
    ).action

    assert isinstance(endpoint, LocalActions) and "sample_answer" in endpoint.executor.actions


def test_a_package_of_actions_that_does_not_exist_ends_the_process_and_is_named_in_the_log(caplog):
    with pytest.raises(SystemExit):
        LocalActions("no_such_package")

    assert "Failed to register package 'no_such_package'" in caplog.text


def test_an_address_of_an_action_server_is_read(tmp_path):
    endpoint = read(tmp_path, "action_endpoint:\n  url: http://localhost:5055/webhook\n").action

    assert type(endpoint) is EndpointConfig and endpoint.url == "http://localhost:5055/webhook"


def test_endpoints_without_actions_have_none(tmp_path):
    assert read(tmp_path, "lock_store:\n  type: in_memory\n").action is None


# ── An action server, as `url:` names it ──────────────────────────────────────────────────────────────────────  # noqa: E501


class ActionServer:
    """Gives `answer` to whatever it is called with, which is in `seen`."""

    def __init__(self, answer):
        self.answer, self.seen = answer, []

    async def handle(self, request):
        self.seen.append(await request.json())
        return self.answer

    async def call(self):
        """What an endpoint with the address of this server makes of the answer."""
        app = aiohttp.web.Application()
        app.router.add_post("/webhook", self.handle)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        try:
            await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
            endpoint = EndpointConfig.from_dict(
                {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"}
            )
            return await endpoint.request(json={"next_action": "action_answer"}, timeout=5)
        finally:
            await runner.cleanup()


def test_a_server_gets_json_and_its_json_is_given_back():
    server = ActionServer(aiohttp.web.json_response({"events": [], "responses": []}))

    result = asyncio.run(server.call())

    assert (result, server.seen) == (
        {"events": [], "responses": []},
        [{"next_action": "action_answer"}],
    )


def test_a_failing_server_is_an_error_with_its_status():
    with pytest.raises(ClientResponseError) as caught:
        asyncio.run(ActionServer(aiohttp.web.Response(status=500, text="broken")).call())

    assert caught.value.status == 500


def test_an_answer_that_is_no_json_is_none():
    assert asyncio.run(ActionServer(aiohttp.web.Response(text="hello")).call()) is None
