"""The tables. Migrations in `migrations/` make them; docs/design.md says what each holds."""

import datetime

from sqlalchemy import JSON, DateTime, ForeignKey, MetaData, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(TypeDecorator):
    """A moment with its time zone; SQLite, which keeps none, is given and gives back UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value and value.astimezone(datetime.UTC)

    def process_result_value(self, value, dialect):
        return value and value.replace(tzinfo=value.tzinfo or datetime.UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={
        "ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    })
    type_annotation_map = {datetime.datetime: UtcTime, dict: JSON, list: JSON}


class Conversation(Base):
    """A visitor's exchange on one channel. `state`: what the next message needs of those before it.

    Once all its texts are deleted, it has neither token nor country nor state, and only groups its turns.
    """

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    channel: Mapped[str]
    article: Mapped[str | None]
    country: Mapped[str | None]
    state: Mapped[dict]
    opened_at: Mapped[datetime.datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime.datetime]


class Turn(Base):
    """One message and how it ended. `text` is masked; `outcome` is null until it is answered or refused.

    `message` is the client's id of it, and null once the texts are deleted; `received_at` is then the day.
    """

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("conversation", "message"),)
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
    understood: Mapped[dict | None]
    release: Mapped[str | None]


class Reply(Base):
    """One reply of a turn, as the visitor got it; once its turn's texts are deleted, an empty one for its vote to hang on."""

    __tablename__ = "replies"
    id: Mapped[str] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), index=True)
    place: Mapped[int]
    body: Mapped[dict]


class Vote(Base):
    """Whether a reply was helpful, and why not."""

    __tablename__ = "votes"
    reply: Mapped[str] = mapped_column(ForeignKey("replies.id", ondelete="CASCADE"), primary_key=True)
    helpful: Mapped[bool]
    reason: Mapped[str | None]
    comment: Mapped[str | None]
    voted_at: Mapped[datetime.datetime]


class Deletion(Base):
    """A conversation that its visitor deleted: the receipt, and nothing of what it held."""

    __tablename__ = "deletions"
    receipt: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime.datetime]
