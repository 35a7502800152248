"""What messaging apps sent and what goes back to them, until it is done: the tables inbox and
outbox, as functions.

Several gateways may work on them: a row is claimed for a time, by one of them, and only the first
of its conversation that is not done. Who fails at it gives it back; who is killed leaves it to the
others when that time is over."""

import contextlib
import datetime
from collections.abc import Iterable, Sequence
from typing import TypedDict

from sqlalchemy import ColumnElement, Engine, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from bot.store.engine import count_rows, transaction, utc_now
from bot.store.stored_turns import _hash
from bot.store.tables import Conversation, Inbox, JsonObject, Outbox

LEASE_SECONDS = 20  # more than a turn or a call to a platform may take
ALBUM_SECONDS = 3  # in which the other pictures of an album come


class Waiting(TypedDict):
    """How many messages wait for an answer, to be sent, and as dead letters."""

    inbox: int
    outbox: int
    dead: int


class Queued(TypedDict):
    """A message that is not sent: no word of it, no address."""

    id: int
    channel: str
    queued_at: datetime.datetime
    attempts: int
    reason: str | None
    dead: bool


def receive_event(
    engine: Engine,
    channel: str,
    event: str,
    token: str,
    message: JsonObject,
    album: str | None = None,
) -> bool:
    """Store a message once, however often its event comes; whether it is new.

    `album`: the event of the pictures among which it came. One without words has no other: it waits
    ALBUM_SECONDS for one that has words, which is answered in its place."""
    now = utc_now()
    wait = now + datetime.timedelta(seconds=ALBUM_SECONDS) if event == album else None
    for _ in range(2):  # an album's pictures may come at the same moment
        try:
            with transaction(engine) as session:
                session.add(
                    Inbox(
                        channel=channel,
                        event=event,
                        conversation=_hash(token),
                        message=message,
                        received_at=now,
                        attempts=0,
                        leased_until=wait,
                    )
                )
                if album and event != album:
                    done = Inbox(
                        channel=channel, event=album, received_at=now, attempts=0, done_at=now
                    )
                    _answer_album(session, done)
            return True
        except IntegrityError:
            if not album or event == album:
                return False
    return False


def _answer_album(session: Session, done: Inbox) -> None:
    """Leave the pictures of an album that have no words unanswered, unless that was begun: `done`
    is the row that stands for them."""
    waiting = session.scalar(
        select(Inbox)
        .where(Inbox.channel == done.channel, Inbox.event == done.event)
        .with_for_update()
    )
    if waiting is None:
        session.add(done)
    elif waiting.attempts == 0 and not waiting.done_at:
        waiting.message, waiting.conversation, waiting.done_at = None, None, done.done_at


def take_over(engine: Engine, before: str, token: str) -> None:
    """Let the conversation that the token `before` opened go on under another, with what waits to
    be sent to it; where the other opens one already, each stays."""
    old, new = _hash(before), _hash(token)
    with contextlib.suppress(IntegrityError), transaction(engine) as session:
        if session.scalar(select(Conversation.id).where(Conversation.token_hash == new)):
            return
        session.execute(
            update(Conversation).where(Conversation.token_hash == old).values(token_hash=new)
        )
        box: type[Inbox] | type[Outbox]
        for box in (Inbox, Outbox):
            session.execute(update(box).where(box.conversation == old).values(conversation=new))


def claim_received(engine: Engine, channels: Sequence[str], limit: int) -> list[Inbox]:
    """Up to `limit` messages to work on, of as many conversations: rows of Inbox."""
    with transaction(engine) as session:
        return _claim(session, Inbox, Inbox.done_at, (Inbox.channel.in_(channels),), limit)


def read_offered(engine: Engine, row: Inbox) -> list[str]:
    """The buttons that the answer to the message before this one numbered, [] for none."""
    with transaction(engine) as session:
        before = (
            select(Inbox.offered)
            .where(Inbox.conversation == row.conversation, Inbox.id < row.id)
            .order_by(Inbox.id.desc())
            .limit(1)
        )
        return session.scalar(before) or []


def finish_event(
    engine: Engine,
    row: Inbox,
    letters: Iterable[tuple[JsonObject, JsonObject]],
    offered: list[str],
    changes: JsonObject,
    forgotten: bool,
) -> None:
    """Store what a message is answered with, [(address, payload)], and that it is done, together;
    once only.

    `changes`: what changes in the state of its conversation; `forgotten`: nothing may lead to the
    visitor any more."""
    with transaction(engine) as session:
        found = session.get(Inbox, row.id, with_for_update=True)
        if found is None or found.done_at:
            return
        now = utc_now()
        conversation = session.scalar(
            select(Conversation).where(Conversation.token_hash == row.conversation)
        )
        if conversation and changes:
            conversation.state = {**conversation.state, **changes}
        if changes.get("stopped"):
            session.execute(delete(Outbox).where(Outbox.conversation == row.conversation))
        session.add_all(
            Outbox(
                channel=row.channel,
                conversation=row.conversation,
                address=address,
                payload=payload,
                queued_at=now,
                due_at=now,
                attempts=0,
            )
            for address, payload in letters
        )
        found.message, found.done_at, found.leased_until = None, now, None
        found.offered = None if forgotten else offered
        found.conversation = None if forgotten else found.conversation


def give_back(engine: Engine, row: Inbox | Outbox, seconds: float) -> None:
    """Let a row whose work failed be claimed again in so many seconds, before its claim would
    end."""
    table = type(row)
    with transaction(engine) as session:
        session.execute(
            update(table)
            .where(table.id == row.id, table.attempts == row.attempts)
            .values(leased_until=utc_now() + datetime.timedelta(seconds=seconds))
        )


def claim_queued(engine: Engine, channels: Sequence[str], limit: int) -> list[Outbox]:
    """Up to `limit` messages to send, of as many conversations, each the first of its own: rows of
    Outbox."""
    with transaction(engine) as session:
        return _claim(
            session,
            Outbox,
            Outbox.dead_at,
            (Outbox.channel.in_(channels), Outbox.due_at <= utc_now()),
            limit,
        )


def mark_sent(engine: Engine, row: Outbox) -> None:
    """Delete a message that was sent."""
    with transaction(engine) as session:
        session.execute(delete(Outbox).where(Outbox.id == row.id))


def delay_letter(engine: Engine, row: Outbox, seconds: float, reason: str) -> None:
    """Let a message be sent again in so many seconds, and those behind it after it."""
    with transaction(engine) as session:
        session.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(
                due_at=utc_now() + datetime.timedelta(seconds=seconds),
                leased_until=None,
                reason=reason,
            )
        )


def bury_letter(engine: Engine, row: Outbox, reason: str) -> None:
    """Make a message a dead letter."""
    with transaction(engine) as session:
        session.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(dead_at=utc_now(), leased_until=None, reason=reason)
        )


def drop_conversation(engine: Engine, row: Outbox) -> None:
    """Delete all that waits for a conversation whose visitor wants nothing more."""
    with transaction(engine) as session:
        session.execute(
            delete(Outbox).where(Outbox.conversation == row.conversation, Outbox.dead_at.is_(None))
        )


def count_waiting(engine: Engine) -> Waiting:
    """How many messages wait."""
    with transaction(engine) as session:
        inbox = select(func.count()).select_from(Inbox).where(Inbox.done_at.is_(None))
        outbox = select(func.count()).select_from(Outbox)
        return {
            "inbox": count_rows(session, inbox),
            "outbox": count_rows(session, outbox.where(Outbox.dead_at.is_(None))),
            "dead": count_rows(session, outbox.where(Outbox.dead_at.is_not(None))),
        }


def read_queued(engine: Engine) -> list[Queued]:
    """What is not sent, oldest first."""
    with transaction(engine) as session:
        return [
            {
                "id": row.id,
                "channel": row.channel,
                "queued_at": row.queued_at,
                "attempts": row.attempts,
                "reason": row.reason,
                "dead": row.dead_at is not None,
            }
            for row in session.scalars(select(Outbox).order_by(Outbox.id))
        ]


def resend_letters(engine: Engine, id: int | None = None) -> int:
    """Queue a dead letter anew, or all of them; how many that were."""
    with transaction(engine) as session:
        dead = (
            Outbox.dead_at.is_not(None)
            if id is None
            else (Outbox.dead_at.is_not(None)) & (Outbox.id == id)
        )
        count = count_rows(session, select(func.count()).select_from(Outbox).where(dead))
        session.execute(
            update(Outbox)
            .where(dead)
            .values(dead_at=None, due_at=utc_now(), attempts=0, leased_until=None)
        )
        return count


def _claim[Row: (Inbox, Outbox)](
    session: Session,
    table: type[Row],
    ended: InstrumentedAttribute[datetime.datetime | None],
    wanted: Sequence[ColumnElement[bool]],
    limit: int,
) -> list[Row]:
    earlier = aliased(table)
    first = (
        ~select(earlier.id)
        .where(
            earlier.conversation == table.conversation,
            earlier.id < table.id,
            getattr(earlier, ended.key).is_(None),
        )
        .exists()
    )
    free = table.leased_until.is_(None) | (table.leased_until < utc_now())
    ids = session.scalars(
        select(table.id)
        .where(ended.is_(None), free, first, *wanted)
        .order_by(table.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=table)
    ).all()
    if not ids:
        return []
    claimed = (
        update(table)
        .where(table.id.in_(ids), free, ended.is_(None))
        .returning(table)
        .values(
            leased_until=utc_now() + datetime.timedelta(seconds=LEASE_SECONDS),
            attempts=table.attempts + 1,
        )
    )
    return sorted(
        session.scalars(claimed, execution_options={"synchronize_session": False}).all(),
        key=lambda row: row.id,
    )
