"""The store: what the gateway keeps in the database, as functions. Where SQLAlchemy ends.

Each function is one transaction; a database that fails raises StoreDown, whatever it was.
"""

import contextlib
import datetime
import hashlib
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from bot.store.tables import Conversation, Deletion, Inbox, Outbox, Reply, Turn, Vote

MIGRATIONS = Path(__file__).with_name("migrations")
WAIT_SECONDS = 2  # for a locked or distant database
CONNECTIONS = 16  # of one gateway to PostgreSQL
STEADY = datetime.timedelta(minutes=1)  # a conversation's end is moved no oftener
RECENT, MOST_RECENT = datetime.timedelta(minutes=5), 3  # what is heard together with a message
DANGERS = ("emergency", "crisis")  # outcomes
NAMED = dict.fromkeys(
    ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "DiskFull"),
    "; its disk is full: make room and start again",
)


class StoreDown(RuntimeError):
    """The database can't be reached, or failed at what was asked of it."""


class NoConversation(LookupError):
    """No conversation has this token, or it has ended."""


class NoReply(LookupError):
    """The conversation has no such reply."""


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
    state: dict
    outcome: str | None
    replies: list
    recent: list  # Recent turns before it, the oldest first


@dataclass(frozen=True)
class Recent:
    """A turn of the last minutes: its masked text, and whether a danger was answered."""

    text: str
    danger: bool


def connect(url):
    """An engine for a database address; SQLite in WAL mode, with foreign keys."""
    if url.startswith("sqlite"):
        engine = sqlalchemy.create_engine(url, connect_args={"timeout": WAIT_SECONDS})
        event.listen(engine, "connect", _set_up_sqlite)
        return engine
    return sqlalchemy.create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=WAIT_SECONDS,
        pool_size=CONNECTIONS,
        max_overflow=0,
        connect_args={
            "connect_timeout": WAIT_SECONDS,
            "tcp_user_timeout": WAIT_SECONDS * 1000,
            "options": f"-c idle_in_transaction_session_timeout={WAIT_SECONDS * 5000}",
        },
    )


def migrate(url):
    """Bring the database at `url` to the newest form, making it where there is none; raises
    StoreDown, also for a newer one."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    try:
        with _named_errors():
            command.upgrade(config, "head")
    except CommandError as error:
        newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        raise StoreDown(
            f"the database is newer than this code, which knows its form up to {newest}: run the "
            f"version that made it, "
            "or restore a backup of before"
        ) from error


def read_revision(engine):
    """(the form that the database has, None where it is empty; the newest that this code knows);
    raises StoreDown."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with _named_errors(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision(), ScriptDirectory(
            str(MIGRATIONS)
        ).get_current_head()


def open_conversation(engine, channel, hours, article=None, country=None):
    """(conversation, token, expires_at) of a new conversation; the token is kept only as its
    hash."""
    token, now = secrets.token_urlsafe(32), _now()
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
    with _transaction(engine) as session:
        session.add(conversation)
        return conversation.id, token, conversation.expires_at


def enter_conversation(engine, token, channel, hours, country=None):
    """The state of the conversation that `token` opens, for channels that make their own; a new one
    where there is none. `country`: where its visitor is now, as far as it is known.

    Of one that has ended, only that its visitor wants no more messages goes over to the next.
    """
    with _transaction(engine) as session:
        conversation = session.scalar(
            select(Conversation).where(Conversation.token_hash == _hash(token))
        )
        if conversation and conversation.expires_at > _now():
            conversation.country = country or conversation.country
            return conversation.state
        state = {}
        if conversation:
            state = {"stopped": True} if conversation.state.get("stopped") else {}
            conversation.token_hash = None
            session.flush()
        now = _now()
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


def find_reply(engine, token, id):
    """A reply of this conversation, as the visitor got it; raises NoReply."""
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        reply = session.scalar(
            select(Reply)
            .join(Turn, Reply.turn == Turn.id)
            .where(Reply.id == id, Turn.conversation == conversation.id)
        )
        if reply is None or not reply.body:
            raise NoReply(id)
        return reply.body


def find_replies(engine, token, message):
    """The replies to a message of this conversation, [] where it has none; raises
    NoConversation."""
    with _transaction(engine) as session:
        turn = session.scalar(
            select(Turn.id).where(
                Turn.conversation == _conversation(session, token).id, Turn.message == message
            )
        )
        return _replies(session, [turn])[turn]


def find_conversation(engine, token):
    """The id of the conversation that `token` opens; raises NoConversation."""
    with _transaction(engine) as session:
        return _conversation(session, token).id


def accept(engine, token, message, text, choice, hours, country=None):
    """Store a message as a turn, once however often it comes, and in its conversation where its
    visitor is, where that is said; raises NoConversation."""
    try:
        return _accept(engine, token, message, text, choice, hours, country)
    except IntegrityError:
        # the same message came twice at the same moment: the other one is stored
        return _accept(engine, token, message, text, choice, hours, country)


def _accept(engine, token, message, text, choice, hours, country):
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        conversation.country = country or conversation.country
        number = session.scalar(select(func.count()).where(Turn.conversation == conversation.id))
        turn, replies = (
            session.scalar(
                select(Turn).where(Turn.conversation == conversation.id, Turn.message == message)
            ),
            [],
        )
        if turn is not None:
            replies = _replies(session, [turn.id])[turn.id]
        else:
            turn = Turn(
                conversation=conversation.id,
                message=message,
                text=text,
                choice=choice,
                received_at=_now(),
            )
            session.add(turn)
            ends = _now() + datetime.timedelta(hours=hours)
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
        )


def _recent(session, turn):
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
    return [Recent(text, outcome in DANGERS) for text, outcome in reversed(found)]


def finish(
    engine,
    accepted,
    replies,
    outcome,
    state,
    question=None,
    confidence=None,
    understood=None,
    release=None,
):
    """Store a turn's replies and outcome, and what its conversation's next message needs (None:
    what is stored); False where it has an outcome already, or was forgotten meanwhile: then nothing
    is stored."""
    with _named_errors(), engine.begin() as connection:  # no objects: this is done at every message
        found = connection.execute(
            update(Turn)
            .where(Turn.id == accepted.turn, Turn.outcome.is_(None))
            .values(
                outcome=outcome,
                answered_at=_now(),
                question=question,
                confidence=confidence,
                understood=understood,
                release=release,
            )
        )
        if not found.rowcount:
            return False
        if state is not None:
            connection.execute(
                update(Conversation)
                .where(Conversation.id == accepted.conversation)
                .values(state=state)
            )
        connection.execute(
            insert(Reply),
            [
                {"id": body["id"], "turn": accepted.turn, "place": place, "body": body}
                for place, body in enumerate(replies)
            ],
        )
    return True


def amend(engine, turn, body):
    """Make a reply the end of a turn, whatever end it has: the visitor was told so while it was
    unknown what the database had taken."""
    with _transaction(engine) as session:
        found = session.execute(
            update(Turn)
            .where(Turn.id == turn)
            .values(
                outcome=body["kind"],
                answered_at=_now(),
                question=None,
                confidence=None,
                understood=None,
            )
        )
        if found.rowcount:
            session.execute(delete(Reply).where(Reply.turn == turn))
            session.add(Reply(id=body["id"], turn=turn, place=0, body=body))


def settle(engine, before, make_reply):
    """Refuse the messages received before the moment `before` that never got an outcome (their
    gateway was killed), each with the reply that `make_reply(country)` gives; how many."""
    with _transaction(engine) as session:
        open_turns = session.execute(
            select(Turn.id, Conversation.country)
            .join(Conversation, Turn.conversation == Conversation.id)
            .where(Turn.outcome.is_(None), Turn.message.is_not(None), Turn.received_at < before)
        ).all()
    settled = 0
    for turn, country in open_turns:
        body = make_reply(country)
        with _transaction(engine) as session:
            found = session.execute(
                update(Turn)
                .where(Turn.id == turn, Turn.outcome.is_(None))
                .values(outcome=body["kind"], answered_at=_now())
            )
            if found.rowcount:
                session.add(Reply(id=body["id"], turn=turn, place=0, body=body))
                settled += 1
    return settled


def read_turns(engine, token, after=0):
    """The conversation's turns behind turn `after`, oldest first: {id, message, text, choice, at,
    outcome, replies}."""
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        turns = session.scalars(
            select(Turn)
            .where(Turn.conversation == conversation.id, Turn.id > after, Turn.message.is_not(None))
            .order_by(Turn.id)
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


def read_conversation(engine, token):
    """What is stored of the conversation, but its turns: {conversation, channel, article, country,
    opened_at, ...}."""
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        votes = session.scalars(
            select(Vote)
            .join(Reply, Vote.reply == Reply.id)
            .join(Turn, Reply.turn == Turn.id)
            .where(Turn.conversation == conversation.id)
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


def count(engine, token):
    """What is stored of the conversation, in numbers: {messages, votes, since}; `since` is the day
    of its opening."""
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        mine = Turn.conversation == conversation.id
        return {
            "messages": session.scalar(select(func.count()).select_from(Turn).where(mine)),
            "votes": session.scalar(
                select(func.count())
                .select_from(Vote)
                .join(Reply, Vote.reply == Reply.id)
                .join(Turn, Reply.turn == Turn.id)
                .where(mine)
            ),
            "since": conversation.opened_at.date(),
        }


def forget(engine, token):
    """Delete a conversation with all that hangs on it; (its id, how many turns it had, its
    receipt). Then `scrub`."""
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        turns = session.scalar(
            select(func.count()).select_from(Turn).where(Turn.conversation == conversation.id)
        )
        receipt = secrets.token_hex(8)
        session.add(Deletion(receipt=receipt, deleted_at=_now()))
        session.execute(delete(Outbox).where(Outbox.conversation == conversation.token_hash))
        session.execute(
            update(Inbox)
            .where(Inbox.conversation == conversation.token_hash, Inbox.done_at.is_not(None))
            .values(conversation=None, offered=None)
        )
        session.execute(delete(Conversation).where(Conversation.id == conversation.id))
        return conversation.id, turns, receipt


def clear(engine, before):
    """Delete the texts of turns received before the moment `before`; how many turns had one. Then
    `scrub`.

    Of a turn stay day, outcome, question, confidence and release; of a vote, all but its comment. A
    conversation without texts loses its token, country and state; one without turns goes. What
    stays of one whose visitor wrote "stop" is that."""
    cleared = 0
    with _transaction(engine) as session:
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
        kept = select(Turn.conversation).where(Turn.message.is_not(None))
        idle = (
            Conversation.opened_at < before,
            Conversation.expires_at < _now(),
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
    return cleared


def scrub(engine):
    """Leave no deleted text in an SQLite database's files; other databases do it themselves
    ("vacuum").

    `secure_delete` alone doesn't: pages that were split keep stale copies of their rows.
    """
    if engine.dialect.name != "sqlite":
        return
    with (
        _named_errors(),
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        # it keeps writers out while it waits for readers
        connection.exec_driver_sql("PRAGMA busy_timeout=200")
        try:
            connection.exec_driver_sql("VACUUM")
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")
    if busy:
        raise StoreDown("the database is in use; its write-ahead log could not be emptied")


def ping(engine):
    """Nothing, or StoreDown."""
    with _transaction(engine) as session:
        session.execute(select(1))


def _conversation(session, token):
    conversation = session.scalar(
        select(Conversation).where(Conversation.token_hash == _hash(token))
    )
    if conversation is None or conversation.expires_at <= _now():
        raise NoConversation()
    return conversation


def _replies(session, turns):
    found = {turn: [] for turn in turns}
    for reply in session.scalars(
        select(Reply).where(Reply.turn.in_(turns)).order_by(Reply.turn, Reply.place)
    ):
        found[reply.turn].append(reply.body)
    return found


@contextlib.contextmanager
def _transaction(engine):
    with _named_errors(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextlib.contextmanager
def _named_errors():
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None)
        name = getattr(cause, "sqlite_errorname", None) or type(cause or error).__name__
        raise StoreDown(f"the database failed: {name}{NAMED.get(name, '')}") from error


def _set_up_sqlite(connection, record):
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()


def _now():
    return datetime.datetime.now(datetime.UTC)
