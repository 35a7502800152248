"""`make bench-publishing`: from "Publish" at the desk to live, while visitors ask, and what they
notice of it.

A text change and new phrases, each published three times on all articles, compared with PAST
questions of visitors, under RATE messages a second. Live is when a visitor's message is answered
from the new release. Lost is a message that gets no answer, or "unavailable". Prints a table,
writes var/bench/publishing.json.

    .venv/bin/python -m benchmarks.publishing [ROUNDS]
"""

import asyncio
import json
import os
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.desk import PASSWORD
from bot.content import site_content
from bot.editor.access import passwords
from bot.releases import registry
from bot.runtime import settings
from bot.store import accounts
from bot.store import engine as store_engine
from tests.support.servers import free_port
from tests.support.visitor_history import fill

RATE, PAST, CONVERSATIONS = 5, 1000, 20
AROUND_SECONDS = 15  # before and after the exchange, in which the slowest message is looked for
LIMITS = {"text": 40, "phrases": 90}
ARTICLE, QUESTION = "myoclonus", "myoclonus.prevention"


@dataclass
class Visitors:
    """RATE messages a second of CONVERSATIONS visitors, however slow the answers are: (sent at,
    seconds, release or None)."""

    url: str
    questions: list
    sent: list = field(default_factory=list)
    faults: list = field(default_factory=list)

    async def ask(self, client, token):
        begun = time.monotonic()
        try:
            answer = await client.post(
                "/api/messages",
                json={"id": uuid.uuid4().hex, "text": random.choice(self.questions)},
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            kind = (
                answer.json()["replies"][0]["kind"]
                if answer.status_code == 200
                else f"status {answer.status_code}"
            )
        except (httpx.HTTPError, ValueError) as error:
            kind = type(error).__name__
        self.sent.append((begun, time.monotonic() - begun))
        if kind == "unavailable" or " " in kind or kind[0].isupper():
            self.faults.append((begun, kind))

    async def keep_asking(self):
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.TaskGroup() as group:
            tokens = [
                (await client.post("/api/conversations", json={})).json()["token"]
                for _ in range(CONVERSATIONS)
            ]
            next_at, number = time.monotonic(), 0
            while True:
                group.create_task(self.ask(client, tokens[number % CONVERSATIONS]))
                number, next_at = number + 1, next_at + 1 / RATE
                await asyncio.sleep(max(0.0, next_at - time.monotonic()))


async def publish(url, visitors):
    """{seconds: from "Publish" to live, log, messages, lost, slowest: of all messages meanwhile,
    around: the exchange}."""
    async with httpx.AsyncClient(base_url=f"{url}/editor", timeout=30) as desk:
        await desk.post(
            "/sign-in",
            data={"csrf": await token(desk, "/sign-in"), "name": "Ada", "password": PASSWORD},
        )
        before, csrf = await served(url), await token(desk, "/publish")
        begun = time.monotonic()
        answer = await desk.post("/publish", data={"csrf": csrf, "goal": "publish"})
        assert answer.status_code == 303, answer.text
        path = answer.headers["location"].removeprefix("/editor")
        while await served(url) == before:
            await asyncio.sleep(0.1)
            if time.monotonic() - begun > 5:
                page = (await desk.get(path)).text
                assert "not published" not in page, re.sub(r"<[^>]+>|\s+", " ", page)
                await asyncio.sleep(0.3)
        live_at = time.monotonic()
        await asyncio.sleep(AROUND_SECONDS)
        log = re.findall(r"<li>(\d\d:\d\d:\d\d) ([^<]+)</li>", (await desk.get(path)).text)
    sent = [(at, took) for at, took in visitors.sent if at >= begun]
    return {
        "seconds": live_at - begun,
        "log": log,
        "messages": len(sent),
        "lost": sum(at >= begun for at, _ in visitors.faults),
        "slowest": max(took for _, took in sent),
        "median": statistics.median(took for _, took in sent),
        "around": max(took for at, took in sent if abs(at - live_at) < AROUND_SECONDS),
    }


async def token(desk, path):
    return re.search(r'"X-CSRF": "([^"]+)"', (await desk.get(path)).text)[1]


async def served(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{url}/health/ready", timeout=30)).json()["release"]


def change(data, what, round):
    """A new text of an answer, or three new phrases of a question."""
    id = QUESTION.partition(".")[2]
    if what == "text":
        path = data / "articles" / f"{ARTICLE}.md"
        text = path.read_text()
        heading = re.search(rf"^## .*{{#{id}}}\n+", text, re.MULTILINE)
        text = text[: heading.end()] + re.sub(
            r"^(Edition \d+\. )?", f"Edition {round + 1}. ", text[heading.end() :], count=1
        )
    else:
        path = data / "phrases" / f"{ARTICLE}.yml"
        text = path.read_text()
        place = re.search(rf"^{id}:\n  train:\n", text, re.MULTILINE)
        new = "".join(
            f"    - {phrase} in edition {round + 1}\n"
            for phrase in (
                "how is myoclonus kept from coming",
                "what keeps the myoclonus away",
                "ways to avert myoclonus",
            )
        )
        text = text[: place.end()] + new + text[place.end() :]
    path.write_text(text)


async def measure(url, data, rounds):
    loaded = site_content.load_content(data)
    visitors = Visitors(
        url, [phrase for question in loaded.questions.values() for phrase in question.test]
    )
    asking = asyncio.create_task(visitors.keep_asking())
    await asyncio.sleep(5)
    quiet = [took for _, took in visitors.sent]
    found = {"quiet": statistics.median(quiet)}
    for what in LIMITS:
        found[what] = []
        for round in range(rounds):
            change(data, what, round)
            found[what].append(await publish(url, visitors))
            say(
                f"{what} {round + 1}: "
                f"{json.dumps({key: value for key, value in found[what][-1].items() if key != 'log'})}"  # noqa: E501
            )
            say(" ".join(f"{at} {step};" for at, step in found[what][-1]["log"]))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return {**found, "faults": [kind for _, kind in visitors.faults]}


def main():
    folder = Path(tempfile.mkdtemp(prefix="pamphlet-bench-"))
    port, url = free_port(), None
    try:
        data = Path(shutil.copytree(settings.ROOT / "data", folder / "data"))
        (folder / "models").mkdir()
        (folder / "models" / "encoder").symlink_to(
            settings.read_settings().path("models") / "encoder"
        )
        given = {
            "DATA": str(data),
            "MODELS": str(folder / "models"),
            "VAR": str(folder),
            "SECRET": "bench",
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "MESSAGES_PER_MINUTE": "1000000",
            "CONVERSATIONS_PER_MINUTE": "1000000",
        }
        config = settings.read_settings(given)
        say("first training")
        registry.publish_release(config, registry.train_candidate(config, lambda step, done: None))
        store_engine.migrate_database(config.database())
        engine = store_engine.connect_database(config.database())
        fill(engine, site_content.load_content(data).articles, 4 * PAST)
        accounts.accept_invitation(
            engine,
            accounts.invite_person(engine, accounts.add_person(engine, "Ada", "publisher")),
            passwords.hash_password(PASSWORD),
        )
        engine.dispose()
        url = f"http://127.0.0.1:{port}"
        with subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"], cwd=settings.ROOT, env={**os.environ, **given}
        ) as process:
            try:
                wait_ready(url, process)
                report(
                    asyncio.run(measure(url, data, int(sys.argv[1]) if len(sys.argv) > 1 else 3))
                )
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_ready(url, process):
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not start")


def report(found):
    folder = settings.ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "publishing.json").write_text(json.dumps(found, indent=1))
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {RATE} "
        f"messages a second, {PAST} past questions; "
        f"a message takes {1000 * found['quiet']:.0f} ms (median) when nothing is published\n"
    )
    print(
        "| what is published | live after, median (all) | to reach | messages meanwhile | lost | "
        "median, slowest message | slowest within "
        f"{AROUND_SECONDS} s of the exchange |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    for what, limit in LIMITS.items():
        rounds = found[what]
        seconds = [round["seconds"] for round in rounds]
        print(
            f"| {what} | {statistics.median(seconds):.1f} s "
            f"({', '.join(f'{each:.1f}' for each in sorted(seconds))}) | {limit} s | "
            f"{sum(round['messages'] for round in rounds)} | "
            f"{sum(round['lost'] for round in rounds)} | "
            f"{1000 * statistics.median(round['median'] for round in rounds):.0f} ms, "
            f"{1000 * max(round['slowest'] for round in rounds):.0f} ms | "
            f"{1000 * max(round['around'] for round in rounds):.0f} ms |"
        )
    if found["faults"]:
        print(f"lost: {', '.join(found['faults'])}")


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
