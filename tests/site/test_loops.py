"""What the gateway does again and again goes on whatever happens in a round; what ends all the same
ends the gateway, and meanwhile it doesn't call itself well."""

import ast
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import conftest
import httpx
import pytest

import bot
from bot.channels import outbox_worker
from bot.releases import registry
from bot.runtime import loops, settings
from bot.web import background_tasks
from tests.support import sites

GATEWAY = [
    Path(bot.__file__).parent / room for room in ("web", "channels", "conversation", "runtime")
]
EVERY = {"CHECK_LINKS": "weekly", "RELEASES_URL": "file:///nonexistent"}


class Fault(Exception):
    """A fault that no part of the gateway knows of."""


class Broken:
    """Raises a Fault of its own at whatever is asked of it."""

    def __init__(self, config):
        self.config = config

    def __getattr__(self, name):
        raise Fault(f"qqcanary {name}")


def listed(desk, config, post):
    post.__dict__.update(received=asyncio.Event(), queued=asyncio.Event(), under_way=set())
    return background_tasks.list_loops(desk, lambda id: None, post)


def broken_functions(monkeypatch, name):
    """Every function that a round calls in another module raises a Fault of its own."""

    def fail(*arguments, **named):
        raise Fault(f"qqcanary {name}")

    for module, function in (
        (background_tasks.registry, "fetch_live"),
        (background_tasks.source_links, "read_kept_links"),
        (background_tasks.unstored_replies, "store_all"),
        (background_tasks.rasa_processes, "look_after"),
        (background_tasks.rasa_processes, "follow_release"),
        (outbox_worker, "_claim"),
    ):
        monkeypatch.setattr(module, function, fail)


def names():
    config = settings.read_settings(EVERY)
    return [loop.name for loop in listed(Broken(config), config, Broken(config))]


@pytest.mark.parametrize("name", names())
def test_a_loop_goes_on_after_any_exception_and_tells_of_it(name, monkeypatch, caplog):
    config = settings.read_settings(EVERY)
    broken_functions(monkeypatch, name)
    monkeypatch.setattr(loops, "LONGEST_PAUSE", 0.01)
    desk = Broken(config)
    [loop] = [each for each in listed(desk, config, Broken(config)) if each.name == name]
    loop = loops.Loop(loop.name, loop.round)

    def told():
        return [record.getMessage() for record in caplog.records if name in record.getMessage()]

    async def run():
        task = asyncio.create_task(loops.run_loop(loop))
        async with asyncio.timeout(20):
            while len(told()) < 3:
                assert not task.done(), task
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(run())
    assert all(f"{name} failed (Fault at " in line and "goes on in" in line for line in told())
    assert "qqcanary" not in caplog.text


def test_nothing_in_the_gateway_runs_for_ever_but_the_loops():
    """So that the list of them is whole: `while True` stands in `run_loop`, and where a call is
    waited for."""
    found = {
        f"{path.name}: {function.name}"
        for room in GATEWAY
        for path in room.glob("**/*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
    }
    assert found == {"loops.py: run_loop", "rasa_processes.py: _wait_until_it_answers"}


def test_a_round_that_awaits_what_another_cancelled_goes_on():
    rounds_gone = []

    async def round():
        rounds_gone.append(1)
        if len(rounds_gone) == 1:
            raise asyncio.CancelledError
        return 0.01

    async def run():
        loops_running = loops.begin_loops([loops.Loop("this", round)], lambda: None)
        async with asyncio.timeout(20):
            while len(rounds_gone) < 3:
                await asyncio.sleep(0.01)
        assert loops_running.fallen() == []
        await loops.stop_loops(loops_running)
        assert loops_running.fallen() == []

    loops_pause, loops.LONGEST_PAUSE = loops.LONGEST_PAUSE, 0.01
    try:
        asyncio.run(run())
    finally:
        loops.LONGEST_PAUSE = loops_pause


def test_a_loop_that_ends_all_the_same_is_named_and_ends_the_gateway(caplog):
    async def run():
        ended = asyncio.Event()

        async def round():
            return 0.01

        running = loops.begin_loops(
            [loops.Loop("this", round), loops.Loop("that", round)], ended.set
        )
        await asyncio.sleep(0.02)
        running.tasks["that"].cancel()
        async with asyncio.timeout(20):
            await ended.wait()
        assert running.fallen() == ["that"]
        await loops.stop_loops(running)

    asyncio.run(run())
    assert "that has ended, and nobody does it any more" in caplog.text


FALLING = """
import sys
from pathlib import Path
from bot.web import background_tasks
from bot.cli.main import main
settle = background_tasks.settle_unanswered
async def fall(desk):
    if Path(sys.argv[1]).exists():
        import asyncio
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
    await settle(desk)
    return 0.1
background_tasks.settle_unanswered = fall
sys.exit(main(sys.argv[2:]))
"""


def test_a_gateway_whose_loop_has_ended_ends_itself_with_a_sentence(tmp_path):
    fall = tmp_path / "fall"
    with sites.single(tmp_path, command=(sys.executable, "-c", FALLING, str(fall))) as site:
        [gateway] = site.gateways
        assert httpx.get(f"{site.url}/health/live").json() == {"live": True}
        fall.touch()
        assert gateway.process.wait(60) == 1
        assert "settling messages without an end has ended" in gateway.log.read_text()


def test_a_service_whose_loop_has_ended_does_not_call_itself_well():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from bot.web import app

    def answer(*fallen):
        made = FastAPI()
        made.state.site = SimpleNamespace(loops=SimpleNamespace(fallen=lambda: list(fallen)))
        made.add_api_route("/health/live", app._is_live)
        return TestClient(made).get("/health/live")

    assert answer().json() == {"live": True}
    assert (answer("this").status_code, answer("this").json()) == (
        503,
        {"live": False, "faults": ["this has ended"]},
    )


@pytest.mark.parametrize("broken", [b"\0\377", b"../../etc", b"\xff\xfe" * 2000])
def test_bytes_that_name_no_release_are_a_sentence_and_rasa_is_looked_after_all_the_same(
    broken, tmp_path
):
    models = conftest.republish(tmp_path / "models", lambda data: None)
    named = (models / "live").read_bytes()
    with conftest.serving(tmp_path, MODELS=str(models)) as service:
        (models / "live").write_bytes(broken)
        wait_for(lambda: "names no release" in service.log.read_text())
        rasa = service.children()["rasa"]
        os.kill(rasa, signal.SIGKILL)
        wait_for(lambda: service.children().get("rasa", rasa) != rasa)
        wait_for(lambda: httpx.get(f"{service.url}/health/ready").status_code == 200)
        assert service.ask("can myoclonus be prevented")[0]["kind"] == "answer"
        assert httpx.get(f"{service.url}/health/live").json() == {"live": True}
        (models / "live").write_bytes(named)
        log = service.log.read_text()
        assert "Traceback" not in log and "is served on" in log


def test_what_names_no_release_is_mended_from_the_command_line(tmp_path, monkeypatch, capsys):
    from bot.cli.main import main

    models = conftest.republish(tmp_path / "models", lambda data: None)
    id = (models / "live").read_text()
    (models / "live").write_bytes(b"\0\377")
    monkeypatch.setenv("MODELS", str(models))
    monkeypatch.setenv("SECRET", settings.site_secret(settings.read_settings({})))
    with pytest.raises(registry.ReleaseError, match="names no release"):
        registry.live_release(settings.read_settings())
    assert main(["releases"]) == 0 and f"{id}  release" in capsys.readouterr().out
    assert main(["rollback", "--release", id]) == 0
    assert registry.live_release(settings.read_settings()) == id


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
