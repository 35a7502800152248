"""What happened, in numbers: by day, outcome, question, channel, release. No visitor's word."""

from collections import Counter

from sqlalchemy import func, select

from bot.store import _transaction
from bot.store.tables import Conversation, Reply, Ticket, Turn, Vote

LONGEST = 10  # messages of a conversation that are told apart


def read(engine, since, until):
    """All that the moments from `since` to before `until` hold:

    turns     Counter of (day, outcome, question or None, release or None)
    opened    Counter of (day, channel): conversations
    lengths   [how many conversations had at least 1, 2, ... LONGEST messages]
    last      Counter of the outcome with which conversations ended
    votes     Counter of (question, helpful)
    reports   Counter of the questions of open reports

    Days are "2026-11-24", of UTC. A message that is still on its way has the outcome None.
    """
    inside = (Turn.received_at >= since, Turn.received_at < until)
    began = (Conversation.opened_at >= since, Conversation.opened_at < until)
    with _transaction(engine) as session:
        columns = (_day(engine, Turn.received_at), Turn.outcome, Turn.question, Turn.release)
        turns = _counted(
            session.execute(select(*columns, func.count()).where(*inside).group_by(*columns))
        )
        columns = (_day(engine, Conversation.opened_at), Conversation.channel)
        opened = _counted(
            session.execute(select(*columns, func.count()).where(*began).group_by(*columns))
        )
        each = (
            select(func.count().label("turns"), func.max(Turn.id).label("last"))
            .where(*inside)
            .group_by(Turn.conversation)
            .subquery()
        )
        columns = (each.c.turns, Turn.outcome)
        ended = _counted(
            session.execute(
                select(*columns, func.count()).join(each, each.c.last == Turn.id).group_by(*columns)
            )
        )
        columns = (Turn.question, Vote.helpful)
        votes = _counted(
            session.execute(
                select(*columns, func.count())
                .select_from(Vote)
                .join(Reply, Vote.reply == Reply.id)
                .join(Turn, Reply.turn == Turn.id)
                .where(Vote.voted_at >= since, Vote.voted_at < until)
                .group_by(*columns)
            )
        )
        reports = Counter(
            dict(
                session.execute(
                    select(Ticket.question, func.count())
                    .where(Ticket.ended_at.is_(None))
                    .group_by(Ticket.question)
                ).all()
            )
        )
    last = Counter()
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


def count(engine, since, until):
    """How many messages these moments hold."""
    with _transaction(engine) as session:
        return session.scalar(
            select(func.count()).where(Turn.received_at >= since, Turn.received_at < until)
        )


def _day(engine, moment):
    return (
        func.substr(moment, 1, 10)
        if engine.dialect.name == "sqlite"
        else func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD")
    )


def _counted(rows):
    return Counter({tuple(row[:-1]): row[-1] for row in rows})
