"""What happened, in numbers: by day, outcome, question, channel, release. No visitor's word."""

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, Engine, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute

from bot.store.engine import count_rows, transaction
from bot.store.tables import Conversation, Reply, Ticket, Turn, Vote

LONGEST = 10  # messages of a conversation that are told apart


class Numbers(TypedDict):
    """What was counted. Days are "2026-11-24", of UTC. A message that is still on its way has the
    outcome None."""

    turns: Counter[
        tuple[str, str | None, str | None, str | None]
    ]  # day, outcome, question, release
    opened: Counter[tuple[str, str]]  # conversations by day and channel
    lengths: list[int]  # how many conversations had at least 1, 2, ... LONGEST messages
    last: Counter[str | None]  # the outcomes with which conversations ended
    votes: Counter[tuple[str | None, bool]]  # by question and whether it was helpful
    reports: Counter[str]  # the questions of open reports


def read_counts(engine: Engine, since: datetime.datetime, until: datetime.datetime) -> Numbers:
    """All that the moments from `since` to before `until` hold."""
    # Long: one query for each figure, and no step depends on another.
    inside = (Turn.received_at >= since, Turn.received_at < until)
    began = (Conversation.opened_at >= since, Conversation.opened_at < until)
    with transaction(engine) as session:
        message = (_day(engine, Turn.received_at), Turn.outcome, Turn.question, Turn.release)
        turns = _counted(
            session.execute(select(*message, func.count()).where(*inside).group_by(*message))
        )
        opening = (_day(engine, Conversation.opened_at), Conversation.channel)
        opened = _counted(
            session.execute(select(*opening, func.count()).where(*began).group_by(*opening))
        )
        each = (
            select(func.count().label("turns"), func.max(Turn.id).label("last"))
            .where(*inside)
            .group_by(Turn.conversation)
            .subquery()
        )
        ending = (each.c.turns, Turn.outcome)
        ended = _counted(
            session.execute(
                select(*ending, func.count()).join(each, each.c.last == Turn.id).group_by(*ending)
            )
        )
        voted = (Turn.question, Vote.helpful)
        votes = _counted(
            session.execute(
                select(*voted, func.count())
                .select_from(Vote)
                .join(Reply, Vote.reply == Reply.id)
                .join(Turn, Reply.turn == Turn.id)
                .where(Vote.voted_at >= since, Vote.voted_at < until)
                .group_by(*voted)
            )
        )
        reports = Counter(
            {
                question: count
                for question, count in session.execute(
                    select(Ticket.question, func.count())
                    .where(Ticket.ended_at.is_(None))
                    .group_by(Ticket.question)
                )
            }
        )
    last: Counter[str | None] = Counter()
    for (_, outcome), count in ended.items():
        last[outcome] += count
    reached = [
        sum(count for (turns, _), count in ended.items() if turns >= least)
        for least in range(1, LONGEST + 1)
    ]
    return {
        "turns": turns,
        "opened": opened,
        "lengths": reached,
        "last": last,
        "votes": votes,
        "reports": reports,
    }


def count_messages(engine: Engine, since: datetime.datetime, until: datetime.datetime) -> int:
    """How many messages these moments hold."""
    with transaction(engine) as session:
        return count_rows(
            session,
            select(func.count()).where(Turn.received_at >= since, Turn.received_at < until),
        )


def _day(engine: Engine, moment: InstrumentedAttribute[datetime.datetime]) -> ColumnElement[str]:
    return (
        func.substr(moment, 1, 10)
        if engine.dialect.name == "sqlite"
        else func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD")
    )


def _counted(rows: Iterable[Row[*tuple[Any, ...]]]) -> Counter[Any]:
    """Rows of a key's columns and, last, how many there are of it."""
    return Counter({tuple(row[:-1]): row[-1] for row in rows})
