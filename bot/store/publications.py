"""Publications in the database: what was asked for, how far it is, what its tests found, who
approved it.

At most one is being made at a time, whichever process makes it: the one that has the `slot`.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from bot.store.engine import change_rows, transaction, utc_now
from bot.store.tables import AuditEntry, JsonObject, Publication

# without a sign of life, a publication was broken off: on a busy machine it comes last
SILENT_SECONDS = 120
BROKEN_OFF = "It was broken off: the service was stopped meanwhile. Begin again."
type Stopped = str | JsonObject  # a sentence, or a fault of the content as Fault.as_dict gives it
STATES = ("running", "tried", "tested", "live", "failed", "stopped", "withdrawn")


class Busy(RuntimeError):
    """Another publication is being made."""


class NoPublication(LookupError):
    """There is none of this number, or it isn't in the state for that."""


@dataclass(frozen=True)
class Entry:
    """A publication as the pages see it. `goal`: publish, try (made and tested, to be tried) or
    rollback. `state`: running, tried, tested (waits for an approval or its time), live, failed,
    stopped (while it was being made) or withdrawn. `reason`: why, where somebody wrote it.
    `report` and `comparison` are those of bot.releases.registry and bot.releases.comparison as
    dicts."""

    id: int
    goal: str
    state: str
    release: str | None
    person: str
    began_at: datetime.datetime
    ended_at: datetime.datetime | None
    approved_by: str | None
    live_at: datetime.datetime | None
    step: str
    done: float
    log: list[JsonObject]
    faults: list[Stopped]
    report: JsonObject | None
    comparison: JsonObject | None
    reason: str | None

    @property
    def seconds_to_live(self) -> float | None:
        """How long it took from the button until it was live; None where it isn't, or where it
        waited for somebody or for a time."""
        waited = self.goal == "rollback" or self.live_at or self.approved_by
        if self.state != "live" or waited or not self.ended_at:
            return None
        return (self.ended_at - self.began_at).total_seconds()


def begin_publication(
    engine: Engine,
    goal: str,
    person: str,
    live_at: datetime.datetime | None = None,
    reason: str = "",
) -> int:
    """The number of a new publication that now runs; raises Busy."""
    try:
        with transaction(engine) as session:
            _give_up_silent(session)
            made = Publication(
                goal=goal,
                state="running",
                person=person,
                began_at=utc_now(),
                beat_at=utc_now(),
                slot=1,
                step="Beginning",
                done=0.0,
                live_at=live_at,
                reason=reason or None,
                log=[],
                faults=[],
            )
            session.add(made)
            session.flush()
            return made.id
    except IntegrityError:
        raise Busy("another publication is being made") from None


def note_progress(engine: Engine, id: int, step: str, done: float) -> bool:
    """Note how far a publication is, where a new step is a line of its log; False where somebody
    has stopped it meanwhile."""
    with transaction(engine) as session:
        made = session.get(Publication, id)
        if made and made.state == "running":
            _begin_step(made, step)
            made.done, made.beat_at = done, utc_now()
        return made is None or made.state != "stopped"


def _begin_step(made: Publication, step: str) -> None:
    if step != made.step:
        line = {"at": utc_now().isoformat(timespec="seconds"), "step": step}
        made.step, made.log = step, [*made.log, line]


def end_publication(
    engine: Engine,
    id: int,
    state: str,
    release: str | None = None,
    faults: Sequence[Stopped] = (),
    report: JsonObject | None = None,
    comparison: JsonObject | None = None,
    last_step: str | None = None,
) -> bool:
    """Note how the making of a publication ended, and the `last_step` of its log; whether it was
    still being made: one that was stopped stays so. Raises NoPublication."""
    with transaction(engine) as session:
        values = {
            "state": state,
            "ended_at": utc_now(),
            "slot": None,
            "release": release,
            "faults": list(faults),
            "done": 1.0,
            **({"report": report} if report is not None else {}),
            **({"comparison": comparison} if comparison is not None else {}),
        }
        # one statement reads and writes: SQLite lets a Stop come in between two
        end = (
            update(Publication)
            .where(Publication.id == id, Publication.state == "running")
            .values(values)
        )
        ended = change_rows(session, end) == 1
        made = session.get(Publication, id)
        if made is None:
            raise NoPublication(id)
        if ended and last_step:
            _begin_step(made, last_step)
        return ended


def move_publication(
    engine: Engine,
    id: int,
    before: str,
    after: str,
    approved_by: str | None = None,
    faults: Sequence[Stopped] = (),
) -> None:
    """Bring a publication from state `before` to `after`, once; raises NoPublication where it isn't
    in that state."""
    with transaction(engine) as session:
        values = {
            "state": after,
            "ended_at": utc_now(),
            **({"approved_by": approved_by} if approved_by else {}),
            **({"faults": list(faults)} if faults else {}),
            **({"slot": None} if before == "running" else {}),
        }
        change = (
            update(Publication)
            .where(Publication.id == id, Publication.state == before)
            .values(values)
        )
        if change_rows(session, change) != 1:
            raise NoPublication(id)


def read_publication(engine: Engine, id: int) -> Entry:
    """The Entry of a publication; raises NoPublication."""
    with transaction(engine) as session:
        made = session.get(Publication, id)
        if made is None:
            raise NoPublication(id)
        return _entry(made)


def list_publications(engine: Engine, most: int = 30) -> list[Entry]:
    """The latest publications, newest first, without reports."""
    with transaction(engine) as session:
        return [
            _entry(made, with_reports=False)
            for made in session.scalars(
                select(Publication)
                .options(defer(Publication.report), defer(Publication.comparison))
                .order_by(Publication.id.desc())
                .limit(most)
            )
        ]


def find_running(engine: Engine) -> Entry | None:
    """The publication that is being made, or None."""
    with transaction(engine) as session:
        made = session.scalar(select(Publication).where(Publication.slot.is_not(None)))
        found = _entry(made) if made else None
    return found if found and found.state == "running" else None


def waiting_publications(engine: Engine) -> list[Entry]:
    """The publications that wait for their time or an approval, oldest first."""
    with transaction(engine) as session:
        return [
            _entry(made)
            for made in session.scalars(
                select(Publication).where(Publication.state == "tested").order_by(Publication.id)
            )
        ]


def _give_up_silent(session: Session) -> None:
    """End, as failed, the publication that has given no sign of life for too long."""
    old = utc_now() - datetime.timedelta(seconds=SILENT_SECONDS)
    for made in session.scalars(
        select(Publication).where(Publication.slot.is_not(None), Publication.beat_at < old)
    ).all():
        made.slot, made.state, made.ended_at, made.faults = None, "failed", utc_now(), [BROKEN_OFF]
        line = AuditEntry(
            at=utc_now(),
            person=made.person,
            action="failed",
            subject=f"publication {made.id}",
            detail=BROKEN_OFF,
        )
        session.add(line)
    session.flush()


def _entry(made: Publication, with_reports: bool = True) -> Entry:
    broken = made.state == "running" and made.beat_at < utc_now() - datetime.timedelta(
        seconds=SILENT_SECONDS
    )
    return Entry(
        made.id,
        made.goal,
        "failed" if broken else made.state,
        made.release,
        made.person,
        made.began_at,
        made.ended_at,
        made.approved_by,
        made.live_at,
        made.step,
        made.done,
        made.log,
        [BROKEN_OFF] if broken else made.faults,
        made.report if with_reports else None,
        made.comparison if with_reports else None,
        made.reason,
    )
