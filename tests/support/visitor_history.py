"""A database as thousands of visitors leave it."""

import datetime
import random
import uuid

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bot.domain.reply_kinds import ReplyKind
from bot.store.tables import Conversation, Reply, Ticket, Turn, Vote

DAYS = 30
CHANNELS = {"web": 0.7, "telegram": 0.2, "whatsapp": 0.1}
OUTCOMES = {
    ReplyKind.ANSWER: 0.62,
    ReplyKind.NOT_COVERED: 0.12,
    ReplyKind.CLARIFY: 0.12,
    ReplyKind.TALK: 0.06,
    ReplyKind.PERSONAL_ADVICE: 0.03,
    ReplyKind.OUT_OF_SCOPE: 0.03,
    ReplyKind.EMERGENCY: 0.01,
    ReplyKind.UNAVAILABLE: 0.01,
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


def add_turn(engine, text, outcome, *, channel="web", page=None, vote=None, say="", **turn):
    """Write one message, in a conversation of its own or in `conversation`, asked on the `page` of
    an article; `vote` is the reason of one against its reply, and `say` its comment. The ids of
    (conversation, turn)."""
    now = datetime.datetime.now(datetime.UTC)
    given = {"received_at": now, "release": "20260101-000000-aaaaaaaa", **turn}
    with Session(engine) as session, session.begin():
        if "conversation" not in given:
            given["conversation"] = uuid.uuid4().hex
            session.add(
                Conversation(
                    id=given["conversation"],
                    token_hash=uuid.uuid4().hex,
                    channel=channel,
                    article=page,
                    state={},
                    opened_at=given["received_at"],
                    expires_at=now,
                )
            )
            session.flush()
        made = Turn(**{"message": uuid.uuid4().hex, "text": text, "outcome": outcome, **given})
        session.add(made)
        session.flush()
        body = {"id": uuid.uuid4().hex, "kind": outcome, "text": "So.", "question": made.question}
        reply = Reply(id=body["id"], turn=made.id, place=0, body=body)
        session.add(reply)
        session.flush()
        if vote:
            session.add(
                Vote(reply=reply.id, helpful=False, reason=vote, comment=say or None, voted_at=now)
            )
        return given["conversation"], made.id


def _turn(chance, number, conversation, at, questions, used):
    outcome, question = _draw(chance, OUTCOMES), chance.choice(questions)
    near = [question, *chance.sample(questions, 4)]
    ranking = [(near_by.name, round(0.5 / place, 3)) for place, near_by in enumerate(near, 1)]
    answered = outcome == ReplyKind.ANSWER
    turn = {
        "id": number,
        "conversation": conversation,
        "message": uuid.uuid4().hex,
        "text": chance.choice(question.taught) + _draw(chance, ENDS),
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
    if outcome == ReplyKind.TALK:
        body["topic"] = "thanks"
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
