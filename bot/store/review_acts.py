"""What editors did in the review, so that it can be undone, and which wordings it no longer shows
since. Wordings and phrases are kept as keyed hashes, never as words."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.store.engine import transaction, utc_now
from bot.store.tables import ReviewAct, SetAside


class Did(StrEnum):
    """What an editor can do with wordings of the review."""

    TAUGHT = "taught"
    SET_ASIDE = "set aside"
    BEGAN = "began a question with"


@dataclass(frozen=True)
class NewAct:
    """What an editor does just now with wordings, by their keys: hidden for good, or until a
    release newer than `release` gets them. `phrases`: keys of those that it adds to `question`."""

    did: Did
    person: str
    keys: tuple[str, ...]
    release: str | None = None
    question: str | None = None
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """What an editor did. `hides`: keys of the wordings that the review doesn't show since, but for
    those that a later act hid, too; `undone_by`: who undid it, or None."""

    id: int
    at: datetime.datetime
    person: str
    did: Did
    question: str | None
    phrases: frozenset[str]
    hides: frozenset[str]
    undone_by: str | None


class NoAct(LookupError):
    """There is no such act."""


def record_act(engine: Engine, new: NewAct) -> int:
    """Keep an act, and show its wordings no longer; its id. Of two editors who hide one at once,
    the last one's word holds."""
    with transaction(engine) as session:
        made = session.execute(
            insert(ReviewAct)
            .values(
                at=utc_now(),
                person=new.person,
                did=new.did.value,
                question=new.question,
                phrases=list(new.phrases),
            )
            .returning(ReviewAct.id)
        ).scalar_one()
        _hide(session, engine.dialect.name, new, made)
    return made


def _hide(session: Session, dialect: str, new: NewAct, act: int) -> None:
    # in one order, so that no two wait for each other
    rows = [
        {
            "key": key,
            "person": new.person,
            "set_at": utc_now(),
            "release": new.release,
            "act": act,
        }
        for key in sorted(set(new.keys))
    ]
    if not rows:
        return
    adding: sqlite.Insert | postgresql.Insert = (
        sqlite.insert(SetAside) if dialect == "sqlite" else postgresql.insert(SetAside)
    )
    adding = adding.values(rows)
    said = {name: adding.excluded[name] for name in ("person", "set_at", "release", "act")}
    session.execute(adding.on_conflict_do_update(index_elements=["key"], set_=said))


def read_act(engine: Engine, id: int) -> Act:
    """An act; raises NoAct."""
    with transaction(engine) as session:
        found = session.get(ReviewAct, id)
        if found is None:
            raise NoAct(id)
        return _to_acts(session, [found])[0]


def list_acts(engine: Engine, most: int) -> list[Act]:
    """The latest acts, the newest first."""
    with transaction(engine) as session:
        found = select(ReviewAct).order_by(ReviewAct.id.desc()).limit(most)
        return _to_acts(session, list(session.scalars(found)))


def _to_acts(session: Session, rows: list[ReviewAct]) -> list[Act]:
    hides: dict[int, set[str]] = {row.id: set() for row in rows}
    hidden = select(SetAside.act, SetAside.key).where(SetAside.act.in_(hides))
    for act, key in session.execute(hidden):
        if act is not None:
            hides[act].add(key)
    return [
        Act(
            row.id,
            row.at,
            row.person,
            Did(row.did),
            row.question,
            frozenset(row.phrases),
            frozenset(hides[row.id]),
            row.undone_by,
        )
        for row in rows
    ]


def undo_act(engine: Engine, id: int, person: str) -> bool:
    """Show again what an act hides; whether nobody undid it before."""
    with transaction(engine) as session:
        undone = session.execute(
            update(ReviewAct)
            .where(ReviewAct.id == id, ReviewAct.undone_at.is_(None))
            .values(undone_at=utc_now(), undone_by=person)
            .returning(ReviewAct.id)
        ).first()
        if undone is None:
            return False
        session.execute(delete(SetAside).where(SetAside.act == id))
    return True


def read_set_aside(engine: Engine) -> dict[str, str | None]:
    """{key: the release up to which a wording is no longer shown, None for good}."""
    with transaction(engine) as session:
        return {
            key: release for key, release in session.execute(select(SetAside.key, SetAside.release))
        }


def bring_back(engine: Engine, keys: Iterable[str]) -> None:
    """Show wordings again."""
    with transaction(engine) as session:
        session.execute(delete(SetAside).where(SetAside.key.in_(keys)))
