"""How long each page of the editors' desk takes with 100,000 turns in the database: median and
worst of 15, one after another.

    .venv/bin/python -m benchmarks.desk [TURNS]
"""

import dataclasses
import datetime
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import insert
from starlette.testclient import TestClient

from bot import release, settings, store
from bot.editor import passwords
from bot.editor.app import create_app
from bot.store import accounts
from bot.store.tables import Conversation, Reply, Ticket, Turn, Vote

ROUNDS = 15
DAYS = 30
PASSWORD = "correct horse battery"
CHANNELS = {"web": 0.7, "telegram": 0.2, "whatsapp": 0.1}
OUTCOMES = {
    "answer": 0.62,
    "not_covered": 0.12,
    "clarify": 0.12,
    "talk": 0.06,
    "personal_advice": 0.03,
    "out_of_scope": 0.03,
    "emergency": 0.01,
    "unavailable": 0.01,
}
ENDS = {
    "": 0.5,
    " please": 0.1,
    " for my son": 0.1,
    " at night": 0.1,
    " in old age": 0.1,
    " quickly": 0.1,
}


def fill(engine, articles, turns, seed=1, releases=("20260101-000000-aaaaaaaa",)):
    """Write so many turns of the last 30 days, 2.5 a conversation, with replies, votes and reports,
    as visitors leave them."""
    chance, now = random.Random(seed), datetime.datetime.now(datetime.UTC)
    questions = [question for article in articles.values() for question in article.questions]
    rows = {table: [] for table in (Conversation, Turn, Reply, Vote)}
    number = 0
    tickets = {}
    with engine.begin() as connection:
        while number < turns:
            at, id = now - datetime.timedelta(days=DAYS * chance.random()), uuid.uuid4().hex
            rows[Conversation].append(
                {
                    "id": id,
                    "token_hash": uuid.uuid4().hex,
                    "channel": _draw(chance, CHANNELS),
                    "article": "myoclonus",
                    "country": "GB",
                    "state": {},
                    "opened_at": at,
                    "expires_at": now,
                }
            )
            for _ in range(min(turns - number, chance.choice((1, 1, 2, 3, 4, 4)))):
                number += 1
                at += datetime.timedelta(seconds=chance.randrange(20, 120))
                turn, replied, vote = _turn(
                    chance, number, id, at, questions, releases[int(at.timestamp()) % len(releases)]
                )
                rows[Turn].append(turn)
                rows[Reply].append(replied)
                if vote:
                    rows[Vote].append(
                        {**vote, "ticket": _ticket(connection, tickets, replied, vote)}
                    )
            if len(rows[Turn]) > 5000 or number >= turns:
                for table, found in rows.items():
                    if found:
                        connection.execute(insert(table), found)
                    found.clear()


def _turn(chance, number, conversation, at, questions, used):
    outcome, question = _draw(chance, OUTCOMES), chance.choice(questions)
    near = [question, *chance.sample(questions, 4)]
    ranking = [(near_by.name, round(0.5 / place, 3)) for place, near_by in enumerate(near, 1)]
    answered = outcome == "answer"
    turn = {
        "id": number,
        "conversation": conversation,
        "message": uuid.uuid4().hex,
        "text": chance.choice(question.train) + _draw(chance, ENDS),
        "choice": None,
        "received_at": at,
        "answered_at": at,
        "outcome": outcome,
        "question": question.name if answered else None,
        "confidence": round(chance.uniform(0.5, 1), 3),
        "release": used,
        "understood": {
            "intent": question.name,
            "confidence": 0.7,
            "ranking": ranking,
            "terms": [],
            "context": {},
            "topic": None,
        },
    }
    body = {
        "id": uuid.uuid4().hex,
        "kind": outcome,
        "text": question.lead,
        "choices": [{"title": other.ask, "value": other.name} for other in near[1:4]],
    }
    if answered:
        article = question.name.partition(".")[0]
        body |= {
            "more": question.more,
            "question": question.name,
            "title": question.ask,
            "article": {
                "id": article,
                "title": article,
                "url": f"/articles/{article}",
                "written_by": "Pamphlet editors",
                "written_on": "2026-11-20",
                "reviewed_by": None,
                "reviewed_on": None,
                "review": "Not reviewed yet",
                "revision": f"{len(question.lead):012x}",
            },
            "sources": [
                {
                    "n": 1,
                    "title": "Myoclonus",
                    "publisher": "NINDS",
                    "url": "https://www.ninds.nih.gov/",
                }
            ],
            "disclaimer": "This is general information.",
            "feedback": {"ask": "Was this helpful?", "reasons": {"other": "Something else"}},
        }
    vote = None
    if answered and chance.random() < 0.15:
        helpful = chance.random() < 0.75
        reason = (
            None
            if helpful
            else chance.choice(
                ["inaccurate", "out_of_date", "unclear", "not_what_was_asked", "other"]
            )
        )
        vote = {
            "reply": body["id"],
            "helpful": helpful,
            "reason": reason,
            "comment": "I read otherwise elsewhere" if reason else None,
            "voted_at": at,
        }
    return turn, {"id": body["id"], "turn": number, "place": 0, "body": body}, vote


def _ticket(connection, tickets, replied, vote):
    """The number of the ticket of a report, opened with the first of its kind."""
    if vote["reason"] not in ("inaccurate", "out_of_date"):
        return None
    key = {
        "question": replied["body"]["question"],
        "revision": replied["body"]["article"]["revision"],
        "reason": vote["reason"],
    }
    if tuple(key.values()) not in tickets:
        done = connection.execute(insert(Ticket).values(**key, opened_at=vote["voted_at"]))
        tickets[tuple(key.values())] = done.inserted_primary_key[0]
    return tickets[tuple(key.values())]


def _draw(chance, shares):
    return chance.choices(list(shares), list(shares.values()))[0]


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
            settings.read(),
            database_url=f"sqlite:///{folder}/desk.db",
            data=str(folder / "data"),
            var=str(folder),
            secret="benchmark",
        )
        store.migrate(config.database())
        engine = store.connect(config.database())
        app = FastAPI()
        app.mount("/editor", create_app(config, engine, None))
        from bot.editor import library

        desk = next(route.app.state.desk for route in app.routes if route.path == "/editor")
        fill(
            engine,
            library.read_articles(desk),
            turns,
            releases=[id for id, state in release.listed(config) if state != "candidate"]
            or ["none"],
        )
        accounts.accept(
            engine,
            accounts.invite(engine, accounts.add(engine, "Ada", "admin")),
            passwords.hash(PASSWORD),
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
