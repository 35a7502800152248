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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import aiohttp

from bot.content.reply_model import ReplyBody
from bot.conversation import metrics
from bot.releases import registry
from bot.releases.registry import NoAnswer
from bot.runtime import logs, settings

logger = logging.getLogger(__name__)
READY_SECONDS = 60  # without progress, until a Rasa that loads is given up
MOST_SECONDS = 600  # and with it
DRAIN_SECONDS = 10
# until a process that was asked to end is made to: nothing is under way in it any more
END_SECONDS = 3
STAGES = ("parse", "act")  # of a message within Rasa
# what the sender of the message is named that a new Rasa must answer before it takes over
PROBE = "probe"
LONGEST_PAUSE = 60  # seconds until what failed again and again is tried again
UNREADABLE_SECONDS = 10  # until the name of the live release is read again where it is none
FAILING_SECONDS = 5  # that a Rasa gives no good answer, before it's looked after
HANGING_SECONDS, HANGING_TIMES = 2, 5  # without a sign of life; so often, where it works
LEAST_WORK = 0.01  # of the time, which a Rasa needs that is slow and not stuck
# Rasa's niceness: where it takes every core, the gateway must still refuse, and answer who is in
# danger
BEHIND = 5
TRIED_SECONDS = 600  # after which a candidate's Rasa ends that nobody tries any more


class Late(NoAnswer):
    """Rasa gave no answer in time."""


@dataclass(eq=False)
class Rasa:
    """A Rasa process that serves one release; `archive` is the hash of what it has loaded."""

    release: str
    archive: str
    port: int
    process: subprocess.Popen[bytes]
    busy: int = 0  # messages on their way through it
    failing_since: float | None = None  # no good answer since then
    wrong_since: float | None = None  # nor any but wrong ones
    worked: float = 0.0  # its seconds of processor until it began to fail

    def runs(self) -> bool:
        return self.process.poll() is None


class Sent(TypedDict):
    """What Rasa's actions sent for one message; `seconds`: Rasa's own, of each of its stages."""

    replies: list[ReplyBody]
    understood: dict[str, Any] | None
    seconds: dict[str, float]


@dataclass
class Processes:
    """What `start` made: the live release, its Rasas, and the client that calls them."""

    config: settings.Settings
    secret: str
    client: aiohttp.ClientSession  # a third of the time that httpx takes for a call (2026-11-28)
    release: str
    rasas: list[Rasa] = field(default_factory=list)
    draining: set[Rasa] = field(default_factory=set)
    # senders that Rasa could not be told to forget
    unforgotten: set[str] = field(default_factory=set)
    tried: Rasa | None = None  # of a candidate that editors try
    tried_at: float = 0.0
    trying: asyncio.Lock = field(default_factory=asyncio.Lock)
    pause: float = 1.0  # until Rasa is looked after again
    # a release that can't be served, the seconds until it is tried again, and when that is
    refused: str | None = None
    patience: float = 0.0
    again: float = 0.0


def live_release(config: settings.Settings) -> str:
    """The id of the live release, whose every file is as it was signed; raises
    registry.ReleaseError."""
    try:
        registry.fetch_live(config)
    except registry.ReleaseError as error:
        if registry.live_release(config) is None:
            raise
        logger.error("%s; the release that is here is served", error)
    id = registry.live_release(config)
    if id is None:
        raise registry.ReleaseError(
            "no release is published; run `make run`, or `bot train` and `bot publish`"
        )
    registry.read_manifest(config, id)
    return id


@dataclass(frozen=True)
class Loading:
    """A Rasa that loads a release while the gateway itself is still being loaded, and the secret
    that it was given."""

    rasa: Rasa
    secret: str


def begin_loading(config: settings.Settings) -> Loading:
    """A Loading of the live release; raises registry.ReleaseError. Its process ends with ours."""
    secret = secrets.token_urlsafe(32)
    return Loading(_spawn_rasa(config, live_release(config), secret), secret)


async def start_processes(
    config: settings.Settings, id: str, loading: Loading | None = None
) -> Processes:
    """The processes of release `id`, warm and probed, the first of them `loading`; raises
    registry.ReleaseError or NoAnswer."""
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
        await stop_processes(processes)
        raise
    return processes


async def stop_processes(processes: Processes) -> None:
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


async def look_after(processes: Processes) -> float:
    """A round of keeping the Rasas alive: what hangs is ended, what has ended is started again.
    The seconds until the next, more after each failure."""
    try:
        await _end_what_hangs(processes)
        for rasa in [rasa for rasa in processes.rasas if not rasa.runs()]:
            await _restart(processes, rasa)
        await _forget(processes)
        if processes.tried and time.monotonic() - processes.tried_at > TRIED_SECONDS:
            await _end_tried(processes)
        processes.pause = 1.0
    except (registry.ReleaseError, NoAnswer, OSError) as error:
        processes.pause = min(processes.pause * 2, LONGEST_PAUSE)
        logger.error("%s; trying again in %.0f s", error, processes.pause)
    return processes.pause


async def _restart(processes: Processes, rasa: Rasa) -> None:
    logger.error("Rasa ended with %s; starting it again", rasa.process.returncode)
    metrics.RESTARTS.labels("rasa").inc()
    new = await _start_rasa(processes, processes.release)
    if rasa in processes.rasas:
        processes.rasas[processes.rasas.index(rasa)] = new
    else:  # another release took over meanwhile
        await _end(new.process)


async def follow_release(processes: Processes, check: Callable[[str], None]) -> float:
    """A round of exchanging the Rasas where another release is published; the seconds until the
    next. A release that can't be served is tried again, with growing pauses; the old one serves on.

    `check(id)` raises registry.ReleaseError for a release that may not be served.
    """
    try:
        wanted = registry.live_release(processes.config)
    except (registry.ReleaseError, OSError) as error:
        logger.error("%s; release %s is served on", error, processes.release)
        return UNREADABLE_SECONDS
    refused, again = processes.refused, processes.again
    if wanted and wanted != processes.release and (wanted != refused or time.monotonic() >= again):
        try:
            await asyncio.to_thread(check, wanted)
            await _exchange(processes, wanted)
            processes.refused = None
        except Exception as error:
            processes.patience = (
                min(processes.patience * 2, LONGEST_PAUSE) if wanted == refused else 2.0
            )
            processes.refused = wanted
            processes.again = time.monotonic() + processes.patience
            named = isinstance(error, (registry.ReleaseError, NoAnswer, OSError))
            logger.error(
                "release %s can't be served: %s; %s is served on; trying again in %.0f s",
                wanted,
                error if named else logs.place_of(error),
                processes.release,
                processes.patience,
            )
    return 1.0


async def send_message(
    processes: Processes,
    conversation: str,
    sender: str,
    text: str,
    intent: str | None,
    metadata: dict[str, Any],
) -> tuple[Sent, str]:
    """What Rasa's actions sent for one message, and the release; raises NoAnswer."""
    rasa = pick_rasa(processes, conversation)
    return await ask_rasa(processes, rasa, sender, text, intent, metadata), rasa.release


def pick_rasa(processes: Processes, conversation: str) -> Rasa:
    """The Rasa of a conversation, which stays with it as long as it runs, for it knows its place in
    a story; raises NoAnswer."""
    running = [rasa for rasa in processes.rasas if rasa.runs()]
    if not running:
        raise NoAnswer("Rasa is not running")
    rasa = processes.rasas[number_of(conversation, len(processes.rasas))]
    return rasa if rasa in running else min(running, key=lambda other: other.busy)


def number_of(conversation: str, count: int) -> int:
    """Which of so many Rasas a conversation is with."""
    return zlib.crc32(conversation.encode()) % count


async def ask_rasa(
    processes: Processes,
    rasa: Rasa,
    sender: str,
    text: str,
    intent: str | None,
    metadata: dict[str, Any],
) -> Sent:
    """What this Rasa's actions sent for one message; raises NoAnswer."""
    rasa.busy += 1
    try:
        answered = await _send(processes, rasa, sender, text, intent, metadata)
        rasa.failing_since = rasa.wrong_since = None
        return answered
    except NoAnswer as error:
        now = time.monotonic()
        if not rasa.failing_since:
            rasa.failing_since, rasa.worked = now, _processor_seconds(rasa.process.pid)
        rasa.wrong_since = None if isinstance(error, Late) else rasa.wrong_since or now
        raise
    finally:
        rasa.busy -= 1


async def explain_text(
    processes: Processes, rasa: Rasa, text: str, metadata: dict[str, Any]
) -> dict[str, Any]:
    """How this Rasa understands a text: {text, intent, intent_ranking, entities, context, scores};
    raises NoAnswer."""
    explained: dict[str, Any] = await _call(
        processes,
        rasa,
        "POST",
        "explain",
        {"text": text, "metadata": metadata},
        processes.config.answer_seconds,
    )
    return explained


async def try_out(processes: Processes, id: str) -> Rasa:
    """The Rasa of candidate `id`, started where it doesn't run; one at a time. Raises
    registry.ReleaseError, NoAnswer."""
    async with processes.trying:
        tried = processes.tried
        if not tried or tried.release != id or not tried.runs():
            await _end_tried(processes)
            processes.tried = tried = await _start_rasa(processes, id)
        processes.tried_at = time.monotonic()
        return tried


async def _end_tried(processes: Processes) -> None:
    tried, processes.tried = processes.tried, None
    if tried:
        await _end(tried.process)


async def _end_what_hangs(processes: Processes) -> None:
    """Kill a Rasa that gives no good answer for a while, where it shows no life, answers wrongly,
    or does nothing. One that is slow stays: to start it anew would take longer."""
    now = time.monotonic()
    failing = [
        rasa
        for rasa in processes.rasas
        if rasa.runs() and rasa.failing_since and now - rasa.failing_since > FAILING_SECONDS
    ]
    for rasa in failing:
        if _is_broken(rasa, now) or not await _lives(processes, rasa):
            logger.error("Rasa gives no answer; it is killed")
            rasa.process.kill()
            await asyncio.to_thread(rasa.process.wait)


def _is_broken(rasa: Rasa, now: float) -> bool:
    """Whether a Rasa that fails has only answered wrongly for long, or has done nothing."""
    if rasa.wrong_since:
        return now - rasa.wrong_since > 3 * FAILING_SECONDS
    failed = now - (rasa.failing_since or now)
    worked = _processor_seconds(rasa.process.pid) - rasa.worked
    return failed > 3 * FAILING_SECONDS and worked < LEAST_WORK * failed


async def _lives(processes: Processes, rasa: Rasa) -> bool:
    """Whether a Rasa answers to be there; one that works for others first has longer for it."""
    for _ in range(HANGING_TIMES):
        worked = _processor_seconds(rasa.process.pid)
        try:
            async with processes.client.get(
                f"http://127.0.0.1:{rasa.port}/",
                timeout=aiohttp.ClientTimeout(total=HANGING_SECONDS),
            ):
                return True
        except (aiohttp.ClientError, TimeoutError, OSError):
            if _processor_seconds(rasa.process.pid) - worked < LEAST_WORK * HANGING_SECONDS:
                return False
    return False


async def forget_sessions(processes: Processes, senders: Iterable[str]) -> None:
    """Make Rasa forget these sessions; `watch` goes on trying where it doesn't answer."""
    processes.unforgotten.update(senders)
    await _forget(processes)


async def _forget(processes: Processes) -> None:
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


async def _send(
    processes: Processes,
    rasa: Rasa,
    sender: str,
    text: str,
    intent: str | None,
    metadata: dict[str, Any],
) -> Sent:
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


async def _call(
    processes: Processes, rasa: Rasa, method: str, route: str, body: object, seconds: float
) -> Any:
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
    except TimeoutError as error:
        raise Late(f"Rasa gave no answer: {type(error).__name__}") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoAnswer(f"Rasa gave no answer: {type(error).__name__}") from error


def _is_sent(part: object) -> bool:
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
        bool(part["replies"])
        and all(isinstance(reply, dict) for reply in part["replies"])
        and isinstance(understood.get("topic") or {}, dict)
        and isinstance(understood.get("confidence") or 0, int | float)
    )


async def _exchange(processes: Processes, id: str) -> None:
    """Let new Rasas take over when they are warm and have answered their probe; the old ones drain.
    Where only answers have changed, the archive is the one that they have loaded: they stay."""
    archive = _archive_of(processes.config, id)
    if all(rasa.archive == archive and rasa.runs() for rasa in processes.rasas):
        first = processes.rasas[0]
        await _probe(processes, Rasa(id, archive, first.port, first.process))
        same = [
            Rasa(release=id, archive=archive, port=rasa.port, process=rasa.process)
            for rasa in processes.rasas
        ]
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


async def _start_rasas(processes: Processes, id: str, loading: Iterable[Rasa] = ()) -> list[Rasa]:
    """RASA_PROCESSES of them, one after the other: there are visitors to be served meanwhile.
    `loading` are being loaded already."""
    started = list(loading)
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


async def _start_rasa(processes: Processes, id: str) -> Rasa:
    rasa = _spawn_rasa(processes.config, id, processes.secret)
    _step_back(rasa)
    return await _wait_until_it_answers(processes, rasa)


def _spawn_rasa(config: settings.Settings, id: str, secret: str) -> Rasa:
    """A Rasa that begins to load release `id`, whose every file is as it was signed; raises
    registry.ReleaseError."""
    archive, port = _archive_of(config, id), _free_port()
    process = _spawn(
        [
            *registry.RASA,
            "serve",
            str(registry.folder_of(config, id) / registry.ARCHIVE),
            str(port),
        ],
        INTERNAL_SECRET=secret,
        SECRET="",
        LOG_LEVEL=config.log_level,
        LOG_FORMAT=config.log_format,
    )
    return Rasa(release=id, archive=archive, port=port, process=process)


def _step_back(rasa: Rasa) -> None:
    """Let others go before it where processor time is short: see BEHIND."""
    with contextlib.suppress(OSError):  # it has ended, which is told elsewhere
        os.setpriority(os.PRIO_PROCESS, rasa.process.pid, BEHIND)


async def _wait_until_it_answers(processes: Processes, rasa: Rasa) -> Rasa:
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


def _processor_seconds(pid: int) -> float:
    """The processor time that a process has used, as Linux tells it; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


async def _probe(processes: Processes, rasa: Rasa) -> None:
    """Have a Rasa answer from its release, whose content its actions read then; raises NoAnswer."""
    await _send(processes, rasa, f"{PROBE}-{rasa.release}", "hello", None, {})


def _archive_of(config: settings.Settings, id: str) -> str:
    """The hash of the archive of release `id`, whose every file is as it was signed; raises
    registry.ReleaseError."""
    return registry.read_manifest(config, id)["files"][registry.ARCHIVE]


def _spawn(command: list[str], **environment: str) -> subprocess.Popen[bytes]:
    """A process that ends when the pipe to its standard input does, and so with us."""
    return subprocess.Popen(
        command, cwd=settings.ROOT, stdin=subprocess.PIPE, env={**os.environ, **environment}
    )


async def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    process.terminate()
    for _ in range(END_SECONDS * 10):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.1)
    process.kill()
    await asyncio.to_thread(process.wait)


def _headers(processes: Processes) -> dict[str, str]:
    return {"Authorization": f"Bearer {processes.secret}"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
