"""How long each page of the editors' desk takes with 100,000 turns in the database: median and
worst of 15, one after another.

    .venv/bin/python -m benchmarks.desk [TURNS]
"""

import dataclasses
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.editor.access import passwords
from bot.editor.app import create_app
from bot.releases import registry
from bot.runtime import settings
from bot.store import accounts
from bot.store import engine as store_engine
from tests.support.visitor_history import fill

ROUNDS = 15
PASSWORD = "correct horse battery"


def measure(client, path):
    """(status, kB, median ms, worst ms) of a page."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        answer = client.get(path)
        times.append(1000 * (time.perf_counter() - begun))
    return answer.status_code, len(answer.content) / 1000, statistics.median(times), max(times)


def _once(client, path):
    begun = time.perf_counter()
    client.get(path)
    return time.perf_counter() - begun


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
            secret="benchmark",
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
        accounts.accept_invitation(
            engine,
            accounts.invite_person(engine, accounts.add_person(engine, "Ada", "admin")),
            passwords.hash_password(PASSWORD),
        )
        with TestClient(app, base_url="http://desk") as client:
            page = client.get("/editor/sign-in").text
            token = page.split('"X-CSRF": "')[1].split('"')[0]
            client.post(
                "/editor/sign-in", data={"csrf": token, "name": "Ada", "password": PASSWORD}
            )
            begun = time.perf_counter()
            while "is being grouped" in client.get("/editor/review").text:
                time.sleep(0.1)
            print(
                f"{turns:,} turns; first grouping {time.perf_counter() - begun:.1f} s, in a "
                f"thread behind the pages"
            )
            print(
                f"first view of the numbers {1000 * _once(client, '/editor/numbers'):.0f} ms",
                end="",
            )
            begun = time.perf_counter()
            while "are being counted" in client.get("/editor/numbers").text:
                time.sleep(0.02)
            print(
                f", counted {time.perf_counter() - begun:.1f} s later, in a thread behind the pages"
            )
            print("| page | status | kB | median ms | worst ms |\n| --- | --- | --- | --- | --- |")
            for path in pages(client):
                status, size, median, worst = measure(client, f"/editor{path}")
                print(f"| `{path}` | {status} | {size:.0f} | {median:.0f} | {worst:.0f} |")
        engine.dispose()
    finally:
        shutil.rmtree(folder)


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
