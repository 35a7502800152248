"""The kinds of reply, and whatever else knows them by: editors' pages, figures, stories, tests.

Each list of kinds elsewhere is derived from this one. A new kind is an entry here, beside the
function that makes it (bot/content/replies.py) and the place that decides for it (the actions, or
the gateway)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Group(StrEnum):
    """What the editors' figures count as one, by its name there, in the order of their plots."""

    ANSWERED = "answered"
    QUOTED = "quoted"
    ASKED_BACK = "asked back"
    NOT_COVERED = "not covered"
    DECLINED = "declined"
    TALK = "talk"
    DANGER = "danger"
    UNAVAILABLE = "unavailable"


class Colour(StrEnum):
    """How a kind is shown at the editors' desk: a class of its style sheet."""

    PLAIN = ""
    BAD = "bad"


class ReplyKind(StrEnum):
    """What a reply is, as it stands in the reply, in the database and in the API.

    The order is that of the editors' lists."""

    ANSWER = "answer"
    PASSAGE = "passage"
    CLARIFY = "clarify"
    NOT_COVERED = "not_covered"
    PERSONAL_ADVICE = "personal_advice"
    OUT_OF_SCOPE = "out_of_scope"
    TALK = "talk"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    UNAVAILABLE = "unavailable"

    @property
    def about(self) -> About:
        """What editors and figures make of it."""
        return ABOUT[self]


@dataclass(frozen=True)
class About:
    """What editors and figures make of a kind.

    `title`: what a message that gets it is; `column`: the same in the table of a release's tests;
    `ending`: how editors are told that it came, "" where that is made of the title."""

    group: Group
    title: str
    column: str
    ending: str = ""
    colour: Colour = Colour.PLAIN


ABOUT: Final[dict[ReplyKind, About]] = {
    ReplyKind.ANSWER: About(Group.ANSWERED, "a question", "answer", "it is answered"),
    ReplyKind.PASSAGE: About(
        Group.QUOTED, "a detail that the page tells", "passage", "a passage of the page is quoted"
    ),
    ReplyKind.CLARIFY: About(Group.ASKED_BACK, "asked back", "asked back", "it is asked back"),
    ReplyKind.NOT_COVERED: About(
        Group.NOT_COVERED, "not covered", "“not covered”", "it is said that this is not covered"
    ),
    ReplyKind.PERSONAL_ADVICE: About(
        Group.DECLINED, "a decision about one person", "“ask your doctor”"
    ),
    ReplyKind.OUT_OF_SCOPE: About(Group.DECLINED, "not about health", "“not about health”"),
    ReplyKind.TALK: About(Group.TALK, "talk", "small talk"),
    ReplyKind.EMERGENCY: About(Group.DANGER, "an emergency", "emergency", colour=Colour.BAD),
    ReplyKind.CRISIS: About(Group.DANGER, "a crisis", "crisis", colour=Colour.BAD),
    ReplyKind.UNAVAILABLE: About(
        Group.UNAVAILABLE, "unavailable", "unavailable", colour=Colour.BAD
    ),
}


def kinds_of(*groups: Group) -> tuple[ReplyKind, ...]:
    """The kinds that belong to one of these groups."""
    return tuple(kind for kind in ReplyKind if kind.about.group in groups)


DANGERS = kinds_of(Group.DANGER)
# the understanding knows these by the same names, as what a message may ask for
REFUSALS = kinds_of(Group.NOT_COVERED, Group.DECLINED)
# gave the visitor no ready answer: whom to call in an emergency stands below them, and editors
# review them, for each may hide a question that should have been answered
WITHOUT_ANSWER = kinds_of(Group.QUOTED, Group.ASKED_BACK, Group.NOT_COVERED, Group.DECLINED)
# depend on the articles and the understanding alone, so that a story can expect them
REPEATABLE = kinds_of(Group.ANSWERED, Group.TALK) + WITHOUT_ANSWER
