"""Conversations as editors read them: found by what happened in them, and one whole."""

import datetime
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import ColumnElement, Engine, select

from bot.store.engine import transaction
from bot.store.stored_turns import _replies
from bot.store.tables import Conversation, ConversationTag, JsonObject, Reply, Turn, Vote


class NoConversation(LookupError):
    """There is no such conversation; its visitor may have deleted it."""


@dataclass(frozen=True)
class Filter:
    """What a conversation must hold: one turn with all of it. `vote`: "yes", "no" or a reason;
    `tag`: one of the editors'; `since` and `until`: moments."""

    outcome: str = ""
    article: str = ""
    channel: str = ""
    vote: str = ""
    release: str = ""
    tag: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


class Summary(TypedDict):
    """A conversation in a list. `texts`: the first three of the visitor's; `turns`: how many;
    `votes`: (helpful, reason)."""

    id: str
    at: datetime.datetime
    channel: str
    article: str | None
    turns: int
    texts: list[str]
    outcomes: list[str]
    votes: list[tuple[bool, str | None]]


class ReadTurn(TypedDict):
    """A turn of a conversation; `votes`: {reply: its vote}."""

    id: int
    at: datetime.datetime
    text: str | None
    choice: str | None
    outcome: str | None
    question: str | None
    confidence: float | None
    release: str | None
    replies: list[JsonObject]
    votes: dict[str, Vote]


class ReadConversation(TypedDict):
    """A whole conversation, its turns oldest first."""

    id: str
    at: datetime.datetime
    channel: str
    article: str | None
    country: str | None
    turns: list[ReadTurn]


def list_conversations(
    engine: Engine, wanted: Filter, before: datetime.datetime | None = None, most: int = 40
) -> list[Summary]:
    """The newest conversations that a Filter lets through, or those before the moment `before`."""
    # Long: one query, condition after condition.
    turn: list[ColumnElement[bool]] = [Turn.conversation == Conversation.id]
    turn += [Turn.outcome == wanted.outcome] if wanted.outcome else []
    turn += (
        [Turn.question.startswith(f"{wanted.article}.", autoescape=True)] if wanted.article else []
    )
    turn += [Turn.release == wanted.release] if wanted.release else []
    if wanted.vote:
        vote = {"yes": Vote.helpful.is_(True), "no": Vote.helpful.is_(False)}.get(
            wanted.vote, Vote.reason == wanted.vote
        )
        turn.append(
            select(Reply.id)
            .join(Vote, Vote.reply == Reply.id)
            .where(Reply.turn == Turn.id, vote)
            .exists()
        )
    opened: list[ColumnElement[bool]] = [select(Turn.id).where(*turn).exists()]
    opened += [Conversation.channel == wanted.channel] if wanted.channel else []
    if wanted.tag:
        tagged = select(ConversationTag.conversation).where(ConversationTag.tag == wanted.tag)
        opened.append(Conversation.id.in_(tagged))
    opened += [Conversation.opened_at >= wanted.since] if wanted.since else []
    opened += [Conversation.opened_at < moment for moment in (wanted.until, before) if moment]
    found = select(Conversation).where(*opened).order_by(Conversation.opened_at.desc()).limit(most)
    with transaction(engine) as session:
        conversations = session.scalars(found).all()
        ids = [conversation.id for conversation in conversations]
        turns: dict[str, list[tuple[str | None, str | None]]] = {id: [] for id in ids}
        votes: dict[str, list[tuple[bool, str | None]]] = {id: [] for id in ids}
        for id, text, outcome in session.execute(
            select(Turn.conversation, Turn.text, Turn.outcome)
            .where(Turn.conversation.in_(ids))
            .order_by(Turn.id)
        ):
            turns[id].append((text, outcome))
        for id, helpful, reason in session.execute(
            select(Turn.conversation, Vote.helpful, Vote.reason)
            .join(Reply, Reply.turn == Turn.id)
            .join(Vote, Vote.reply == Reply.id)
            .where(Turn.conversation.in_(ids))
        ):
            votes[id].append((helpful, reason))
        return [
            {
                "id": conversation.id,
                "at": conversation.opened_at,
                "channel": conversation.channel,
                "article": conversation.article,
                "turns": len(turns[conversation.id]),
                "texts": [text for text, _ in turns[conversation.id] if text][:3],
                "outcomes": list(
                    dict.fromkeys(outcome for _, outcome in turns[conversation.id] if outcome)
                ),
                "votes": votes[conversation.id],
            }
            for conversation in conversations
        ]


def read_conversation(engine: Engine, id: str) -> ReadConversation:
    """A whole conversation; raises NoConversation."""
    with transaction(engine) as session:
        conversation = session.get(Conversation, id)
        if conversation is None:
            raise NoConversation(id)
        turns = session.scalars(select(Turn).where(Turn.conversation == id).order_by(Turn.id)).all()
        replies = _replies(session, [turn.id for turn in turns])
        votes = {
            vote.reply: vote
            for vote in session.scalars(
                select(Vote)
                .join(Reply, Vote.reply == Reply.id)
                .join(Turn, Reply.turn == Turn.id)
                .where(Turn.conversation == id)
            )
        }
        return {
            "id": id,
            "at": conversation.opened_at,
            "channel": conversation.channel,
            "article": conversation.article,
            "country": conversation.country,
            "turns": [
                {
                    "id": turn.id,
                    "at": turn.received_at,
                    "text": turn.text,
                    "choice": turn.choice,
                    "outcome": turn.outcome,
                    "question": turn.question,
                    "confidence": turn.confidence,
                    "release": turn.release,
                    "replies": [reply for reply in replies[turn.id] if reply],
                    "votes": {
                        reply["id"]: votes[reply["id"]]
                        for reply in replies[turn.id]
                        if reply and reply["id"] in votes
                    },
                }
                for turn in turns
            ],
        }


def known_filters(engine: Engine) -> tuple[list[str], list[str]]:
    """What can be filtered by: (channels, releases), the latest release first."""
    with transaction(engine) as session:
        releases = session.scalars(select(Turn.release).distinct()).all()
    return known_channels(engine), sorted(filter(None, releases), reverse=True)


def known_channels(engine: Engine) -> list[str]:
    """The channels that visitors have written by."""
    with transaction(engine) as session:
        return sorted(session.scalars(select(Conversation.channel).distinct()))
