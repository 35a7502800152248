"""Which Rasa is killed: one that is dead, wrong or stuck, and none that is only slow."""

import asyncio
import subprocess
import sys
import time

import aiohttp
import pytest

from bot.conversation import rasa_processes
from bot.runtime import settings
from tests.support import servers

# it counts in a file how often it was asked whether it is there
SCRIPT = """
import http.server, sys, threading, time
MODE, SEEN, PORT = sys.argv[1:]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(SEEN, "a") as seen:
            seen.write("x")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        if MODE == "wrong":
            self.send_error(500)
            return
        while True:
            MODE == "stuck" and time.sleep(60)
            sum(range(1000))
            time.sleep(0.001)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
"""


@pytest.fixture
def made(tmp_path, monkeypatch, request):
    """(Processes with one stand-in for Rasa, the file of how often it was looked at)."""
    monkeypatch.setattr(rasa_processes, "FAILING_SECONDS", 0.3)
    port, seen = servers.free_port(), tmp_path / "seen"
    seen.touch()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, request.param, str(seen), str(port)])
    rasa = rasa_processes.Rasa(release="r", archive="a", port=port, process=process)
    config = settings.read_settings({"ANSWER_SECONDS": "0.3", "MODELS": str(tmp_path)})
    yield rasa_processes.Processes(config, "secret", None, "r", [rasa]), seen
    process.kill()
    process.wait()


async def is_there(made, rasa):
    try:
        async with made.client.get(f"http://127.0.0.1:{rasa.port}/"):
            return True
    except aiohttp.ClientError:
        return False


async def look_after(made):
    while True:
        # as seldom as in life: ten looks a second were 1 % of a slow machine's time, LEAST_WORK
        await asyncio.sleep(await rasa_processes.look_after(made))


async def fail_and_watch(made, until):
    """Let messages fail while the processes are watched, until `until()`."""
    async with aiohttp.ClientSession() as made.client:
        rasa = made.rasas[0]
        async with asyncio.timeout(60):
            while not await is_there(made, rasa):
                await asyncio.sleep(0.1)
        watching = asyncio.create_task(look_after(made))
        async with asyncio.timeout(60):
            while not until():
                if rasa.runs():
                    with pytest.raises(rasa_processes.NoAnswer):
                        await rasa_processes.ask_rasa(made, rasa, "s", "hello", None, {})
                await asyncio.sleep(0.1)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize("made", ["slow"], indirect=True)
def test_a_rasa_that_is_there_and_works_is_not_killed_however_late_its_answers_are(made):
    running, seen = made
    begun = time.monotonic()

    def has_failed_long():
        looked = len(seen.read_text()) >= 6
        return looked and time.monotonic() - begun > 10 * rasa_processes.FAILING_SECONDS

    asyncio.run(fail_and_watch(running, has_failed_long))
    assert running.rasas[0].runs()


@pytest.mark.parametrize("made", ["wrong", "stuck"], indirect=True)
def test_a_rasa_that_is_there_and_does_nothing_or_answers_wrongly_is_killed(made):
    running, _ = made
    rasa = running.rasas[0]
    asyncio.run(fail_and_watch(running, lambda: not rasa.runs()))
    assert rasa.process.wait() == -9
