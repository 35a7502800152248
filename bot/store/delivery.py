"""What messaging apps sent and what goes back to them, until it is done: the tables inbox and
outbox, as functions.

Several gateways may work on them: a row is claimed for a time, by one of them, and only the first
of its conversation that is not done. Who fails at it gives it back; who is killed leaves it to the
others when that time is over."""

import contextlib
import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from bot.store import _hash, _now, _transaction
from bot.store.tables import Conversation, Inbox, Outbox

LEASE_SECONDS = 20  # more than a turn or a call to a platform may take
ALBUM_SECONDS = 3  # in which the other pictures of an album come


def receive(engine, channel, event, token, message, album=None):
    """Store a message once, however often its event comes; whether it is new.

    `album`: the event of the pictures among which it came. One without words has no other: it waits
    ALBUM_SECONDS for one that has words, which is answered in its place."""
    now = _now()
    wait = now + datetime.timedelta(seconds=ALBUM_SECONDS) if event == album else None
    row = {"channel": channel, "received_at": now, "attempts": 0}
    for _ in range(2):  # an album's pictures may come at the same moment
        try:
            with _transaction(engine) as session:
                session.add(
                    Inbox(
                        event=event,
                        conversation=_hash(token),
                        message=message,
                        leased_until=wait,
                        **row,
                    )
                )
                if album and event != album:
                    _answer_album(session, Inbox(event=album, done_at=now, **row))
            return True
        except IntegrityError:
            if not album or event == album:
                return False
    return False


def _answer_album(session, done):
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


def take_over(engine, before, token):
    """Let the conversation that the token `before` opened go on under another, with what waits to
    be sent to it; where the other opens one already, each stays."""
    old, new = _hash(before), _hash(token)
    with contextlib.suppress(IntegrityError), _transaction(engine) as session:
        if session.scalar(select(Conversation.id).where(Conversation.token_hash == new)):
            return
        session.execute(
            update(Conversation).where(Conversation.token_hash == old).values(token_hash=new)
        )
        for box in (Inbox, Outbox):
            session.execute(update(box).where(box.conversation == old).values(conversation=new))


def claim_received(engine, channels, limit):
    """Up to `limit` messages to work on, of as many conversations: rows of Inbox."""
    with _transaction(engine) as session:
        return _claim(session, Inbox, Inbox.done_at, (Inbox.channel.in_(channels),), limit)


def read_offered(engine, row):
    """The buttons that the answer to the message before this one numbered, [] for none."""
    with _transaction(engine) as session:
        before = (
            select(Inbox.offered)
            .where(Inbox.conversation == row.conversation, Inbox.id < row.id)
            .order_by(Inbox.id.desc())
            .limit(1)
        )
        return session.scalar(before) or []


def finish(engine, row, letters, offered, changes, forgotten):
    """Store what a message is answered with, [(address, payload)], and that it is done, together;
    once only.

    `changes`: what changes in the state of its conversation; `forgotten`: nothing may lead to the
    visitor any more."""
    with _transaction(engine) as session:
        found = session.get(Inbox, row.id, with_for_update=True)
        if found is None or found.done_at:
            return
        now = _now()
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


def give_back(engine, row, seconds):
    """Let a row whose work failed be claimed again in so many seconds, before its claim would
    end."""
    table = type(row)
    with _transaction(engine) as session:
        session.execute(
            update(table)
            .where(table.id == row.id, table.attempts == row.attempts)
            .values(leased_until=_now() + datetime.timedelta(seconds=seconds))
        )


def claim_queued(engine, channels, limit):
    """Up to `limit` messages to send, of as many conversations, each the first of its own: rows of
    Outbox."""
    with _transaction(engine) as session:
        return _claim(
            session,
            Outbox,
            Outbox.dead_at,
            (Outbox.channel.in_(channels), Outbox.due_at <= _now()),
            limit,
        )


def mark_sent(engine, row):
    """Delete a message that was sent."""
    with _transaction(engine) as session:
        session.execute(delete(Outbox).where(Outbox.id == row.id))


def delay(engine, row, seconds, reason):
    """Let a message be sent again in so many seconds, and those behind it after it."""
    with _transaction(engine) as session:
        session.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(
                due_at=_now() + datetime.timedelta(seconds=seconds),
                leased_until=None,
                reason=reason,
            )
        )


def bury(engine, row, reason):
    """Make a message a dead letter."""
    with _transaction(engine) as session:
        session.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(dead_at=_now(), leased_until=None, reason=reason)
        )


def drop(engine, row):
    """Delete all that waits for a conversation whose visitor wants nothing more."""
    with _transaction(engine) as session:
        session.execute(
            delete(Outbox).where(Outbox.conversation == row.conversation, Outbox.dead_at.is_(None))
        )


def count_waiting(engine):
    """How many messages wait: {"inbox", "outbox", "dead"}."""
    with _transaction(engine) as session:
        inbox = select(func.count()).select_from(Inbox).where(Inbox.done_at.is_(None))
        outbox = select(func.count()).select_from(Outbox)
        return {
            "inbox": session.scalar(inbox),
            "outbox": session.scalar(outbox.where(Outbox.dead_at.is_(None))),
            "dead": session.scalar(outbox.where(Outbox.dead_at.is_not(None))),
        }


def read_queued(engine):
    """What is not sent, oldest first: {id, channel, queued_at, attempts, reason, dead}; no word of
    it, no address."""
    with _transaction(engine) as session:
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


def resend(engine, id=None):
    """Queue a dead letter anew, or all of them; how many that were."""
    with _transaction(engine) as session:
        dead = (
            Outbox.dead_at.is_not(None)
            if id is None
            else (Outbox.dead_at.is_not(None)) & (Outbox.id == id)
        )
        count = session.scalar(select(func.count()).select_from(Outbox).where(dead))
        session.execute(
            update(Outbox)
            .where(dead)
            .values(dead_at=None, due_at=_now(), attempts=0, leased_until=None)
        )
        return count


def _claim(session, table, ended, wanted, limit):
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
    free = table.leased_until.is_(None) | (table.leased_until < _now())
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
            leased_until=_now() + datetime.timedelta(seconds=LEASE_SECONDS),
            attempts=table.attempts + 1,
        )
    )
    return sorted(
        session.scalars(claimed, execution_options={"synchronize_session": False}).all(),
        key=lambda row: row.id,
    )
