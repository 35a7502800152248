"""The private processes behind the gateway: the Rasas of a release, each with the actions in it.
Started, watched, exchanged."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import socket
import subprocess
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot import release, settings
from bot.gateway import metrics
from bot.release import NoAnswer

logger = logging.getLogger(__name__)
READY_SECONDS = 60  # without progress, until a Rasa that loads is given up
MOST_SECONDS = 600  # and with it
DRAIN_SECONDS = 10
# until a process that was asked to end is made to: nothing is under way in it any more
END_SECONDS = 3
STAGES = ("parse", "act")  # of a message within Rasa
# what the sender of the message is named that a new Rasa must answer before it takes over
PROBE = "probe"
FAILING_SECONDS = 5  # that a Rasa gives no good answer, before it's looked after
HANGING_SECONDS = 2  # without a sign of life
# Rasa's niceness: where it takes every core, the gateway must still refuse, and answer who is in
# danger
BEHIND = 5
TRIED_SECONDS = 600  # after which a candidate's Rasa ends that nobody tries any more


@dataclass(eq=False)
class Rasa:
    """A Rasa process that serves one release; `archive` is the hash of what it has loaded."""

    release: str
    archive: str
    port: int
    process: subprocess.Popen
    busy: int = 0  # messages on their way through it
    failing_since: float | None = None  # no good answer since then

    def runs(self):
        return self.process.poll() is None


@dataclass
class Processes:
    """What `start` made: the live release, its Rasas, and the client that calls them."""

    config: settings.Settings
    secret: str
    client: aiohttp.ClientSession  # a third of the time that httpx takes for a call (2026-11-28)
    release: str
    rasas: list = field(default_factory=list)
    draining: set = field(default_factory=set)
    unforgotten: set = field(default_factory=set)  # senders that Rasa could not be told to forget
    tried: Rasa | None = None  # of a candidate that editors try
    tried_at: float = 0.0
    trying: asyncio.Lock = field(default_factory=asyncio.Lock)


def live_release(config):
    """The id of the live release, whose every file is as it was signed; raises
    release.ReleaseError."""
    try:
        release.fetch(config)
    except release.ReleaseError as error:
        if release.live(config) is None:
            raise
        logger.error("%s; the release that is here is served", error)
    id = release.live(config)
    if id is None:
        raise release.ReleaseError(
            "no release is published; run `make run`, or `bot train` and `bot publish`"
        )
    release.read_manifest(config, id)
    return id


@dataclass(frozen=True)
class Loading:
    """A Rasa that loads a release while the gateway itself is still being loaded, and the secret
    that it was given."""

    rasa: Rasa
    secret: str


def begin(config):
    """A Loading of the live release; raises release.ReleaseError. Its process ends with ours."""
    secret = secrets.token_urlsafe(32)
    return Loading(_spawn_rasa(config, live_release(config), secret), secret)


async def start(config, id, loading=None):
    """The processes of release `id`, warm and probed, the first of them `loading`; raises
    release.ReleaseError or NoAnswer."""
    processes = Processes(
        config=config,
        secret=loading.secret if loading else secrets.token_urlsafe(32),
        release=id,
        client=aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                # before Rasa's 5 s: a message would be lost
                limit=200,
                keepalive_timeout=2,
            )
        ),
    )
    try:
        processes.rasas = await _start_rasas(processes, id, [loading.rasa] if loading else [])
    except BaseException:
        await stop(processes)
        raise
    return processes


async def stop(processes):
    """End every process: asked first, made to after END_SECONDS."""
    found = [
        rasa.process
        for rasa in [
            *processes.rasas,
            *processes.draining,
            *([processes.tried] if processes.tried else []),
        ]
    ]
    await asyncio.gather(*(_end(process) for process in found))
    await processes.client.close()


async def watch(processes, check):
    """Keep them alive, with growing pauses, and exchange the Rasas when another release is
    published; never returns.

    `check(id)` raises release.ReleaseError for a release that may not be served.
    """
    pause = 1.0
    # a release that can't be served, the seconds until it is tried again, and when that is
    refused, patience, again = None, 0.0, 0.0
    while True:
        await asyncio.sleep(pause)
        try:
            await _end_what_hangs(processes)
            for rasa in [rasa for rasa in processes.rasas if not rasa.runs()]:
                logger.error("Rasa ended with %s; starting it again", rasa.process.returncode)
                metrics.RESTARTS.labels("rasa").inc()
                processes.rasas[processes.rasas.index(rasa)] = await _start_rasa(
                    processes, processes.release
                )
            wanted = release.live(processes.config)
            if (
                wanted
                and wanted != processes.release
                and (wanted != refused or time.monotonic() >= again)
            ):
                try:
                    await asyncio.to_thread(check, wanted)
                    await _exchange(processes, wanted)
                    refused = None
                except (release.ReleaseError, NoAnswer, OSError) as error:
                    patience = min(patience * 2, 60) if wanted == refused else 2.0
                    refused, again = wanted, time.monotonic() + patience
                    logger.error("%s; trying again in %.0f s", error, patience)
            await _forget(processes)
            if processes.tried and time.monotonic() - processes.tried_at > TRIED_SECONDS:
                await _end_tried(processes)
            pause = 1.0
        except (release.ReleaseError, NoAnswer, OSError) as error:
            pause = min(pause * 2, 60)
            logger.error("%s; trying again in %.0f s", error, pause)


async def send(processes, conversation, sender, text, intent, metadata):
    """What Rasa's actions sent for one message, and the release: {"replies": [...], "understood":
    {...}, "seconds": {stage: Rasa's own}}; raises NoAnswer."""
    rasa = pick(processes, conversation)
    return await ask(processes, rasa, sender, text, intent, metadata), rasa.release


def pick(processes, conversation):
    """The Rasa of a conversation, which stays with it as long as it runs, for it knows its place in
    a story; raises NoAnswer."""
    running = [rasa for rasa in processes.rasas if rasa.runs()]
    if not running:
        raise NoAnswer("Rasa is not running")
    rasa = processes.rasas[zlib.crc32(conversation.encode()) % len(processes.rasas)]
    return rasa if rasa in running else min(running, key=lambda other: other.busy)


async def ask(processes, rasa, sender, text, intent, metadata):
    """As `send`, of this Rasa; without the release."""
    rasa.busy += 1
    try:
        answered = await _send(processes, rasa, sender, text, intent, metadata)
        rasa.failing_since = None
        return answered
    except NoAnswer:
        rasa.failing_since = rasa.failing_since or time.monotonic()
        raise
    finally:
        rasa.busy -= 1


async def explain(processes, rasa, text, metadata):
    """How this Rasa understands a text: {text, intent, intent_ranking, entities, context, scores};
    raises NoAnswer."""
    return await _call(
        processes,
        rasa,
        "POST",
        "explain",
        {"text": text, "metadata": metadata},
        processes.config.answer_seconds,
    )


async def try_out(processes, id):
    """The Rasa of candidate `id`, started where it doesn't run; one at a time. Raises
    release.ReleaseError, NoAnswer."""
    async with processes.trying:
        if not processes.tried or processes.tried.release != id or not processes.tried.runs():
            await _end_tried(processes)
            processes.tried = await _start_rasa(processes, id)
        processes.tried_at = time.monotonic()
        return processes.tried


async def _end_tried(processes):
    tried, processes.tried = processes.tried, None
    if tried:
        await _end(tried.process)


async def _end_what_hangs(processes):
    """Kill a process that gives no sign of life, where messages have failed for a while; and a Rasa
    that lives but can't answer."""
    now = time.monotonic()
    failing = [
        rasa
        for rasa in processes.rasas
        if rasa.runs() and rasa.failing_since and now - rasa.failing_since > FAILING_SECONDS
    ]
    for rasa in failing:
        if not await _lives(processes, rasa.port) or now - rasa.failing_since > 3 * FAILING_SECONDS:
            logger.error("Rasa gives no answer; it is killed")
            rasa.process.kill()
            await asyncio.to_thread(rasa.process.wait)


async def _lives(processes, port):
    try:
        async with processes.client.get(
            f"http://127.0.0.1:{port}/", timeout=aiohttp.ClientTimeout(total=HANGING_SECONDS)
        ):
            return True
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


async def forget(processes, senders):
    """Make Rasa forget these sessions; `watch` goes on trying where it doesn't answer."""
    processes.unforgotten.update(senders)
    await _forget(processes)


async def _forget(processes):
    for sender in sorted(processes.unforgotten):
        for rasa in [
            *processes.rasas,
            *processes.draining,
            *([processes.tried] if processes.tried else []),
        ]:
            if not rasa.runs():
                continue  # what it knew has gone with it
            try:
                await _call(processes, rasa, "DELETE", sender, None, 2)
            except NoAnswer:
                return
        processes.unforgotten.discard(sender)


async def _send(processes, rasa, sender, text, intent, metadata):
    body = await _call(
        processes,
        rasa,
        "POST",
        "message",
        {
            "sender": sender,
            "text": text,
            "intent": intent,
            "metadata": {**metadata, "release": rasa.release},
        },
        processes.config.answer_seconds,
    )
    try:
        sent, seconds = body["replies"], {stage: float(body["seconds"][stage]) for stage in STAGES}
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer(f"Rasa gave no answer: {type(error).__name__}") from error
    if not isinstance(sent, list) or not sent or not all(_is_sent(part) for part in sent):
        raise NoAnswer("Rasa gave an empty answer")
    # false for what is no number, too
    if not all(0 <= passed <= processes.config.answer_seconds for passed in seconds.values()):
        raise NoAnswer("Rasa tells of seconds that can't be")
    return {
        "replies": [reply for part in sent for reply in part["replies"]],
        "understood": sent[0].get("understood"),
        "seconds": seconds,
    }


async def _call(processes, rasa, method, route, body, seconds):
    """What a route of a Rasa's private channel gives within so many seconds; raises NoAnswer."""
    try:
        async with processes.client.request(
            method,
            f"http://127.0.0.1:{rasa.port}/webhooks/gateway/{route}",
            json=body,
            headers=_headers(processes),
            timeout=aiohttp.ClientTimeout(total=seconds),
            raise_for_status=True,
        ) as response:
            return json.loads(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoAnswer(f"Rasa gave no answer: {type(error).__name__}") from error


def _is_sent(part):
    """Whether it is what our actions send: {"replies": [reply, ...], "understood": {"topic": ...,
    "confidence": ...} or None}."""
    if (
        not isinstance(part, dict)
        or not isinstance(part.get("replies"), list)
        or not isinstance(part.get("understood") or {}, dict)
    ):
        return False
    # a wrong topic would go back to Rasa with every later message
    understood = part.get("understood") or {}
    return (
        part["replies"]
        and all(isinstance(reply, dict) for reply in part["replies"])
        and isinstance(understood.get("topic") or {}, dict)
        and isinstance(understood.get("confidence") or 0, int | float)
    )


async def _exchange(processes, id):
    """Let new Rasas take over when they are warm and have answered their probe; the old ones drain.
    Where only answers have changed, the archive is the one that they have loaded: they stay."""
    archive = _archive_of(processes.config, id)
    if all(rasa.archive == archive and rasa.runs() for rasa in processes.rasas):
        same = [
            Rasa(release=id, archive=archive, port=rasa.port, process=rasa.process)
            for rasa in processes.rasas
        ]
        await _probe(processes, same[0])
        logger.warning("release %s took over from %s, with the same archive", id, processes.release)
        processes.rasas, processes.release = same, id
        return
    new = await _start_rasas(processes, id)
    old, processes.rasas = processes.rasas, new
    processes.draining.update(old)
    logger.warning("release %s took over from %s", id, processes.release)
    processes.release = id
    for _ in range(DRAIN_SECONDS * 10):
        if not any(rasa.busy for rasa in old):
            break
        await asyncio.sleep(0.1)
    for rasa in old:
        await _end(rasa.process)
        processes.draining.discard(rasa)


async def _start_rasas(processes, id, started=()):
    """RASA_PROCESSES of them, one after the other: there are visitors to be served meanwhile.
    `started` are being loaded already."""
    started = list(started)
    try:
        for rasa in started:  # nobody is there yet who could be kept waiting by it
            _step_back(await _wait_until_it_answers(processes, rasa))
        for _ in range(processes.config.rasa_processes - len(started)):
            started.append(await _start_rasa(processes, id))
    except BaseException:
        for rasa in started:
            await _end(rasa.process)
        raise
    return started


async def _start_rasa(processes, id):
    rasa = _spawn_rasa(processes.config, id, processes.secret)
    _step_back(rasa)
    return await _wait_until_it_answers(processes, rasa)


def _spawn_rasa(config, id, secret):
    """A Rasa that begins to load release `id`, whose every file is as it was signed; raises
    release.ReleaseError."""
    archive, port = _archive_of(config, id), _free_port()
    process = _spawn(
        [*release.RASA, "serve", str(release.folder_of(config, id) / release.ARCHIVE), str(port)],
        INTERNAL_SECRET=secret,
        SECRET="",
        LOG_LEVEL=config.log_level,
        LOG_FORMAT=config.log_format,
    )
    return Rasa(release=id, archive=archive, port=port, process=process)


def _step_back(rasa):
    """Let others go before it where processor time is short: see BEHIND."""
    with contextlib.suppress(OSError):  # it has ended, which is told elsewhere
        os.setpriority(os.PRIO_PROCESS, rasa.process.pid, BEHIND)


async def _wait_until_it_answers(processes, rasa):
    """The Rasa, once it has answered its probe; ended where it doesn't. Raises NoAnswer.

    A busy machine takes its time: it is waited for as long as the process works, MOST_SECONDS at
    most."""
    begun = moved = time.monotonic()
    worked = 0.0
    while True:
        try:
            await _probe(processes, rasa)
            return rasa
        except NoAnswer as error:
            if not rasa.runs():
                raise NoAnswer(
                    f"Rasa ended with {rasa.process.returncode} while loading release "
                    f"{rasa.release}"
                ) from error
            now, seconds = time.monotonic(), _processor_seconds(rasa.process.pid)
            if seconds > worked + 0.5:
                worked, moved = seconds, now
            if now - moved > READY_SECONDS or now - begun > MOST_SECONDS:
                await _end(rasa.process)
                raise NoAnswer(
                    f"Rasa did not answer its probe within {now - begun:.0f} s with release "
                    f"{rasa.release}: is the machine short of memory, or very busy? Try again"
                ) from error
        await asyncio.sleep(0.1)


def _processor_seconds(pid):
    """The processor time that a process has used, as Linux tells it; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


async def _probe(processes, rasa):
    """Have a Rasa answer from its release, whose content its actions read then; raises NoAnswer."""
    await _send(processes, rasa, f"{PROBE}-{rasa.release}", "hello", None, {})


def _archive_of(config, id):
    """The hash of the archive of release `id`, whose every file is as it was signed; raises
    release.ReleaseError."""
    return release.read_manifest(config, id)["files"][release.ARCHIVE]


def _spawn(command, **environment):
    """A process that ends when the pipe to its standard input does, and so with us."""
    return subprocess.Popen(
        command, cwd=settings.ROOT, stdin=subprocess.PIPE, env={**os.environ, **environment}
    )


async def _end(process):
    if process.stdin:
        process.stdin.close()
    process.terminate()
    for _ in range(END_SECONDS * 10):
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
