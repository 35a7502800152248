"""Votes on replies, and the tickets that reports of a fault open: each of one fault in one answer
at one revision."""

import datetime
from typing import TypedDict

from sqlalchemy import Engine, Select, func, select, update
from sqlalchemy.orm import Session

from bot.store.engine import change_rows, count_rows, transaction, utc_now
from bot.store.stored_turns import NoReply, _conversation
from bot.store.tables import JsonObject, Person, Reply, Ticket, Turn, Vote

REPORTS = ("inaccurate", "out_of_date")  # the reasons that say that the article is wrong
SHOWN = 200


class NoTicket(LookupError):
    """There is no such ticket."""


class Summary(TypedDict):
    """A ticket in a list; `owner` by name, `reports` how many."""

    id: int
    question: str
    revision: str
    kept: str | None
    reason: str
    opened_at: datetime.datetime
    ended_at: datetime.datetime | None
    ended_by: str | None
    end: str | None
    owner: str | None
    reports: int


class Report(TypedDict):
    """One visitor's report; `text`: what was asked, `answer`: the reply that was reported."""

    at: datetime.datetime
    comment: str | None
    conversation: str
    text: str | None
    answer: JsonObject


class ReadTicket(Summary):
    """A whole ticket; `latest_reports`: the latest first, and not all of many."""

    latest_reports: list[Report]


def store_vote(
    engine: Engine,
    token: str,
    reply: str,
    helpful: bool,
    reason: str | None = None,
    comment: str | None = None,
) -> None:
    """Store a vote on a reply of this conversation, in place of an earlier one; a report opens a
    ticket or joins an open one.

    Raises NoReply.
    """
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        body = session.scalar(
            select(Reply.body)
            .join(Turn, Reply.turn == Turn.id)
            .where(Reply.id == reply, Turn.conversation == conversation.id)
        )
        if body is None:
            raise NoReply(reply)
        ticket = (
            None
            if helpful or reason not in REPORTS or not _section_of(body)
            else _ticket(session, body, reason)
        )
        session.merge(
            Vote(
                reply=reply,
                helpful=helpful,
                reason=reason,
                comment=comment,
                voted_at=utc_now(),
                ticket=ticket,
            )
        )


def _section_of(body: JsonObject) -> str | None:
    """The question whose section a reply shows, whole or as a passage."""
    section: str | None = body.get("question") or body.get("section")
    return section


def _ticket(session: Session, body: JsonObject, reason: str | None) -> int:
    """The id of the open ticket of this fault, a new one where there is none."""
    wanted = {
        "question": _section_of(body),
        "revision": body["article"]["revision"],
        "reason": reason,
    }
    found = session.scalar(
        select(Ticket.id).filter_by(**wanted, ended_at=None).order_by(Ticket.id).limit(1)
    )
    if found is None:
        made = Ticket(**wanted, opened_at=utc_now())
        session.add(made)
        session.flush()
        found = made.id
    return found


def list_tickets(engine: Engine, ended: bool = False) -> list[Summary]:
    """Up to SHOWN tickets, open ones or ended ones, the latest first."""
    with transaction(engine) as session:
        wanted = Ticket.ended_at.is_not(None) if ended else Ticket.ended_at.is_(None)
        return [
            _summary(*row)
            for row in session.execute(
                _select().where(wanted).order_by(Ticket.id.desc()).limit(SHOWN)
            )
        ]


def count_open_tickets(engine: Engine) -> int:
    with transaction(engine) as session:
        return count_rows(
            session, select(func.count()).select_from(Ticket).where(Ticket.ended_at.is_(None))
        )


def read_ticket(engine: Engine, id: int) -> ReadTicket:
    """A ticket with up to SHOWN of its reports; raises NoTicket."""
    with transaction(engine) as session:
        row = session.execute(_select().where(Ticket.id == id)).first()
        if row is None:
            raise NoTicket(id)
        rows = session.execute(
            select(Vote.voted_at, Vote.comment, Turn.conversation, Turn.text, Reply.body)
            .join(Reply, Vote.reply == Reply.id)
            .join(Turn, Reply.turn == Turn.id)
            .where(Vote.ticket == id)
            .order_by(Vote.voted_at.desc())
            .limit(SHOWN)
        )
        return {
            **_summary(*row),
            "latest_reports": [
                {
                    "at": at,
                    "comment": comment,
                    "conversation": conversation,
                    "text": text,
                    "answer": body,
                }
                for at, comment, conversation, text, body in rows
            ],
        }


def take_ticket(engine: Engine, id: int, person: int) -> None:
    """Make a person (an id) the owner of an open ticket; raises NoTicket."""
    _change_open(engine, id, owner=person)


def keep_ticket(engine: Engine, id: int, revision: str) -> None:
    """Note that the fault is still in this revision; raises NoTicket."""
    _change_open(engine, id, kept=revision)


def end_ticket(engine: Engine, id: int, person: str, end: str) -> None:
    """End an open ticket: who (a name), and how in a sentence; raises NoTicket."""
    _change_open(engine, id, ended_at=utc_now(), ended_by=person, end=end)


def _change_open(engine: Engine, id: int, **values: object) -> None:
    with transaction(engine) as session:
        change = update(Ticket).where(Ticket.id == id, Ticket.ended_at.is_(None)).values(**values)
        if not change_rows(session, change):
            raise NoTicket(id)


def _select() -> Select[Ticket, str | None, int]:
    reports = (
        select(func.count()).select_from(Vote).where(Vote.ticket == Ticket.id).scalar_subquery()
    )
    return select(Ticket, Person.name, reports).join(
        Person, Ticket.owner == Person.id, isouter=True
    )


def _summary(ticket: Ticket, owner: str | None, reports: int) -> Summary:
    return {
        "id": ticket.id,
        "question": ticket.question,
        "revision": ticket.revision,
        "kept": ticket.kept,
        "reason": ticket.reason,
        "opened_at": ticket.opened_at,
        "ended_at": ticket.ended_at,
        "ended_by": ticket.ended_by,
        "end": ticket.end,
        "owner": owner,
        "reports": reports,
    }
