"""Drafts: what editors write before it is content, as JSON of a form's fields."""

import datetime
import json
from typing import TypedDict, cast

from sqlalchemy import Engine, delete, select

from bot.store.engine import transaction, utc_now
from bot.store.tables import Draft, JsonObject


class NoDraft(LookupError):
    """There is no such draft."""


class Listed(TypedDict):
    """A draft in a list."""

    id: int
    article: str | None
    title: str
    person: str
    changed_at: datetime.datetime


def add_draft(
    engine: Engine, article: str | None, title: str, fields: JsonObject, person: str
) -> int:
    """The id of a new draft: a question of `article`, or whatever `fields` hold."""
    with transaction(engine) as session:
        draft = Draft(
            article=article,
            title=title,
            text=json.dumps(fields),
            person=person,
            changed_at=utc_now(),
        )
        session.add(draft)
        session.flush()
        return draft.id


def read_draft(engine: Engine, id: int) -> tuple[str, JsonObject]:
    """(title, fields) of a draft; raises NoDraft."""
    with transaction(engine) as session:
        draft = session.get(Draft, id)
        if draft is None:
            raise NoDraft(id)
        return draft.title, cast(JsonObject, json.loads(draft.text))


def change_draft(
    engine: Engine, id: int, article: str | None, title: str, fields: JsonObject, person: str
) -> None:
    """Replace what a draft holds; raises NoDraft."""
    with transaction(engine) as session:
        draft = session.get(Draft, id)
        if draft is None:
            raise NoDraft(id)
        draft.article, draft.title, draft.text, draft.person, draft.changed_at = (
            article,
            title,
            json.dumps(fields),
            person,
            utc_now(),
        )


def list_drafts(engine: Engine) -> list[Listed]:
    """Every draft, the latest first."""
    with transaction(engine) as session:
        return [
            {
                "id": draft.id,
                "article": draft.article,
                "title": draft.title,
                "person": draft.person,
                "changed_at": draft.changed_at,
            }
            for draft in session.scalars(select(Draft).order_by(Draft.changed_at.desc()))
        ]


def remove_draft(engine: Engine, id: int) -> None:
    with transaction(engine) as session:
        session.execute(delete(Draft).where(Draft.id == id))
