"""What visitors asked before, masked, as it stood in its conversation."""

import datetime
from collections.abc import Hashable, Sequence
from typing import TypedDict

from sqlalchemy import Engine, case, func, select

from bot.domain.reply_kinds import DANGERS
from bot.store.engine import transaction
from bot.store.tables import Conversation, JsonObject, Reply, Turn, Vote


class PastQuestion(TypedDict):
    """A text that visitors sent. `message`: {text, metadata}, the metadata what was known when it
    was asked: the conversation's topic, the turn's number, the page's article. `ended`: the
    question whose answer it got, or the outcome."""

    turn: int
    message: JsonObject
    times: int
    ended: str


def read_past_questions(engine: Engine, most: int) -> list[PastQuestion]:
    """The latest texts of visitors, at most `most` different ones, newest first."""
    # Long: one query and what its rows become.
    with transaction(engine) as session:
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
    topics: dict[str, JsonObject] = {}
    numbers: dict[str, int] = {}
    found: list[PastQuestion] = []
    for row in sorted(rows, key=lambda row: row.id):
        number = numbers[row.conversation] = numbers.get(row.conversation, -1) + 1
        # a danger is answered before anything is understood
        if row.text and row.outcome and row.outcome not in DANGERS:
            found.append(
                {
                    "turn": row.id,
                    "message": {
                        "text": row.text,
                        "metadata": {
                            "topic": topics.get(row.conversation),
                            "number": number,
                            "article": row.article,
                        },
                    },
                    "times": 0,
                    "ended": row.question or row.outcome,
                }
            )
        if (row.understood or {}).get("topic"):
            topics[row.conversation] = row.understood["topic"]
    counted: dict[Hashable, PastQuestion] = {}
    for past in reversed(found):
        message = past["message"]
        topic = message["metadata"]["topic"] or {}
        key = (
            message["text"],
            message["metadata"]["article"],
            topic.get("question"),
            tuple(topic.get("about") or ()),
        )
        counted.setdefault(key, past)["times"] += 1
    return list(counted.values())[:most]


def read_past_texts(engine: Engine, turns: Sequence[int]) -> dict[int, str]:
    """{turn: its text} of those of these turns whose texts are still kept."""
    with transaction(engine) as session:
        found = session.execute(select(Turn.id, Turn.text).where(Turn.id.in_(turns)))
        return {turn: text for turn, text in found if text is not None}


def read_question_counts(
    engine: Engine, since: datetime.datetime
) -> dict[str, tuple[int, int, int]]:
    """{question: (how often it was answered since a moment, votes, of them helpful)}."""
    with transaction(engine) as session:
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
        return {
            question: (count, *votes.get(question, (0, 0)))
            for question, count in times
            if question is not None
        }
