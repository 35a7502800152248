"""What visitors asked before, masked, as it stood in its conversation."""

from sqlalchemy import case, func, select

from bot.store import _transaction
from bot.store.tables import Conversation, Reply, Turn, Vote

SCREENED = ("emergency", "crisis")  # answered before anything is understood


def questions(engine, most):
    """The latest texts of visitors, at most `most` different ones, newest first: {"turn",
    "message": {text, metadata}, "times", "ended": the question whose answer it got, or the
    outcome}.

    The metadata is what was known when it was asked: the conversation's topic, the turn's number,
    the page's article."""
    with _transaction(engine) as session:
        latest = session.scalars(
            select(Turn.conversation)
            .where(Turn.text.is_not(None))
            .order_by(Turn.id.desc())
            .limit(3 * most)
        ).all()
        ids = list(dict.fromkeys(latest))
        rows = [
            row
            for start in range(0, len(ids), 500)
            for row in session.execute(
                select(
                    Turn.id,
                    Turn.conversation,
                    Turn.text,
                    Turn.outcome,
                    Turn.question,
                    Turn.understood,
                    Conversation.article,
                )
                .join(Conversation, Conversation.id == Turn.conversation)
                .where(Turn.conversation.in_(ids[start : start + 500]))
                .order_by(Turn.id)
            )
        ]
    topics, numbers, found = {}, {}, []
    for row in sorted(rows, key=lambda row: row.id):
        number = numbers[row.conversation] = numbers.get(row.conversation, -1) + 1
        if row.text and row.outcome and row.outcome not in SCREENED:
            found.append(
                {
                    "turn": row.id,
                    "ended": row.question or row.outcome,
                    "text": row.text,
                    "metadata": {
                        "topic": topics.get(row.conversation),
                        "number": number,
                        "article": row.article,
                    },
                }
            )
        if (row.understood or {}).get("topic"):
            topics[row.conversation] = row.understood["topic"]
    counted = {}
    for message in reversed(found):
        topic = message["metadata"]["topic"] or {}
        key = (
            message["text"],
            message["metadata"]["article"],
            topic.get("question"),
            tuple(topic.get("about") or ()),
        )
        turn, ended = message.pop("turn"), message.pop("ended")
        counted.setdefault(key, {"turn": turn, "message": message, "times": 0, "ended": ended})[
            "times"
        ] += 1
    return list(counted.values())[:most]


def texts(engine, turns):
    """{turn: its text} of those of these turns whose texts are still kept."""
    with _transaction(engine) as session:
        return dict(
            session.execute(
                select(Turn.id, Turn.text).where(Turn.id.in_(turns), Turn.text.is_not(None))
            ).all()
        )


def asked(engine, since):
    """{question: (how often it was answered since a moment, votes, of them helpful)}."""
    with _transaction(engine) as session:
        recent = Turn.received_at >= since, Turn.question.is_not(None)
        times = session.execute(
            select(Turn.question, func.count()).where(*recent).group_by(Turn.question)
        ).all()
        voted = session.execute(
            select(
                Turn.question, func.count(), func.sum(case((Vote.helpful.is_(True), 1), else_=0))
            )
            .join(Reply, Reply.id == Vote.reply)
            .join(Turn, Turn.id == Reply.turn)
            .where(*recent)
            .group_by(Turn.question)
        ).all()
        votes = {question: (count, int(helpful)) for question, count, helpful in voted}
        return {question: (count, *votes.get(question, (0, 0))) for question, count in times}
