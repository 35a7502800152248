"""The tables. Migrations in `migrations/` make them; docs/design.md says what each holds."""

import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

JsonObject = dict[str, Any]


class UtcTime(TypeDecorator[datetime.datetime]):
    """A moment with its time zone; SQLite, which keeps none, is given and gives back UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return value and value.astimezone(datetime.UTC)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        return value and value.replace(tzinfo=value.tzinfo or datetime.UTC)


class Base(DeclarativeBase):
    """A table. A number that is an id is never given twice, on SQLite too: what still works on a
    deleted row meets no other."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        }
    )
    type_annotation_map = {
        datetime.datetime: UtcTime,
        JsonObject: JSON,
        list[JsonObject]: JSON,
        list[str]: JSON,
        list[str | JsonObject]: JSON,
    }


class Conversation(Base):
    """A visitor's exchange on one channel. `state`: what the next message needs of those before it.

    Once all its texts are deleted, it has neither token nor country nor state, and only groups its
    turns."""

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    channel: Mapped[str]
    article: Mapped[str | None]
    country: Mapped[str | None]
    state: Mapped[JsonObject]
    opened_at: Mapped[datetime.datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime.datetime]


class Turn(Base):
    """One message and how it ended. `text` is masked; `outcome` is null until it is answered or
    refused.

    `message` is the client's id of it, and null once the texts are deleted; `received_at` is then
    the day."""

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("conversation", "message"),
        Index("ix_turns_found", "conversation", "outcome", "question", "release"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    message: Mapped[str | None]
    text: Mapped[str | None]
    choice: Mapped[str | None]
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime.datetime | None]
    outcome: Mapped[str | None]
    question: Mapped[str | None]
    confidence: Mapped[float | None]
    understood: Mapped[JsonObject | None]
    release: Mapped[str | None]


class Reply(Base):
    """One reply of a turn, as the visitor got it; once its turn's texts are deleted, an empty one
    for its vote to hang on."""

    __tablename__ = "replies"
    id: Mapped[str] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    place: Mapped[int]
    body: Mapped[JsonObject]


class Vote(Base):
    """Whether a reply was helpful, and why not."""

    __tablename__ = "votes"
    reply: Mapped[str] = mapped_column(
        ForeignKey("replies.id", ondelete="CASCADE"), primary_key=True
    )
    helpful: Mapped[bool]
    reason: Mapped[str | None]
    comment: Mapped[str | None]
    voted_at: Mapped[datetime.datetime]
    ticket: Mapped[int | None] = mapped_column(
        ForeignKey("tickets.id", ondelete="SET NULL"), index=True
    )


class ConversationTag(Base):
    """A word of the editors' own on a conversation; it goes with the texts."""

    __tablename__ = "conversation_tags"
    conversation: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(primary_key=True, index=True)
    tagged_at: Mapped[datetime.datetime]


class ConversationNote(Base):
    """What editors noted on a conversation, masked as its texts are; it goes with them."""

    __tablename__ = "conversation_notes"
    conversation: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str]
    person: Mapped[str]
    changed_at: Mapped[datetime.datetime]


class Deletion(Base):
    """A conversation that its visitor deleted: the receipt, and nothing of what it held."""

    __tablename__ = "deletions"
    receipt: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime.datetime]


class Person(Base):
    """Who may enter the desk. Without `password_hash` only through an invitation or single sign-on;
    once `left_at`, not at all.

    `code_secret`: of the one-time codes, where they are on; `code_used`: the 30 s step of the last
    one. `subject`: the person's name at the single sign-on. `remind_at`: when who may sign answers
    is reminded next of what awaits it; null: at once."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str | None]
    code_secret: Mapped[str | None]
    code_used: Mapped[int | None]
    subject: Mapped[str | None] = mapped_column(unique=True)
    added_at: Mapped[datetime.datetime]
    left_at: Mapped[datetime.datetime | None]
    remind_at: Mapped[datetime.datetime | None]


class DeskSession(Base):
    """A browser that is signed in: the hash of its cookie."""

    __tablename__ = "sessions"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    opened_at: Mapped[datetime.datetime]
    seen_at: Mapped[datetime.datetime]


class Invitation(Base):
    """A link by which a person sets a password, once."""

    __tablename__ = "invitations"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), unique=True)
    expires_at: Mapped[datetime.datetime]


class SignIn(Base):
    """A failed try to sign in, for an account or from an address (`key`, hashed); forgotten after a
    while."""

    __tablename__ = "sign_ins"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    tried_at: Mapped[datetime.datetime]


class AuditEntry(Base):
    """What somebody did at the desk. Triggers refuse to change or delete a row."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime]
    person: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]


class Ticket(Base):
    """Visitors' reports of one fault (`reason`) in a question's answer at one revision of its
    article, until `ended_at`.

    `kept`: the latest revision of which an editor said that the fault is still in it.
    """

    __tablename__ = "tickets"
    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    revision: Mapped[str]
    kept: Mapped[str | None]
    reason: Mapped[str]
    owner: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    opened_at: Mapped[datetime.datetime]
    ended_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    ended_by: Mapped[str | None]
    end: Mapped[str | None]


class SetAside(Base):
    """A wording that the review no longer shows: its keyed hash, so that it outlives no visitor's
    text.

    With a `release` it was taught, and is shown again where a newer one doesn't understand it.
    `act`: the last one that hid it.
    """

    __tablename__ = "set_aside"
    key: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str]
    set_at: Mapped[datetime.datetime]
    release: Mapped[str | None]
    act: Mapped[int | None] = mapped_column(
        ForeignKey("review_acts.id", ondelete="SET NULL"), index=True
    )


class ReviewAct(Base):
    """What an editor did in the review, until somebody undid it: `did`, a Did of
    bot/store/review_acts.py; `phrases`: keyed hashes of those that it added to the `question`."""

    __tablename__ = "review_acts"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime]
    person: Mapped[str]
    did: Mapped[str]
    question: Mapped[str | None]
    phrases: Mapped[list[str]]
    undone_at: Mapped[datetime.datetime | None]
    undone_by: Mapped[str | None]


class Draft(Base):
    """What an editor writes before it's an article's: a new question of `article`, or a whole new
    article."""

    __tablename__ = "drafts"
    id: Mapped[int] = mapped_column(primary_key=True)
    article: Mapped[str | None]
    title: Mapped[str]
    text: Mapped[str]
    person: Mapped[str]
    changed_at: Mapped[datetime.datetime]


class Inbox(Base):
    """A messaging app's event, taken once: `event` is a keyed hash of the platform's id of it.

    `message` (masked text, address) stands here only until it is answered; then `offered` holds the
    buttons that the answer numbered, for the next message of the conversation. `conversation` is
    its `token_hash`."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("channel", "event"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    event: Mapped[str]
    conversation: Mapped[str | None] = mapped_column(index=True)
    message: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))
    received_at: Mapped[datetime.datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime.datetime | None]
    done_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    offered: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class Outbox(Base):
    """A message to a messaging app that is not sent yet: rendered, in the order of the ids. Once
    sent, it is deleted.

    With `dead_at` it is a dead letter: given up, for the `reason` given.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    conversation: Mapped[str] = mapped_column(index=True)
    address: Mapped[JsonObject]
    payload: Mapped[JsonObject]
    queued_at: Mapped[datetime.datetime] = mapped_column(index=True)
    due_at: Mapped[datetime.datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime.datetime | None]
    dead_at: Mapped[datetime.datetime | None]
    reason: Mapped[str | None]


class Publication(Base):
    """One try to make a release and bring it online, or back; bot/store/publications.py tells the
    fields.

    `slot` is 1 while it's being made, and unique: only one is at a time; `beat_at`: its last sign
    of life."""

    __tablename__ = "publications"
    id: Mapped[int] = mapped_column(primary_key=True)
    goal: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    release: Mapped[str | None]
    person: Mapped[str]
    began_at: Mapped[datetime.datetime]
    beat_at: Mapped[datetime.datetime]
    ended_at: Mapped[datetime.datetime | None]
    live_at: Mapped[datetime.datetime | None]
    approved_by: Mapped[str | None]
    slot: Mapped[int | None] = mapped_column(unique=True)
    step: Mapped[str]
    done: Mapped[float]
    log: Mapped[list[JsonObject]]
    faults: Mapped[list[str | JsonObject]]
    report: Mapped[JsonObject | None]
    comparison: Mapped[JsonObject | None]
    reason: Mapped[str | None]
