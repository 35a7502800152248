"""Visitors' messages by their words, as they are stored: masked."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select

from bot.store.engine import transaction
from bot.store.tables import Turn

LATEST = 100_000  # turns that are looked through: 0.2 s where none of them has the words


@dataclass(frozen=True)
class FoundMessage:
    """A visitor's message, the turn that it is, its conversation, and when it came."""

    text: str
    turn: int
    conversation: str
    at: datetime.datetime


def find_messages(engine: Engine, words: Sequence[str], most: int) -> list[FoundMessage]:
    """The newest messages that hold each of the words, in whatever case, out of the LATEST."""
    newest = select(Turn.id).order_by(Turn.id.desc()).offset(LATEST).limit(1)
    with transaction(engine) as session:
        before = session.scalar(newest) or 0
        rows = session.execute(
            select(Turn.text, Turn.id, Turn.conversation, Turn.received_at)
            .where(
                Turn.id > before,
                Turn.text.is_not(None),
                *(Turn.text.icontains(word, autoescape=True) for word in words),
            )
            .order_by(Turn.id.desc())
            .limit(most)
        )
        return [
            FoundMessage(text or "", turn, conversation, at)
            for text, turn, conversation, at in rows
        ]
