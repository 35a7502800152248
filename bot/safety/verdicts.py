"""What the screen decides of a message: from what the rules say and what the net says."""

from __future__ import annotations

from dataclasses import dataclass

from bot.language.normal_form import make_normal_form
from bot.safety import danger_screen, net
from bot.safety.rules_file import Screen


@dataclass(frozen=True)
class Verdict:
    """What the screen says of a message: a danger, which gets the fixed answer; or the likely kind
    of one, whose sentence stands above the usual answer; or that it is not in English, or tells
    that help has come; or nothing."""

    danger: danger_screen.Danger | None = None
    warning: str | None = None
    language: str | None = None  # another than English, in which nothing else is answered
    settled: bool = False  # help is there, after an alarm


NOTHING = Verdict()
# Of 5,378 dangers of other hands, none in which a rule hears something scored lower with the net
# of the others (2026-11-29); of their look-alikes in which one does, every second
DEAF = -5.0
# From here on a rule's alarm stands. On rounds left out (2026-11-29) it brings the dangers that the
# rules' authors wrote, plain ones, from 78.4 to 87.1 %, other hands' from 85.4 to 86.3 %, and their
# look-alikes from 2.3 to 3.8 %; -2.0, where a warning begins, would bring 6.6 % of these
RATHER = 0.0


def decide_verdict(
    screen: Screen, text: str, danger: danger_screen.Danger | None, reading: net.Reading
) -> Verdict:
    """The verdict on a text in which the rules heard `danger`, and of which the net says `reading`.

    The rules hear words, and not whose they are or when; the net weighs what they hear with all
    else. Where it takes a message rather for harmless, their alarm becomes a warning, and where
    it is far from hearing anything, nothing. Not so for a message that must never be missed."""
    judged = reading.judgement
    if danger and (reading.score >= RATHER or _must_be_heard(screen, text)):
        return Verdict(danger)
    if danger and reading.score >= DEAF:
        flag = next(flag for flag in screen.flags if flag.id == danger.flag)
        return Verdict(warning=flag.like) if flag.like else Verdict(danger)
    if judged is None:
        return NOTHING
    if judged.tier == net.ALARM:
        return Verdict(
            danger_screen.Danger(
                screen.kinds[judged.kind]["kind"], danger_screen.LEARNED + judged.kind
            )
        )
    return Verdict(warning=judged.kind)


def _must_be_heard(screen: Screen, text: str) -> bool:
    promised = (*screen.must.values(), *(flag.must for flag in screen.flags))
    form = _bare(text)
    return any(form == _bare(message) for messages in promised for message in messages)


def _bare(text: str) -> str:
    """Small letters, without what stands around the words."""
    return " ".join(make_normal_form(text).lower().strip(" .!?").split())
