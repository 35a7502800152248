"""What visitors asked in vain, or nearly, and what of it editors have set aside."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, delete, or_, select

from bot.domain.reply_kinds import TO_REVIEW, ReplyKind
from bot.store.engine import transaction, utc_now
from bot.store.tables import Reply, SetAside, Turn, Vote
from bot.store.votes import REPORTS

UNSURE = 0.6  # an answer's confidence under which it's reviewed; under 0.5 it isn't given


@dataclass
class Wording:
    """One text that visitors sent, in vain or nearly. `why`: {reason: how many times}; `turn` the
    latest, on which the rest is."""

    text: str
    why: dict[str, int]
    at: datetime.datetime
    turn: int
    conversation: str
    release: str | None
    question: str | None

    def count(self) -> int:
        return sum(self.why.values())


def read_wordings(
    engine: Engine, most: int, turns: int, normalise: Callable[[str], str]
) -> dict[str, Wording]:
    """At most `most` Wordings, out of the latest `turns` such turns; those alike when normalised
    are one. Newest first."""
    # Long: one query and what its rows become.
    down = (
        select(Reply.turn, Vote.reason)
        .join(Vote, Vote.reply == Reply.id)
        .where(Vote.helpful.is_(False))
        .subquery()
    )
    found = (
        select(
            Turn.id,
            Turn.text,
            Turn.outcome,
            Turn.confidence,
            Turn.received_at,
            Turn.conversation,
            Turn.release,
            Turn.question,
            down.c.turn.label("down"),
            down.c.reason,
        )
        .join(down, down.c.turn == Turn.id, isouter=True)
        .where(
            Turn.text.is_not(None),
            or_(
                Turn.outcome.in_(TO_REVIEW),
                and_(
                    Turn.outcome == ReplyKind.ANSWER,
                    or_(Turn.confidence < UNSURE, down.c.turn.is_not(None)),
                ),
            ),
        )
        .order_by(Turn.id.desc())
        .limit(turns)
    )
    merged: dict[str, Wording] = {}
    with transaction(engine) as session:
        for row in session.execute(found):
            key = normalise(row.text)
            if not key or key not in merged and len(merged) >= most:
                continue
            wording = merged.setdefault(
                key,
                Wording(
                    row.text,
                    {},
                    row.received_at,
                    row.id,
                    row.conversation,
                    row.release,
                    row.question,
                ),
            )
            reason = (
                ("reported" if row.reason in REPORTS else "not helpful")
                if row.down
                else ReplyKind(row.outcome).about.group.value
                if row.outcome in TO_REVIEW
                else "unsure"
            )
            wording.why[reason] = wording.why.get(reason, 0) + 1
    return merged


def read_rankings(engine: Engine, turns: Sequence[int]) -> dict[int, list[tuple[str, float]]]:
    """{turn: [(question or outcome, confidence)]}, the likeliest first, of turns that were
    understood."""
    with transaction(engine) as session:
        rows = [
            row
            for start in range(0, len(turns), 500)
            for row in session.execute(
                select(Turn.id, Turn.understood).where(
                    Turn.id.in_(turns[start : start + 500]), Turn.understood.is_not(None)
                )
            )
        ]
    return {
        row.id: [
            (name, confidence) for name, confidence in (row.understood or {}).get("ranking") or []
        ]
        for row in rows
    }


def read_set_aside(engine: Engine) -> dict[str, str | None]:
    """{key: the release up to which a wording is no longer shown, None for good}."""
    with transaction(engine) as session:
        return {
            key: release for key, release in session.execute(select(SetAside.key, SetAside.release))
        }


def set_aside(engine: Engine, keys: Iterable[str], person: str, release: str | None = None) -> None:
    """Show wordings no longer: for good, or until a release newer than `release` gets them."""
    with transaction(engine) as session:
        for key in keys:
            session.merge(SetAside(key=key, person=person, set_at=utc_now(), release=release))


def bring_back(engine: Engine, keys: Iterable[str]) -> None:
    """Show wordings again."""
    with transaction(engine) as session:
        session.execute(delete(SetAside).where(SetAside.key.in_(keys)))
