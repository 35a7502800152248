"""When each person who may sign answers is reminded next. It stands beside the person, so that
several gateways and each of their starts agree."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, or_, select, update

from bot.store.engine import transaction, utc_now
from bot.store.tables import Person


@dataclass(frozen=True)
class Signer:
    """A person who may sign answers."""

    id: int
    name: str
    email: str | None


def list_signers(engine: Engine, roles: Collection[str]) -> list[Signer]:
    """Everybody who can enter the desk and has one of these roles, by name."""
    with transaction(engine) as session:
        found = select(Person).where(Person.role.in_(roles), Person.left_at.is_(None))
        people = session.scalars(found.order_by(Person.name))
        return [Signer(person.id, person.name, person.email) for person in people]


def claim_due(engine: Engine, roles: Collection[str], lease: datetime.timedelta) -> list[Signer]:
    """The people with one of these roles whose reminder is due, by name. Nobody else gets them
    during the `lease`, and after it they are due again, unless `postpone` says otherwise: who is
    ended between a mail and that, sends it twice, and nobody is forgotten."""
    now = utc_now()
    is_due = or_(Person.remind_at.is_(None), Person.remind_at <= now)
    # who was invited and never came has no way in yet
    has_entered = or_(Person.password_hash.is_not(None), Person.subject.is_not(None))
    # one statement finds and claims: of two gateways the second finds nobody
    claim = (
        update(Person)
        .where(Person.role.in_(roles), Person.left_at.is_(None), has_entered, is_due)
        .values(remind_at=now + lease)
        .returning(Person.id, Person.name, Person.email)
        .execution_options(synchronize_session=False)
    )
    with transaction(engine) as session:
        found = [Signer(*row) for row in session.execute(claim)]
    return sorted(found, key=lambda signer: signer.name)


def postpone(engine: Engine, signers: Collection[Signer], wait: datetime.timedelta) -> None:
    """Let the next reminder of these people be due after `wait`."""
    ids = [signer.id for signer in signers]
    with transaction(engine) as session:
        change = update(Person).where(Person.id.in_(ids)).values(remind_at=utc_now() + wait)
        session.execute(change.execution_options(synchronize_session=False))
