"""People, their sessions and invitations, and the audit log, in the database. Secrets are kept only
as hashes."""

import datetime
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import ColumnElement, Engine, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.store.engine import change_rows, transaction, utc_now
from bot.store.stored_turns import _hash
from bot.store.tables import AuditEntry, DeskSession, Invitation, Person, SignIn

# {role: how much it may do of what changes the desk}; a clinician signs answers, and reads the rest
RANKS = {"reader": 0, "clinician": 0, "editor": 1, "publisher": 2, "admin": 3}
ROLES = tuple(RANKS)
FIRST_DELAY = datetime.timedelta(seconds=30)  # of an account past its failed tries
IDLE_HOURS, SESSION_DAYS, INVITATION_HOURS = 12, 7, 72
SEEN_SECONDS = 60  # how exactly a session's last use is kept


class NameTaken(ValueError):
    """Another person has this name or e-mail address."""


class NoPerson(LookupError):
    """There is no such person at the desk."""


class NoInvitation(LookupError):
    """No invitation has this token, or it has expired or was used."""


@dataclass(frozen=True)
class Member:
    """A person as the pages see one."""

    id: int
    name: str
    email: str | None
    role: str
    has_password: bool
    has_codes: bool
    left: bool

    def may(self, role: str) -> bool:
        """Whether this person may do what `role` may do at the desk, signing aside."""
        return RANKS[self.role] >= RANKS[role]


@dataclass(frozen=True)
class Credentials:
    id: int
    name: str
    password_hash: str | None
    code_secret: str | None


class AuditLine(TypedDict):
    """An entry of the audit log."""

    id: int
    at: datetime.datetime
    person: str
    action: str
    subject: str
    detail: str


def name_fault(name: str, email: str | None = None) -> str | None:
    """What is wrong with a new person's name or e-mail address, as a sentence; None when all is
    well."""
    if not re.fullmatch(r"[^\W_](?:[\w .'’-]{0,58}[\w.])?", name):
        return "A name is of letters, digits, blanks, points, apostrophes and hyphens, 60 at most."
    if email and not re.fullmatch(r"[^@\s\0<>]{1,100}@[^@\s\0<>]{1,100}", email):
        return "This is no e-mail address."
    return None


def add_person(engine: Engine, name: str, role: str, email: str | None = None) -> int:
    """The id of a new person, who can't enter before an invitation is accepted; raises
    NameTaken, also for an address that another has in other case."""
    try:
        with transaction(engine) as session:
            if email and _find_by_email(session, email):
                raise NameTaken("somebody at the desk has this e-mail address already")
            person = Person(name=name, email=email, role=role, added_at=utc_now())
            session.add(person)
            session.flush()
            return person.id
    except IntegrityError:
        raise NameTaken("somebody at the desk has this name or e-mail address already") from None


def find_person(engine: Engine, name: str) -> Member:
    """The Member of this name; raises NoPerson."""
    with transaction(engine) as session:
        return _member(_person(session, Person.name == name))


def find_by_id(engine: Engine, id: int) -> Member:
    """The Member of this id; raises NoPerson."""
    with transaction(engine) as session:
        return _member(_person(session, Person.id == id))


def list_people(engine: Engine) -> list[Member]:
    """Every Member, by name."""
    with transaction(engine) as session:
        return [_member(person) for person in session.scalars(select(Person).order_by(Person.name))]


def change_role(engine: Engine, id: int, role: str) -> None:
    """Give a person another role."""
    with transaction(engine) as session:
        _person(session, Person.id == id).role = role


def change_email(engine: Engine, id: int, email: str | None) -> None:
    """Give a person another e-mail address, or none; raises NameTaken for another's."""
    with transaction(engine) as session:
        if email and any(other.id != id for other in _find_by_email(session, email)):
            raise NameTaken("somebody at the desk has this e-mail address already")
        _person(session, Person.id == id).email = email


def dismiss_person(engine: Engine, id: int) -> None:
    """End a person's sessions, invitation and password; the name stays, for what it stands
    beside."""
    with transaction(engine) as session:
        person = _person(session, Person.id == id)
        person.left_at, person.password_hash, person.code_secret, person.subject = (
            utc_now(),
            None,
            None,
            None,
        )
        _end_sessions(session, id)
        session.execute(delete(Invitation).where(Invitation.person == id))


def invite_person(engine: Engine, id: int) -> str:
    """A new invitation's token, in place of an earlier one; who has left comes back by it."""
    token = secrets.token_urlsafe(32)
    with transaction(engine) as session:
        _person(session, Person.id == id).left_at = None
        session.execute(delete(Invitation).where(Invitation.person == id))
        session.add(
            Invitation(
                token_hash=_hash(token),
                person=id,
                expires_at=utc_now() + datetime.timedelta(hours=INVITATION_HOURS),
            )
        )
    return token


def invited_person(engine: Engine, token: str) -> Member:
    """The Member whom an invitation is for; raises NoInvitation."""
    with transaction(engine) as session:
        return _member(_person(session, Person.id == _invitation(session, token).person))


def accept_invitation(engine: Engine, token: str, password_hash: str) -> int:
    """The id of the invited person, who has this password now, no one-time codes and no other
    session; raises NoInvitation."""
    with transaction(engine) as session:
        id = _invitation(session, token).person
        session.execute(delete(Invitation).where(Invitation.token_hash == _hash(token)))
        person = _person(session, Person.id == id)
        person.password_hash, person.code_secret, person.code_used = password_hash, None, None
        _end_sessions(session, id)
        return id


def read_credentials(
    engine: Engine, given: str | None = None, id: int | None = None
) -> Credentials | None:
    """The Credentials of a person who may enter, by id, or as `given`: the name, or the e-mail
    address in whatever case. None for nobody, and for an address that two have but for its case."""
    whose = Person.id == id if id is not None else Person.name == given
    with transaction(engine) as session:
        found = list(session.scalars(select(Person).where(whose, Person.left_at.is_(None))))
        if given:  # no name holds an @
            found += _find_by_email(session, given, Person.left_at.is_(None))
        if len(found) != 1:
            return None
        (person,) = found
        return Credentials(person.id, person.name, person.password_hash, person.code_secret)


def set_password(engine: Engine, id: int, password_hash: str, keep: str) -> None:
    """Change a password; every session but that of token `keep` ends."""
    with transaction(engine) as session:
        _person(session, Person.id == id).password_hash = password_hash
        _end_sessions(session, id, keep)


def set_codes(engine: Engine, id: int, secret: str | None) -> None:
    """Turn one-time codes on with a secret, or off with None."""
    with transaction(engine) as session:
        person = _person(session, Person.id == id)
        person.code_secret, person.code_used = secret, None


def use_code(engine: Engine, id: int, step: int) -> bool:
    """Whether the one-time code of this 30 s step was unused so far; it is used now."""
    with transaction(engine) as session:
        fresh = or_(Person.code_used.is_(None), Person.code_used < step)
        change = update(Person).where(Person.id == id, fresh).values(code_used=step)
        return change_rows(session, change) == 1


def find_subject(engine: Engine, subject: str, email: str | None) -> int | None:
    """The id of the person of a single sign-on's `subject`; the first time, of its proven e-mail
    address. None: nobody's."""
    with transaction(engine) as session:
        person = session.scalar(
            select(Person).where(Person.subject == subject, Person.left_at.is_(None))
        )
        if person is None and email:
            found = _find_by_email(
                session, email, Person.subject.is_(None), Person.left_at.is_(None)
            )
            if len(found) == 1:
                (person,) = found
                person.subject = subject
        return person.id if person else None


def try_sign_in(
    engine: Engine, limits: Mapping[str, int], minutes: float, slowed: str | None = None
) -> bool:
    """Whether one may try: it counts as failed until `clear_sign_in`, so that many at once are no
    way round.

    `limits`: {what is counted, as "account NAME": how many failed tries of it are let through in
    `minutes`}. Past its limit the one that is `slowed` is not shut: each further try has to wait
    twice as long as the one before, from FIRST_DELAY on."""
    with transaction(engine) as session:
        session.execute(
            delete(SignIn).where(SignIn.tried_at < utc_now() - datetime.timedelta(minutes=minutes))
        )
        for key, most in limits.items():
            tried, last = session.execute(
                select(func.count(), func.max(SignIn.tried_at)).where(SignIn.key == _hash(key))
            ).one()
            delay = FIRST_DELAY * 2 ** max(0, tried - most)
            if tried >= most and (key != slowed or utc_now() < _aware(last) + delay):
                return False
        session.add_all(SignIn(key=_hash(key), tried_at=utc_now()) for key in limits)
        return True


def _aware(moment: datetime.datetime) -> datetime.datetime:
    """A moment of the database's, which may have lost its zone in an aggregate."""
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def clear_sign_in(engine: Engine, keys: Collection[str], address: str) -> None:
    """The right password was given: forget the tries of these keys, and this one of the address,
    but not its others."""
    with transaction(engine) as session:
        last = session.scalar(select(func.max(SignIn.id)).where(SignIn.key == _hash(address)))
        done = SignIn.key.in_([_hash(key) for key in keys])
        session.execute(delete(SignIn).where(or_(done, SignIn.id == last)))


def open_session(engine: Engine, id: int) -> str:
    """The token of a new session of a person."""
    token = secrets.token_urlsafe(32)
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(_expired()))
        session.add(
            DeskSession(token_hash=_hash(token), person=id, opened_at=utc_now(), seen_at=utc_now())
        )
    return token


def find_session(engine: Engine, token: str) -> Member | None:
    """The Member who is signed in with a token, or None."""
    with transaction(engine) as session:
        found = session.execute(
            select(DeskSession, Person)
            .join(Person, DeskSession.person == Person.id)
            .where(DeskSession.token_hash == _hash(token), Person.left_at.is_(None), ~_expired())
        ).first()
        if found is None:
            return None
        if (utc_now() - found.DeskSession.seen_at).total_seconds() > SEEN_SECONDS:
            found.DeskSession.seen_at = utc_now()
        return _member(found.Person)


def end_session(engine: Engine, token: str) -> None:
    with transaction(engine) as session:
        session.execute(delete(DeskSession).where(DeskSession.token_hash == _hash(token)))


def end_other_sessions(engine: Engine, id: int, keep: str) -> None:
    """End every session of a person but that of token `keep`."""
    with transaction(engine) as session:
        _end_sessions(session, id, keep)


def record_action(
    engine: Engine, person: str, action: str, subject: str = "", detail: str = ""
) -> None:
    """Add a line to the audit log; nothing takes it away again."""
    with transaction(engine) as session:
        session.execute(
            insert(AuditEntry).values(
                at=utc_now(), person=person, action=action, subject=subject, detail=detail
            )
        )


@dataclass(frozen=True)
class AuditFilter:
    """Which entries of the audit log are wanted: of a person, of what was done, of a day (UTC);
    what is None or empty leaves out nothing."""

    person: str = ""
    action: str = ""
    day: datetime.date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What an entry must fulfil."""
        found = []
        if self.person:
            found.append(AuditEntry.person == self.person)
        if self.action:
            found.append(AuditEntry.action == self.action)
        if self.day:
            first = datetime.datetime.combine(self.day, datetime.time(), datetime.UTC)
            found += [AuditEntry.at >= first, AuditEntry.at < first + datetime.timedelta(days=1)]
        return found


def list_audited(engine: Engine) -> tuple[list[str], list[str]]:
    """(everybody who did something, everything that was done) of the audit log, by name."""
    with transaction(engine) as session:
        people, actions = (
            list(session.scalars(select(column).distinct().order_by(column)))
            for column in (AuditEntry.person, AuditEntry.action)
        )
        return people, actions


def find_newest_actions(engine: Engine, person: str, actions: Collection[str]) -> dict[str, int]:
    """{action: the id of its newest entry in the audit log} of these actions that a person of this
    name has done."""
    with transaction(engine) as session:
        found = session.execute(
            select(AuditEntry.action, func.max(AuditEntry.id))
            .where(AuditEntry.person == person, AuditEntry.action.in_(actions))
            .group_by(AuditEntry.action)
        )
        return {action: id for action, id in found}


def read_audit(
    engine: Engine,
    before: int | None = None,
    most: int = 100,
    wanted: AuditFilter = AuditFilter(),
) -> list[AuditLine]:
    """The newest entries of the audit log that are `wanted`, or the newest before entry
    `before`."""
    with transaction(engine) as session:
        found = select(AuditEntry).where(*wanted.conditions())
        found = found.order_by(AuditEntry.id.desc()).limit(most)
        if before:
            found = found.where(AuditEntry.id < before)
        return [
            {
                "id": entry.id,
                "at": entry.at,
                "person": entry.person,
                "action": entry.action,
                "subject": entry.subject,
                "detail": entry.detail,
            }
            for entry in session.scalars(found)
        ]


def _expired() -> ColumnElement[bool]:
    now = utc_now()
    return or_(
        DeskSession.seen_at < now - datetime.timedelta(hours=IDLE_HOURS),
        DeskSession.opened_at < now - datetime.timedelta(days=SESSION_DAYS),
    )


def _end_sessions(session: Session, id: int, keep: str | None = None) -> None:
    session.execute(
        delete(DeskSession).where(
            DeskSession.person == id, DeskSession.token_hash != _hash(keep or "")
        )
    )


def _invitation(session: Session, token: str) -> Invitation:
    found = session.scalar(
        select(Invitation).where(
            Invitation.token_hash == _hash(token), Invitation.expires_at > utc_now()
        )
    )
    if found is None:
        raise NoInvitation()
    return found


def _person(session: Session, condition: ColumnElement[bool]) -> Person:
    found = session.scalar(select(Person).where(condition))
    if found is None:
        raise NoPerson("nobody at the desk has this name; `bot people list` shows who has one")
    return found


def _find_by_email(session: Session, email: str, *conditions: ColumnElement[bool]) -> list[Person]:
    """Who has this e-mail address, in whatever case. Compared here: SQLite's lower() knows ASCII
    alone, and there are a few dozen people."""
    people = session.scalars(select(Person).where(Person.email.is_not(None), *conditions))
    return [person for person in people if (person.email or "").lower() == email.lower()]


def _member(person: Person) -> Member:
    return Member(
        person.id,
        person.name,
        person.email,
        person.role,
        person.password_hash is not None,
        person.code_secret is not None,
        person.left_at is not None,
    )
