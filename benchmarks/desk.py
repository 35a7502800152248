"""How long the editors' desk takes with 100,000 turns in the database.

In a real Chromium, at a real gateway: a question's page when it is the first that anybody opens
after a start, and later; its preview after a key; the median of ROUNDS. Then each page by itself,
without a browser: median and worst of TRIES, one after another.

    .venv/bin/python -m benchmarks.desk [TURNS]
"""

import contextlib
import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from fastapi import FastAPI
from playwright.sync_api import sync_playwright
from starlette.testclient import TestClient

from bot.editor.access import passwords
from bot.editor.app import create_app
from bot.releases import registry
from bot.runtime import settings
from bot.store import accounts
from bot.store import engine as store_engine
from tests.support.browser import launch
from tests.support.servers import free_port
from tests.support.visitor_history import DAYS, fill

ROUNDS, TRIES = 5, 15
# the pages of questions that are opened, the first one first
QUESTIONS = ("hiccups/causes", "myoclonus/treatment", "restless_legs/causes", "epilepsy/what_is")
LIMITS = {"first": 1.5, "later": 0.4, "preview": 0.5}  # seconds
PREVIEWED = """() => new Promise((done) => {
    const text = document.querySelector('[name=text]')
    document.addEventListener('htmx:afterSwap', () => {
        requestAnimationFrame(() => done(performance.now() - begun))}, {once: true})
    const begun = performance.now()
    text.value += ' So.'
    text.dispatchEvent(new Event('input', {bubbles: true}))})"""
PASSWORD = "correct horse battery"


def measure(client, path):
    """(status, kB, median ms, worst ms) of a page."""
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        answer = client.get(path)
        times.append(1000 * (time.perf_counter() - begun))
    return answer.status_code, len(answer.content) / 1000, statistics.median(times), max(times)


def _once(client, path):
    begun = time.perf_counter()
    client.get(path)
    return time.perf_counter() - begun


@contextlib.contextmanager
def serving(config):
    """The address of a gateway of its own, which was just started."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    given = {**os.environ, **settings.settings_environment(config), "PORT": str(port)}
    command = [sys.executable, "-m", "bot", "serve"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    secret = {"SECRET": config.secret}
    with subprocess.Popen(command, cwd=settings.ROOT, env={**given, **secret}, **quiet) as process:
        try:
            while not is_ready(url):
                assert process.poll() is None, "the gateway did not start"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def is_ready(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def browse(config, token):
    """{what: seconds of each round} in a Chromium that is signed in by a session's token."""
    took = {what: [] for what in LIMITS}
    with sync_playwright() as playwright, contextlib.closing(launch(playwright)) as chromium:
        for _ in range(ROUNDS):
            with serving(config) as url, contextlib.closing(chromium.new_context()) as context:
                cookie = {"name": "desk", "value": token, "domain": "127.0.0.1"}
                context.add_cookies([{**cookie, "path": "/editor"}])
                tab = context.new_page()
                for what, question in zip(["first", *["later"] * 9], QUESTIONS, strict=False):
                    begun = time.perf_counter()
                    tab.goto(f"{url}/editor/articles/{question}", timeout=60_000)
                    took[what].append(time.perf_counter() - begun)
                    assert tab.locator("#look").count(), tab.content()
                took["preview"].append(tab.evaluate(PREVIEWED) / 1000)
                took["preview"].append(tab.evaluate(PREVIEWED) / 1000)
    return took


def report_browsed(took):
    print("| in Chromium | median s | worst s | to reach |\n| --- | --- | --- | --- |")
    for what, limit in LIMITS.items():
        median, worst = statistics.median(took[what]), max(took[what])
        print(f"| {what} ({len(took[what])}) | {median:.2f} | {worst:.2f} | {limit} |")


def main():
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    folder = Path(tempfile.mkdtemp(prefix="desk-"))
    try:
        shutil.copytree(settings.ROOT / "data", folder / "data")
        config = dataclasses.replace(
            settings.read_settings(),
            database_url=f"sqlite:///{folder}/desk.db",
            data=str(folder / "data"),
            var=str(folder),
            secret=settings.site_secret(settings.read_settings()),
            retention_days=2 * DAYS,  # none of them goes while it is measured
        )
        store_engine.migrate_database(config.database())
        engine = store_engine.connect_database(config.database())
        app = FastAPI()
        app.mount("/editor", create_app(config, engine, None))
        from bot.editor.shared import content_cache

        desk = next(route.app.state.desk for route in app.routes if route.path == "/editor")
        fill(
            engine,
            content_cache.read_articles(desk),
            turns,
            releases=[id for id, state in registry.list_releases(config) if state != "candidate"]
            or ["none"],
        )
        ada = accounts.add_person(engine, "Ada", "admin")
        token = accounts.invite_person(engine, ada)
        accounts.accept_invitation(engine, token, passwords.hash_password(PASSWORD))
        report_browsed(browse(config, accounts.open_session(engine, ada)))
        with TestClient(app, base_url="http://desk") as client:
            report_pages(client, turns)
        engine.dispose()
    finally:
        shutil.rmtree(folder)


def report_pages(client, turns):
    page = client.get("/editor/sign-in").text
    token = page.split('"X-CSRF": "')[1].split('"')[0]
    client.post("/editor/sign-in", data={"csrf": token, "name": "Ada", "password": PASSWORD})
    begun = time.perf_counter()
    while "is being grouped" in client.get("/editor/review").text:
        time.sleep(0.1)
    print(
        f"{turns:,} turns; first grouping {time.perf_counter() - begun:.1f} s, in a thread behind "
        f"the pages"
    )
    print(f"first view of the numbers {1000 * _once(client, '/editor/numbers'):.0f} ms", end="")
    begun = time.perf_counter()
    while "are being counted" in client.get("/editor/numbers").text:
        time.sleep(0.02)
    print(f", counted {time.perf_counter() - begun:.1f} s later, in a thread behind the pages")
    print("| page | status | kB | median ms | worst ms |\n| --- | --- | --- | --- | --- |")
    for path in pages(client):
        status, size, median, worst = measure(client, f"/editor{path}")
        print(f"| `{path}` | {status} | {size:.0f} | {median:.0f} | {worst:.0f} |")


def pages(client):
    """The pages that show what visitors said, and the filters that let least through."""
    first = (
        client.get("/editor/conversations").text.split("/editor/conversations/")[1].split('"')[0]
    )
    return [
        "/review",
        "/review/aside",
        "/drafts",
        "/reports",
        "/reports?ended=true",
        "/reports/1",
        "/conversations",
        "/conversations?outcome=emergency",
        "/conversations?vote=inaccurate",
        "/conversations?article=hiccups&channel=whatsapp&vote=no",
        "/conversations?outcome=crisis",
        "/conversations?release=none-such",
        f"/conversations/{first}",
        "/numbers",
        "/numbers/questions.csv",
        "/articles",
        "/articles/hiccups",
        "/tables/terms",
        "/tables/safety",
        "/publish",
        "/audit",
        "/people",
    ]


if __name__ == "__main__":
    main()
