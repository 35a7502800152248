"""The private processes behind the gateway: the action server, and one Rasa a release. Started, watched, exchanged."""

import asyncio
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

import httpx

from bot import release, settings
from bot.release import NoAnswer

logger = logging.getLogger(__name__)
READY_SECONDS = 60
DRAIN_SECONDS = 10
PROBE = "probe"  # the sender of the message that a new Rasa must answer before it takes over


@dataclass
class Rasa:
    """A Rasa process that serves one release."""

    release: str
    port: int
    process: subprocess.Popen
    busy: int = 0  # messages on their way through it


@dataclass
class Processes:
    """What `start` made: the live Rasa (None while there is none), the action server, and the client that calls them."""

    config: settings.Settings
    secret: str
    client: httpx.AsyncClient
    actions_port: int
    actions: subprocess.Popen | None = None
    rasa: Rasa | None = None
    draining: set = field(default_factory=set)
    unforgotten: set = field(default_factory=set)  # senders that Rasa could not be told to forget


def live_release(config):
    """The id of the live release, whose every file is as it was signed; raises release.ReleaseError."""
    id = release.live(config)
    if id is None:
        raise release.ReleaseError("no release is published; run `make run`, or `bot train` and `bot publish`")
    release.read_manifest(config, id)
    return id


async def start(config, id):
    """The processes of release `id`, warm and probed; raises release.ReleaseError or NoAnswer."""
    processes = Processes(config=config, secret=secrets.token_urlsafe(32), actions_port=_free_port(),
                          client=httpx.AsyncClient(limits=httpx.Limits(max_connections=200, max_keepalive_connections=50)))
    try:
        processes.actions = _start_actions(processes)
        processes.rasa = await _start_rasa(processes, id)
    except BaseException:
        await stop(processes)
        raise
    return processes


async def stop(processes):
    """End every process: asked first, made to after DRAIN_SECONDS."""
    found = [rasa.process for rasa in [processes.rasa, *processes.draining] if rasa]
    for process in [*found, *([processes.actions] if processes.actions else [])]:
        await _end(process)
    await processes.client.aclose()


async def watch(processes):
    """Keep them alive, with growing pauses, and exchange Rasa when another release is published; never returns."""
    pause = 1.0
    while True:
        await asyncio.sleep(pause)
        try:
            if processes.actions.poll() is not None:
                logger.error("the action server ended with %s; starting it again", processes.actions.returncode)
                processes.actions = _start_actions(processes)
            wanted = release.live(processes.config)
            if processes.rasa.process.poll() is not None:
                logger.error("Rasa ended with %s; starting it again", processes.rasa.process.returncode)
                processes.rasa = await _start_rasa(processes, processes.rasa.release)
            elif wanted and wanted != processes.rasa.release:
                await _exchange(processes, wanted)
            await _forget(processes)
            pause = 1.0
        except (release.ReleaseError, NoAnswer, OSError) as error:
            pause = min(pause * 2, 60)
            logger.error("%s; trying again in %.0f s", error, pause)


async def send(processes, sender, text, intent, metadata):
    """What Rasa's actions sent for one message: {"replies": [...], "understood": {...}}, and the release; raises NoAnswer."""
    rasa = processes.rasa
    if rasa is None or rasa.process.poll() is not None:
        raise NoAnswer("Rasa is not running")
    rasa.busy += 1
    try:
        return await _send(processes, rasa, sender, text, intent, metadata), rasa.release
    finally:
        rasa.busy -= 1


async def forget(processes, senders):
    """Make Rasa forget these sessions; `watch` goes on trying where it doesn't answer."""
    processes.unforgotten.update(senders)
    await _forget(processes)


async def _forget(processes):
    for sender in sorted(processes.unforgotten):
        for rasa in [processes.rasa, *processes.draining]:
            if rasa is None or rasa.process.poll() is not None:
                continue  # what it knew has gone with it
            try:
                response = await processes.client.delete(f"http://127.0.0.1:{rasa.port}/webhooks/gateway/{sender}",
                                                         headers=_headers(processes), timeout=2)
                response.raise_for_status()
            except httpx.HTTPError:
                return
        processes.unforgotten.discard(sender)


async def _send(processes, rasa, sender, text, intent, metadata):
    body = {"sender": sender, "text": text, "intent": intent, "metadata": {**metadata, "release": rasa.release}}
    try:
        response = await processes.client.post(f"http://127.0.0.1:{rasa.port}/webhooks/gateway/message", json=body,
                                               headers=_headers(processes), timeout=processes.config.answer_seconds)
        response.raise_for_status()
        sent = response.json()["replies"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise NoAnswer(f"Rasa gave no answer: {type(error).__name__}") from error
    if not isinstance(sent, list) or not sent or not all(isinstance(part, dict) and part.get("replies") for part in sent):
        raise NoAnswer("Rasa gave an empty answer")
    return {"replies": [reply for part in sent for reply in part["replies"]], "understood": sent[0].get("understood")}


async def _exchange(processes, id):
    """Let a new Rasa take over when it is warm and has answered its probe; the old one drains."""
    new = await _start_rasa(processes, id)
    old, processes.rasa = processes.rasa, new
    processes.draining.add(old)
    logger.warning("release %s took over from %s", id, old.release)
    for _ in range(DRAIN_SECONDS * 10):
        if not old.busy:
            break
        await asyncio.sleep(0.1)
    await _end(old.process)
    processes.draining.discard(old)


async def _start_rasa(processes, id):
    config = processes.config
    release.read_manifest(config, id)
    port = _free_port()
    process = _spawn([str(config.path("rasa_python")), "-m", "bot.nlu", "serve",
                      str(release.folder_of(config, id) / release.ARCHIVE), str(port)],
                     ACTIONS_URL=f"http://127.0.0.1:{processes.actions_port}/", INTERNAL_SECRET=processes.secret,
                     SECRET="", LOG_LEVEL=config.log_level)
    rasa = Rasa(release=id, port=port, process=process)
    begun = time.monotonic()
    while True:
        try:
            await _send(processes, rasa, PROBE, "hello", None, {})
            return rasa
        except NoAnswer as error:
            if process.poll() is not None:
                raise NoAnswer(f"Rasa ended with {process.returncode} while loading release {id}") from error
            if time.monotonic() - begun > READY_SECONDS:
                await _end(process)
                raise NoAnswer(f"Rasa did not answer its probe within {READY_SECONDS} s with release {id}") from error
        await asyncio.sleep(0.1)


def _start_actions(processes):
    return _spawn([sys.executable, "-m", "actions", str(processes.actions_port)], INTERNAL_SECRET=processes.secret)


def _spawn(command, **environment):
    """A process that ends when the pipe to its standard input does, and so with us."""
    return subprocess.Popen(command, cwd=settings.ROOT, stdin=subprocess.PIPE, env={**os.environ, **environment})


async def _end(process):
    if process.stdin:
        process.stdin.close()
    process.terminate()
    for _ in range(DRAIN_SECONDS * 10):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.1)
    process.kill()
    await asyncio.to_thread(process.wait)


def _headers(processes):
    return {"Authorization": f"Bearer {processes.secret}"}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
