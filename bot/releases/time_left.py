"""How long the making of a release still takes, by what earlier ones took."""

import datetime
import statistics
from collections.abc import Sequence

from bot.releases import steps
from bot.store.publications import Entry

OVERDUE_SECONDS = 5
MOST_EARLIER = 5  # publications whose times count: the site and its machine change
# from the first of these on it is known whether there is something to learn
TIMED = (steps.LEARNING, steps.DANGERS, steps.SEALING, steps.PHRASES, steps.STORIES, steps.PAST)


def estimate_time_left(
    made: Entry, earlier: Sequence[Entry], now: datetime.datetime | None = None
) -> str:
    """How much longer a publication probably is being made, in words: as the latest of the
    `earlier` ones took, newest first, from the beginning of the step on that it is at. "" while
    that can't be said.

    A change of answers alone learns nothing and takes a third of the time: only those that learned
    count where this one does, and only those that didn't where it doesn't."""
    begun = _read_beginnings(made)
    if made.state != "running" or made.step not in TIMED:
        return ""
    logs = [_read_beginnings(other) for other in earlier]
    took = [
        (log[steps.DONE] - log[made.step]).total_seconds()
        for log in logs
        if steps.DONE in log
        and made.step in log
        and (steps.LEARNING in log) == (steps.LEARNING in begun)
    ]
    if not took:
        return ""
    now = now or datetime.datetime.now(datetime.UTC)
    passed = (now - begun[made.step]).total_seconds()
    return describe_seconds(statistics.median(took[:MOST_EARLIER]) - passed)


def estimate_whole(learns: bool, earlier: Sequence[Entry]) -> str:
    """How long a publication probably takes that learns, or learns nothing, in words: as the latest
    of the `earlier` ones took, newest first. "" while that can't be said."""
    took = [
        (begun[steps.DONE] - made.began_at).total_seconds()
        for made in earlier
        for begun in [_read_beginnings(made)]
        if steps.DONE in begun and (steps.LEARNING in begun) == learns
    ]
    return describe_seconds(statistics.median(took[:MOST_EARLIER])) if took else ""


def describe_seconds(left: float) -> str:
    """Seconds that something still takes, in words."""
    if left < -OVERDUE_SECONDS:
        return "longer than the last times"
    if left < 8:
        return "a few seconds"
    if left < 95:
        return f"about {round(left, -1):.0f} s"
    return f"about {round(left / 60):.0f} minutes"


def _read_beginnings(made: Entry) -> dict[str, datetime.datetime]:
    """{step: when it first began} of a publication."""
    begun: dict[str, datetime.datetime] = {}
    for line in made.log:
        begun.setdefault(line["step"], datetime.datetime.fromisoformat(line["at"]))
    return begun
