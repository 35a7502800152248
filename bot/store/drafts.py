"""Drafts: what editors write before it is content, as JSON of a form's fields."""

import json

from sqlalchemy import delete, select

from bot.store import _now, _transaction
from bot.store.tables import Draft


class NoDraft(LookupError):
    """There is no such draft."""


def add(engine, article, title, fields, person):
    """The id of a new draft: a question of `article`, or whatever `fields` hold."""
    with _transaction(engine) as session:
        draft = Draft(
            article=article, title=title, text=json.dumps(fields), person=person, changed_at=_now()
        )
        session.add(draft)
        session.flush()
        return draft.id


def read(engine, id):
    """(title, fields) of a draft; raises NoDraft."""
    with _transaction(engine) as session:
        draft = session.get(Draft, id)
        if draft is None:
            raise NoDraft(id)
        return draft.title, json.loads(draft.text)


def change(engine, id, article, title, fields, person):
    """Replace what a draft holds; raises NoDraft."""
    with _transaction(engine) as session:
        draft = session.get(Draft, id)
        if draft is None:
            raise NoDraft(id)
        draft.article, draft.title, draft.text, draft.person, draft.changed_at = (
            article,
            title,
            json.dumps(fields),
            person,
            _now(),
        )


def listed(engine):
    """Every draft, the latest first: [{id, article, title, person, changed_at}]."""
    with _transaction(engine) as session:
        return [
            {key: getattr(draft, key) for key in ("id", "article", "title", "person", "changed_at")}
            for draft in session.scalars(select(Draft).order_by(Draft.changed_at.desc()))
        ]


def remove(engine, id):
    with _transaction(engine) as session:
        session.execute(delete(Draft).where(Draft.id == id))
