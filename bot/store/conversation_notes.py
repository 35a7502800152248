"""What editors write on a conversation: its tags, and one note. Both go with its texts."""

import contextlib
import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.store.engine import change_rows, count_rows, transaction, utc_now
from bot.store.tables import Base, ConversationNote, ConversationTag, Turn


class NoTexts(LookupError):
    """There is no such conversation, or its texts are deleted: nothing can be noted on it."""


class OtherNote(ValueError):
    """Somebody changed the note since it was read."""


@dataclass(frozen=True)
class Note:
    """A note: its masked text, who wrote it last, and when."""

    text: str
    person: str
    at: datetime.datetime


def read_tags(engine: Engine, conversations: Sequence[str]) -> dict[str, list[str]]:
    """{conversation: its tags}, of each that has one."""
    found: dict[str, list[str]] = {}
    with transaction(engine) as session:
        rows = session.execute(
            select(ConversationTag.conversation, ConversationTag.tag)
            .where(ConversationTag.conversation.in_(conversations))
            .order_by(ConversationTag.tag)
        )
        for conversation, tag in rows:
            found.setdefault(conversation, []).append(tag)
    return found


def find_noted(engine: Engine, conversations: Sequence[str]) -> set[str]:
    """Which of these conversations have a note."""
    with transaction(engine) as session:
        wanted = ConversationNote.conversation.in_(conversations)
        return set(session.scalars(select(ConversationNote.conversation).where(wanted)))


def list_tags(engine: Engine) -> list[str]:
    """Every tag that some conversation has."""
    with transaction(engine) as session:
        return sorted(session.scalars(select(ConversationTag.tag).distinct()))


def add_tags(engine: Engine, conversation: str, tags: Iterable[str]) -> None:
    """Give a conversation these tags, too; raises NoTexts."""
    rows = [
        {"conversation": conversation, "tag": tag, "tagged_at": utc_now()}
        for tag in sorted(set(tags))
    ]
    with _while_it_has_texts(engine, conversation) as session:
        adding = _insert(engine, ConversationTag).values(rows)
        session.execute(adding.on_conflict_do_nothing())


def remove_tag(engine: Engine, conversation: str, tag: str) -> None:
    with transaction(engine) as session:
        session.execute(
            delete(ConversationTag).where(
                ConversationTag.conversation == conversation, ConversationTag.tag == tag
            )
        )


def read_note(engine: Engine, conversation: str) -> Note | None:
    """The note on a conversation, or None."""
    with transaction(engine) as session:
        found = session.get(ConversationNote, conversation)
        return Note(found.text, found.person, found.changed_at) if found else None


def change_note(
    engine: Engine, conversation: str, text: str, person: str, base: datetime.datetime | None
) -> None:
    """Put a text in the place of the note of the moment `base` (None: there was none), "" for none.
    Raises NoTexts, and OtherNote where the note is another by now."""
    mine = ConversationNote.conversation == conversation
    opened = (mine, ConversationNote.changed_at == base)
    values = {"text": text, "person": person, "changed_at": utc_now()}
    with _while_it_has_texts(engine, conversation) as session:
        if base is None and text:
            adding = _insert(engine, ConversationNote).values(conversation=conversation, **values)
            changed = change_rows(session, adding.on_conflict_do_nothing())
        elif base is None:
            changed = not count_rows(session, select(func.count()).where(mine))
        elif text:
            changed = change_rows(session, update(ConversationNote).where(*opened).values(values))
        else:
            changed = change_rows(session, delete(ConversationNote).where(*opened))
        if not changed:
            raise OtherNote(conversation)


def clear_old_notes(session: Session, before: datetime.datetime) -> int:
    """Delete the tags and notes of before a moment, and those of conversations without texts; how
    many."""
    tags, notes = ConversationTag, ConversationNote
    return _clear(session, tags.conversation, tags.tagged_at < before) + _clear(
        session, notes.conversation, notes.changed_at < before
    )


def _clear(
    session: Session, conversation: InstrumentedAttribute[str], is_old: ColumnElement[bool]
) -> int:
    """Delete the rows of a table that are old, or whose conversation has no texts; how many."""
    texts = select(Turn.id).where(Turn.conversation == conversation, Turn.message.is_not(None))
    gone = delete(conversation.class_).where(or_(is_old, ~texts.exists()))
    return change_rows(session, gone)


@contextlib.contextmanager
def _while_it_has_texts(engine: Engine, conversation: str) -> Iterator[Session]:
    """A transaction on a conversation; raises NoTexts, also where its visitor forgets it
    meanwhile."""
    texts = select(Turn.id).where(Turn.conversation == conversation, Turn.message.is_not(None))
    try:
        with transaction(engine) as session:
            if session.scalar(texts.limit(1)) is None:
                raise NoTexts(conversation)
            yield session
    except IntegrityError:
        raise NoTexts(conversation) from None


def _insert(engine: Engine, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insertion that may meet a row that is there."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)
