"""Conversations as editors read them: found by what happened in them, and one whole."""

from dataclasses import dataclass

from sqlalchemy import select

from bot.store import _replies, _transaction
from bot.store.tables import Conversation, Reply, Turn, Vote


class NoConversation(LookupError):
    """There is no such conversation; its visitor may have deleted it."""


@dataclass(frozen=True)
class Filter:
    """What a conversation must hold: one turn with all of it. `vote`: "yes", "no" or a reason;
    `since` and `until`: moments."""

    outcome: str = ""
    article: str = ""
    channel: str = ""
    vote: str = ""
    release: str = ""
    since: object = None
    until: object = None


def listed(engine, wanted, before=None, most=40):
    """The newest conversations that a Filter lets through, or those before the moment `before`:
    [{id, at, channel, article, texts, outcomes, turns, votes}]; `texts`: the first three of the
    visitor's."""
    turn = [Turn.conversation == Conversation.id]
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
    opened = [select(Turn.id).where(*turn).exists()]
    opened += [Conversation.channel == wanted.channel] if wanted.channel else []
    opened += [Conversation.opened_at >= wanted.since] if wanted.since else []
    opened += [Conversation.opened_at < moment for moment in (wanted.until, before) if moment]
    found = select(Conversation).where(*opened).order_by(Conversation.opened_at.desc()).limit(most)
    with _transaction(engine) as session:
        conversations = session.scalars(found).all()
        ids = [conversation.id for conversation in conversations]
        turns, votes = {id: [] for id in ids}, {id: [] for id in ids}
        for row in session.execute(
            select(Turn.conversation, Turn.text, Turn.outcome)
            .where(Turn.conversation.in_(ids))
            .order_by(Turn.id)
        ):
            turns[row.conversation].append(row)
        for row in session.execute(
            select(Turn.conversation, Vote.helpful, Vote.reason)
            .join(Reply, Reply.turn == Turn.id)
            .join(Vote, Vote.reply == Reply.id)
            .where(Turn.conversation.in_(ids))
        ):
            votes[row.conversation].append(row)
        return [
            {
                "id": conversation.id,
                "at": conversation.opened_at,
                "channel": conversation.channel,
                "article": conversation.article,
                "turns": len(turns[conversation.id]),
                "texts": [row.text for row in turns[conversation.id] if row.text][:3],
                "outcomes": list(
                    dict.fromkeys(row.outcome for row in turns[conversation.id] if row.outcome)
                ),
                "votes": [(row.helpful, row.reason) for row in votes[conversation.id]],
            }
            for conversation in conversations
        ]


def read(engine, id):
    """A conversation: {id, at, channel, article, country, turns: [{id, at, text, choice, outcome,
    question, confidence, release, replies, votes: {reply: Vote}}]}; raises NoConversation."""
    with _transaction(engine) as session:
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


def known(engine):
    """What can be filtered by: (channels, releases), the latest release first."""
    with _transaction(engine) as session:
        return (
            sorted(session.scalars(select(Conversation.channel).distinct())),
            sorted(
                session.scalars(select(Turn.release).where(Turn.release.is_not(None)).distinct()),
                reverse=True,
            ),
        )
