"""What visitors asked in vain, or nearly."""

import datetime
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, or_, select

from bot.domain.reply_kinds import WITHOUT_ANSWER, ReplyKind
from bot.store.engine import transaction
from bot.store.tables import Conversation, Reply, Turn, Vote
from bot.store.votes import REPORTS

UNSURE = 0.6  # an answer's confidence under which it's reviewed; under 0.5 it isn't given
REPORTED, VOTED_DOWN, ANSWERED_UNSURELY = "reported", "not helpful", "unsure"
# why a message is in the review, as its card and the filter say it
REASONS = (
    REPORTED,
    VOTED_DOWN,
    *dict.fromkeys(kind.about.group.value for kind in WITHOUT_ANSWER),
    ANSWERED_UNSURELY,
)

type Found = Row[
    int,
    str | None,
    str | None,
    datetime.datetime,
    str,
    str | None,
    str | None,
    str | None,
]
type DownVotes = Sequence[tuple[str | None, str | None]]  # (reason, comment) of each


@dataclass(frozen=True)
class Filter:
    """Which messages are wanted; what is empty lets all through.

    `words`: each stands in the text; `article`: on whose page it was asked, or which answered it;
    `why`: one of REASONS, for which the text stands in the review at least once; `since`, `until`:
    moments."""

    words: tuple[str, ...] = ()
    article: str = ""
    channel: str = ""
    why: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


EVERYTHING = Filter()


@dataclass
class Wording:
    """One text that visitors sent, in vain or nearly. `why`: {reason: how many times}; `turn` the
    latest, on which the rest is.

    `comments`: what those said who voted it down, the latest first; `voted_down`: the questions
    whose answers they got; `beside`: {article on whose page it was asked, "" for none: (the latest
    turn there, its release)}."""

    text: str
    why: dict[str, int]
    at: datetime.datetime
    turn: int
    conversation: str
    comments: list[str] = field(default_factory=list)
    voted_down: set[str] = field(default_factory=set)
    beside: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    release: str | None = None

    def count(self) -> int:
        return sum(self.why.values())


class Asked(TypedDict):
    """A message as it was asked: its text, its conversation, the article on whose page it was, and
    `messages`: it and those before it, as rehearsal.rehearse takes them."""

    text: str
    conversation: str
    article: str | None
    messages: list[dict[str, str]]


class NoText(LookupError):
    """There is no such message, or its text is deleted."""


def read_wordings(
    engine: Engine,
    most: int,
    turns: int,
    normalise: Callable[[str], str],
    wanted: Filter = EVERYTHING,
) -> dict[str, Wording]:
    """{normalised text: Wording}, at most `most`, out of the latest `turns` messages that are
    wanted and were voted down, reported, declined, asked back, not covered or answered unsurely;
    newest first. Where votes are wanted, out of the latest `turns` with one before those, too."""
    merged: dict[str, Wording] = {}
    with transaction(engine) as session:
        rows = list(session.execute(_select_turns(wanted).limit(turns)))
        votes: dict[int, list[tuple[str | None, str | None]]] = {}
        if len(rows) == turns and wanted.why in (REPORTED, VOTED_DOWN):
            # votes are rare: thousands of other messages since must not hide them
            earlier = _select_turns(wanted, wanted.why).where(Turn.id < rows[-1][0])
            rows += session.execute(earlier.limit(turns))
        if rows:
            down = _select_down().where(Reply.turn >= rows[-1][0]).order_by(Vote.voted_at.desc())
            for turn, reason, comment in session.execute(down):
                votes.setdefault(turn, []).append((reason, comment))
    for row in rows:
        if key := normalise(row[1] or ""):
            _merge_turn(merged, key, row, votes.get(row[0], []))
    # by all that became of a text, not by its turns of this reason alone
    found = (each for each in merged.items() if not wanted.why or wanted.why in each[1].why)
    return dict(itertools.islice(found, most))


def _select_turns(
    wanted: Filter, voted: str = ""
) -> Select[
    int, str | None, str | None, datetime.datetime, str, str | None, str | None, str | None
]:
    """The turns of read_wordings, the latest first; those alone with a vote for which they are
    REPORTED or VOTED_DOWN, where that is `voted`."""
    down = _select_down().with_only_columns(Reply.turn)
    reported = down.where(Vote.reason.in_(REPORTS))
    stands: dict[str, ColumnElement[bool]] = {
        REPORTED: Turn.id.in_(reported),
        VOTED_DOWN: and_(Turn.id.in_(down), Turn.id.not_in(reported)),
    }
    in_review = or_(
        Turn.outcome.in_(WITHOUT_ANSWER),
        and_(Turn.outcome == ReplyKind.ANSWER, Turn.confidence < UNSURE),
        Turn.id.in_(down),
    )
    conditions: list[ColumnElement[bool]] = [Turn.text.is_not(None), stands.get(voted, in_review)]
    conditions += [Turn.text.icontains(word, autoescape=True) for word in wanted.words]
    if wanted.article:
        answered = Turn.question.startswith(f"{wanted.article}.", autoescape=True)
        conditions.append(or_(Conversation.article == wanted.article, answered))
    conditions += [Conversation.channel == wanted.channel] if wanted.channel else []
    conditions += [Turn.received_at >= wanted.since] if wanted.since else []
    conditions += [Turn.received_at < wanted.until] if wanted.until else []
    return (
        select(
            Turn.id,
            Turn.text,
            Turn.outcome,
            Turn.received_at,
            Turn.conversation,
            Turn.release,
            Turn.question,
            Conversation.article,
        )
        .join(Conversation, Conversation.id == Turn.conversation)
        .where(*conditions)
        .order_by(Turn.id.desc())
    )


def _select_down() -> Select[int, str | None, str | None]:
    """(turn, reason, comment) of each vote against a reply."""
    return (
        select(Reply.turn, Vote.reason, Vote.comment)
        .select_from(Reply)
        .join(Vote, Vote.reply == Reply.id)
        .where(Vote.helpful.is_(False))
    )


def _merge_turn(merged: dict[str, Wording], key: str, row: Found, votes: DownVotes) -> None:
    """Count a turn to its Wording."""
    id, text, outcome, at, conversation, release, question, article = row
    reason = _reason(outcome, votes)
    wording = merged.get(key)
    if wording is None:
        wording = merged[key] = Wording(text or "", {}, at, id, conversation, release=release)
    wording.why[reason] = wording.why.get(reason, 0) + 1
    wording.comments += [comment for _, comment in votes if comment]
    wording.beside.setdefault(article or "", (id, release))
    if votes and question:
        wording.voted_down.add(question)


def _reason(outcome: str | None, votes: DownVotes) -> str:
    """Why a turn with these votes against it is in the review."""
    if any(reason in REPORTS for reason, _ in votes):
        return REPORTED
    if votes:
        return VOTED_DOWN
    return ReplyKind(outcome).about.group.value if outcome in WITHOUT_ANSWER else ANSWERED_UNSURELY


def read_asked(engine: Engine, turn: int, before: int = 0) -> Asked:
    """A message with up to `before` of those that came before it; raises NoText."""
    with transaction(engine) as session:
        found = session.execute(
            select(Turn.text, Turn.conversation, Conversation.article)
            .join(Conversation, Conversation.id == Turn.conversation)
            .where(Turn.id == turn)
        ).first()
        text, conversation, article = found or (None, "", None)
        if text is None:
            raise NoText(turn)
        earlier = session.execute(
            select(Turn.text, Turn.choice)
            .where(Turn.conversation == conversation, Turn.id < turn)
            .order_by(Turn.id.desc())
            .limit(before)
        ).all()
    messages: list[dict[str, str]] = []
    for said, chosen in reversed(earlier):
        messages += [{"text": said}] if said else [{"choice": chosen}] if chosen else []
    return {
        "text": text,
        "conversation": conversation,
        "article": article,
        "messages": [*messages, {"text": text}],
    }


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
