"""The store: what the gateway keeps in the database, as functions. Where SQLAlchemy ends.

Each function is one transaction; a database that fails raises StoreDown, whatever it was.
"""

import datetime
import hashlib
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import (
    Engine,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.domain.messages import IncomingMessage
from bot.domain.reply_kinds import DANGERS, ReplyKind
from bot.store.conversation_notes import clear_old_notes
from bot.store.engine import _named_errors, change_rows, count_rows, transaction, utc_now
from bot.store.tables import Conversation, Deletion, Inbox, JsonObject, Outbox, Reply, Turn, Vote

STEADY = datetime.timedelta(minutes=1)  # a conversation's end is moved no oftener
RECENT, MOST_RECENT = datetime.timedelta(minutes=5), 3  # what is heard together with a message


class NoConversation(LookupError):
    """No conversation has this token, or it has ended."""


class OtherMessage(ValueError):
    """Another text or choice is stored under this message's id."""


class NoReply(LookupError):
    """The conversation has no such reply."""


@dataclass(frozen=True)
class Recent:
    """A turn of the last minutes: its masked text, and whether a danger was answered."""

    text: str
    danger: bool


@dataclass(frozen=True)
class Accepted:
    """A message that is stored: its turn, its conversation's state, and its replies if it was
    answered before."""

    turn: int
    conversation: str
    channel: str
    number: int  # of the turn in its conversation, from 0
    article: str | None
    country: str | None
    state: JsonObject
    outcome: str | None
    replies: list[JsonObject]
    recent: list[Recent]  # turns before it, the oldest first
    is_other: bool = False  # what is stored under its id is another message


@dataclass(frozen=True)
class TurnEnd:
    """How a turn ends: its replies, its outcome, and the state that its conversation's next message
    needs (None: the one that is stored); of an understood message also the question, its
    confidence, what else was understood, and the release that answered."""

    replies: list[JsonObject]
    outcome: str
    state: JsonObject | None
    question: str | None = None
    confidence: float | None = None
    understood: JsonObject | None = None
    release: str | None = None


class StoredTurn(TypedDict):
    """A turn as its visitor reads it again; `at` in ISO 8601."""

    id: int
    message: str | None
    text: str | None
    choice: str | None
    at: str
    outcome: str | None
    replies: list[JsonObject]


class StoredVote(TypedDict):
    """A vote as its visitor reads it again."""

    reply: str
    helpful: bool
    reason: str | None
    comment: str | None


class StoredConversation(TypedDict):
    """What is stored of a conversation beside its turns; moments in ISO 8601."""

    conversation: str
    channel: str
    article: str | None
    country: str | None
    opened_at: str
    expires_at: str
    votes: list[StoredVote]


class Counts(TypedDict):
    """How much is stored of a conversation; `since`: the day of its opening."""

    messages: int
    votes: int
    since: datetime.date


class UnsavedReply(TypedDict):
    """A reply that a visitor got while the database failed; `conversation`: the hash of its token,
    `at` in ISO 8601."""

    conversation: str
    message: str
    text: str | None
    country: str | None
    at: str
    reply: JsonObject


def open_conversation(
    engine: Engine,
    channel: str,
    hours: float,
    article: str | None = None,
    country: str | None = None,
) -> tuple[str, str, datetime.datetime]:
    """(conversation, token, expires_at) of a new conversation; the token is kept only as its
    hash."""
    token, now = secrets.token_urlsafe(32), utc_now()
    conversation = Conversation(
        id=uuid.uuid4().hex,
        token_hash=_hash(token),
        channel=channel,
        article=article,
        country=country,
        state={},
        opened_at=now,
        expires_at=now + datetime.timedelta(hours=hours),
    )
    with transaction(engine) as session:
        session.add(conversation)
        return conversation.id, token, conversation.expires_at


def enter_conversation(
    engine: Engine, token: str, channel: str, hours: float, country: str | None = None
) -> JsonObject:
    """The state of the conversation that `token` opens, for channels that make their own; a new one
    where there is none. `country`: where its visitor is now, as far as it is known.

    Of one that has ended, only that its visitor wants no more messages goes over to the next.
    """
    with transaction(engine) as session:
        conversation = session.scalar(
            select(Conversation).where(Conversation.token_hash == _hash(token))
        )
        if conversation and conversation.expires_at > utc_now():
            conversation.country = country or conversation.country
            return conversation.state
        state: JsonObject = {}
        if conversation:
            state = {"stopped": True} if conversation.state.get("stopped") else {}
            conversation.token_hash = None
            session.flush()
        now = utc_now()
        session.add(
            Conversation(
                id=uuid.uuid4().hex,
                token_hash=_hash(token),
                channel=channel,
                article=None,
                country=country,
                state=state,
                opened_at=now,
                expires_at=now + datetime.timedelta(hours=hours),
            )
        )
        return state


def find_reply(engine: Engine, token: str, id: str) -> JsonObject:
    """A reply of this conversation, as the visitor got it; raises NoReply."""
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        reply = session.scalar(
            select(Reply)
            .join(Turn, Reply.turn == Turn.id)
            .where(Reply.id == id, Turn.conversation == conversation.id)
        )
        if reply is None or not reply.body:
            raise NoReply(id)
        return reply.body


def find_replies(
    engine: Engine, token: str, message: str, text: str | None = None, choice: str | None = None
) -> list[JsonObject]:
    """The replies to a message of this conversation, [] where it has none; raises NoConversation,
    and OtherMessage where its text or choice is given and isn't the one that is stored."""
    with transaction(engine) as session:
        turn = session.scalar(
            select(Turn).where(
                Turn.conversation == _conversation(session, token).id, Turn.message == message
            )
        )
        if turn is None:
            return []
        if (text or choice) and (turn.text, turn.choice) != (text, choice):
            raise OtherMessage(message)
        return _replies(session, [turn.id])[turn.id]


def find_conversation(engine: Engine, token: str) -> str:
    """The id of the conversation that `token` opens; raises NoConversation."""
    with transaction(engine) as session:
        return _conversation(session, token).id


def accept_message(engine: Engine, message: IncomingMessage) -> Accepted:
    """Store a message as a turn, once however often it comes, and in its conversation where its
    visitor is, where that is said; raises NoConversation."""
    try:
        return _accept(engine, message)
    except IntegrityError:
        # the same message came twice at the same moment: the other one is stored
        return _accept(engine, message)


def _accept(engine: Engine, message: IncomingMessage) -> Accepted:
    with transaction(engine) as session:
        conversation = _conversation(session, message.token)
        conversation.country = message.country or conversation.country
        number = count_rows(
            session, select(func.count()).where(Turn.conversation == conversation.id)
        )
        turn = session.scalar(
            select(Turn).where(Turn.conversation == conversation.id, Turn.message == message.id)
        )
        replies: list[JsonObject] = []
        if turn is not None:
            replies = _replies(session, [turn.id])[turn.id]
        else:
            turn = Turn(
                conversation=conversation.id,
                message=message.id,
                text=message.text,
                choice=message.choice,
                received_at=utc_now(),
            )
            session.add(turn)
            ends = utc_now() + datetime.timedelta(hours=message.hours)
            if ends - conversation.expires_at > STEADY:
                conversation.expires_at = ends
            session.flush()
        return Accepted(
            turn=turn.id,
            conversation=conversation.id,
            channel=conversation.channel,
            number=number,
            article=conversation.article,
            country=conversation.country,
            state=dict(conversation.state),
            outcome=turn.outcome,
            replies=replies,
            recent=_recent(session, turn),
            is_other=(turn.text, turn.choice) != (message.text, message.choice),
        )


def _recent(session: Session, turn: Turn) -> list[Recent]:
    """The texts that stood before a turn in the last RECENT of its conversation, at most
    MOST_RECENT."""
    found = session.execute(
        select(Turn.text, Turn.outcome)
        .where(
            Turn.conversation == turn.conversation,
            Turn.id < turn.id,
            Turn.text.is_not(None),
            Turn.received_at > turn.received_at - RECENT,
        )
        .order_by(Turn.id.desc())
        .limit(MOST_RECENT)
    ).all()
    return [Recent(text or "", outcome in DANGERS) for text, outcome in reversed(found)]


def finish_turn(engine: Engine, accepted: Accepted, end: TurnEnd) -> bool:
    """Store a turn's end; False where it has an outcome already, or was forgotten meanwhile: then
    nothing is stored."""
    with _named_errors(), engine.begin() as connection:  # no objects: this is done at every message
        found = connection.execute(
            update(Turn)
            .where(Turn.id == accepted.turn, Turn.outcome.is_(None))
            .values(
                outcome=end.outcome,
                answered_at=utc_now(),
                question=end.question,
                confidence=end.confidence,
                understood=end.understood,
                release=end.release,
            )
        )
        if not found.rowcount:
            return False
        if end.state is not None:
            connection.execute(
                update(Conversation)
                .where(Conversation.id == accepted.conversation)
                .values(state=end.state)
            )
        connection.execute(
            insert(Reply),
            [
                {"id": body["id"], "turn": accepted.turn, "place": place, "body": body}
                for place, body in enumerate(end.replies)
            ],
        )
    return True


def amend_turn(engine: Engine, turn: int, body: JsonObject) -> None:
    """Make a reply the end of a turn, whatever end it has: the visitor was told so while it was
    unknown what the database had taken."""
    with transaction(engine) as session:
        found = change_rows(
            session,
            update(Turn)
            .where(Turn.id == turn)
            .values(
                outcome=body["kind"],
                answered_at=utc_now(),
                question=None,
                confidence=None,
                understood=None,
            ),
        )
        if found:
            session.execute(delete(Reply).where(Reply.turn == turn))
            session.add(Reply(id=body["id"], turn=turn, place=0, body=body))


def keep_unstored(engine: Engine, unsaved: UnsavedReply) -> bool:
    """Store once what a visitor was told while the database failed. False where the conversation
    isn't there any more.

    It becomes the end of its turn, unless another answer is; the turn is made where there is
    none."""
    at, body = datetime.datetime.fromisoformat(unsaved["at"]), unsaved["reply"]
    with transaction(engine) as session:
        conversation = session.scalar(
            select(Conversation).where(Conversation.token_hash == unsaved["conversation"])
        )
        if conversation is None:
            return False
        turn = session.scalar(
            select(Turn).where(
                Turn.conversation == conversation.id, Turn.message == unsaved["message"]
            )
        )
        if turn is None:
            turn = Turn(
                conversation=conversation.id,
                message=unsaved["message"],
                text=unsaved["text"],
                received_at=at,
            )
            session.add(turn)
            session.flush()
        elif turn.outcome not in (None, ReplyKind.UNAVAILABLE):
            return True
        conversation.country = unsaved["country"] or conversation.country
        turn.outcome, turn.answered_at = body["kind"], at
        session.execute(delete(Reply).where(Reply.turn == turn.id))
        session.add(Reply(id=body["id"], turn=turn.id, place=0, body=body))
    return True


def settle_turns(
    engine: Engine,
    before: datetime.datetime,
    make_reply: Callable[[str | None], JsonObject],
) -> int:
    """Refuse the messages received before the moment `before` that never got an outcome (their
    gateway was killed), each with the reply that `make_reply(country)` gives; how many."""
    with transaction(engine) as session:
        open_turns = session.execute(
            select(Turn.id, Conversation.country)
            .join(Conversation, Turn.conversation == Conversation.id)
            .where(Turn.outcome.is_(None), Turn.message.is_not(None), Turn.received_at < before)
        ).all()
    settled = 0
    for turn, country in open_turns:
        body = make_reply(country)
        with transaction(engine) as session:
            found = change_rows(
                session,
                update(Turn)
                .where(Turn.id == turn, Turn.outcome.is_(None))
                .values(outcome=body["kind"], answered_at=utc_now()),
            )
            if found:
                session.add(Reply(id=body["id"], turn=turn, place=0, body=body))
                settled += 1
    return settled


def read_turns(
    engine: Engine, token: str, after: int = 0, most: int | None = None
) -> list[StoredTurn]:
    """The conversation's turns behind turn `after`, oldest first, at most so many."""
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        turns = session.scalars(
            select(Turn)
            .where(Turn.conversation == conversation.id, Turn.id > after, Turn.message.is_not(None))
            .order_by(Turn.id)
            .limit(most)
        ).all()
        replies = _replies(session, [turn.id for turn in turns])
        return [
            {
                "id": turn.id,
                "message": turn.message,
                "text": turn.text,
                "choice": turn.choice,
                "at": turn.received_at.isoformat(),
                "outcome": turn.outcome,
                "replies": replies[turn.id],
            }
            for turn in turns
        ]


def read_conversation(engine: Engine, token: str, turns: Sequence[int]) -> StoredConversation:
    """What is stored of the conversation, but its turns; `votes`: on the replies of these turns."""
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        votes = session.scalars(
            select(Vote)
            .join(Reply, Vote.reply == Reply.id)
            .join(Turn, Reply.turn == Turn.id)
            .where(Turn.conversation == conversation.id, Turn.id.in_(turns))
        ).all()
        return {
            "conversation": conversation.id,
            "channel": conversation.channel,
            "article": conversation.article,
            "country": conversation.country,
            "opened_at": conversation.opened_at.isoformat(),
            "expires_at": conversation.expires_at.isoformat(),
            "votes": [
                {
                    "reply": vote.reply,
                    "helpful": vote.helpful,
                    "reason": vote.reason,
                    "comment": vote.comment,
                }
                for vote in votes
            ],
        }


def count_stored(engine: Engine, token: str) -> Counts:
    """What is stored of the conversation, in numbers."""
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        mine = Turn.conversation == conversation.id
        return {
            "messages": count_rows(session, select(func.count()).select_from(Turn).where(mine)),
            "votes": count_rows(
                session,
                select(func.count())
                .select_from(Vote)
                .join(Reply, Vote.reply == Reply.id)
                .join(Turn, Reply.turn == Turn.id)
                .where(mine),
            ),
            "since": conversation.opened_at.date(),
        }


def forget_conversation(engine: Engine, token: str) -> tuple[str, int, str]:
    """Delete a conversation with all that hangs on it; (its id, how many turns it had, its
    receipt). Then `scrub`."""
    with transaction(engine) as session:
        conversation = _conversation(session, token)
        turns = count_rows(
            session,
            select(func.count()).select_from(Turn).where(Turn.conversation == conversation.id),
        )
        receipt = secrets.token_hex(8)
        session.add(Deletion(receipt=receipt, deleted_at=utc_now()))
        session.execute(delete(Outbox).where(Outbox.conversation == conversation.token_hash))
        session.execute(
            update(Inbox)
            .where(Inbox.conversation == conversation.token_hash, Inbox.done_at.is_not(None))
            .values(conversation=None, offered=None)
        )
        session.execute(delete(Conversation).where(Conversation.id == conversation.id))
        return conversation.id, turns, receipt


def clear_old_texts(engine: Engine, before: datetime.datetime) -> int:
    """Delete the texts of turns received before the moment `before`, and what editors noted before
    it; how many turns, tags and notes that were. Then `scrub`.

    Of a turn stay day, outcome, question, confidence and release; of a vote, all but its comment. A
    conversation without texts loses its token, country and state, the editors' tags and note; one
    without turns goes. What stays of one whose visitor wrote "stop" is that."""
    cleared = 0
    with transaction(engine) as session:
        old = select(Turn.id).where(Turn.received_at < before, Turn.message.is_not(None))
        for turn in session.scalars(select(Turn).where(Turn.id.in_(old))).all():
            replies = select(Reply.id).where(Reply.turn == turn.id)
            session.execute(update(Vote).where(Vote.reply.in_(replies)).values(comment=None))
            session.execute(
                delete(Reply).where(Reply.turn == turn.id, Reply.id.not_in(select(Vote.reply)))
            )
            session.execute(update(Reply).where(Reply.turn == turn.id).values(body={}))
            turn.message = turn.text = turn.choice = turn.understood = turn.answered_at = None
            turn.received_at = turn.received_at.replace(hour=0, minute=0, second=0, microsecond=0)
            cleared += 1
        session.flush()
        noted = clear_old_notes(session, before)
        kept = select(Turn.conversation).where(Turn.message.is_not(None))
        idle = (
            Conversation.opened_at < before,
            Conversation.expires_at < utc_now(),
            Conversation.id.not_in(kept),
        )
        stopped = Conversation.token_hash.is_not(None) & Conversation.state[
            "stopped"
        ].as_boolean().is_(True)
        session.execute(
            delete(Conversation).where(
                *idle, ~stopped, Conversation.id.not_in(select(Turn.conversation))
            )
        )
        session.execute(
            update(Conversation)
            .where(*idle, ~stopped)
            .values(token_hash=None, country=None, state={})
        )
        session.execute(
            update(Conversation).where(*idle, stopped).values(country=None, state={"stopped": True})
        )
        session.execute(delete(Inbox).where(Inbox.received_at < before))
        session.execute(delete(Outbox).where(Outbox.queued_at < before))
    return cleared + noted


def _conversation(session: Session, token: str) -> Conversation:
    conversation = session.scalar(
        select(Conversation).where(Conversation.token_hash == _hash(token))
    )
    if conversation is None or conversation.expires_at <= utc_now():
        raise NoConversation()
    return conversation


def _replies(session: Session, turns: Sequence[int]) -> dict[int, list[JsonObject]]:
    found: dict[int, list[JsonObject]] = {turn: [] for turn in turns}
    for reply in session.scalars(
        select(Reply).where(Reply.turn.in_(turns)).order_by(Reply.turn, Reply.place)
    ):
        found[reply.turn].append(reply.body)
    return found


def hash_token(token: str) -> str:
    """A token as the database knows it."""
    return _hash(token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
