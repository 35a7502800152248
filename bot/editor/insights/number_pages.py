"""Numbers: how often what was asked, answered and found helpful, as plots, tables and CSV."""

import csv
import datetime
import io
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.content import articles
from bot.content.articles import Article, Question
from bot.domain.faults import Fault
from bot.domain.reply_kinds import DANGERS, Group, ReplyKind, kinds_of
from bot.editor.shared import content_cache, pages
from bot.editor.shared.state import DeskState, State
from bot.store import engine, turn_counts

logger = logging.getLogger(__name__)
GROUPS = {group: kinds_of(group) for group in Group}  # what a plot shows, and the outcomes in it
VAIN = kinds_of(Group.NOT_COVERED, Group.UNAVAILABLE)
DAYS, MOST_DAYS = 30, 400
EARLIEST = datetime.date(2020, 1, 1)
Z = 1.959964  # of a normal distribution: 95 % lie within
AT_ONCE = 30_000  # messages that are counted while a page waits; more are counted behind it
# so long a count is taken; and shown, while a newer one is made
FRESH_SECONDS, STALE_SECONDS = 60, 600
KEPT = 8  # counts
NO_TABLE = "there is no table {}: days or questions"
router = APIRouter()


@router.get("/numbers")
def show_numbers(request: Request, desk: DeskState, since: str = "", until: str = "") -> Response:
    first, last = _days(since, until)
    found = _read(desk, first, last)
    if found is None:
        return pages.render_page(
            request, "numbers_waiting.html", again=f"{request.url.path}?{request.url.query}"
        )
    # the page that waited, which is loaded anew with its scripts
    if "hx-request" in request.headers:
        return Response(headers={"HX-Refresh": "true"})
    days = [str(first + datetime.timedelta(days=day)) for day in range((last - first).days + 1)]
    return pages.render_page(
        request,
        "numbers.html",
        given={"since": first, "until": last},
        totals=_totals(found),
        plots=_plots(found, days),
        articles=_shares(found, content_cache.read_articles(desk), _article_of),
        last=_by_group(found["last"]),
        questions=_shares(found, content_cache.read_questions(desk), lambda question: question),
    )


@router.get("/numbers/{table}.csv")
def give_csv(desk: DeskState, table: str, since: str = "", until: str = "") -> Response:
    """The same as a spreadsheet reads it: table `days` or `questions`. Cells hold dates, names of
    ours and numbers, so none is a formula."""
    first, last = _days(since, until)
    found = _read(desk, first, last) or _count(desk, first, last)
    made = io.StringIO()
    writer = csv.writer(made)
    if table == "days":
        writer.writerow(["day", "outcome", "question", "release", "messages"])
        writer.writerows(
            [*(part or "" for part in key), count]
            for key, count in sorted(found["turns"].items(), key=str)
        )
    elif table == "questions":
        writer.writerow(
            [
                "question",
                "answers",
                "votes",
                "helpful",
                "share",
                "at least",
                "at most",
                "open reports",
            ]
        )
        for row in _shares(found, content_cache.read_questions(desk), lambda question: question):
            share, low, high = row["share"] or ("", "", "")
            writer.writerow(
                [
                    row["name"],
                    row["asked"],
                    row["votes"],
                    row["helpful"],
                    share,
                    low,
                    high,
                    row["reports"],
                ]
            )
    else:
        raise articles.ContentError([Fault.from_sentence(NO_TABLE.format(table))])
    return Response(
        made.getvalue(),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="pamphlet-{table}-{first}-{last}.csv"'
        },
    )


def wilson_interval(helpful: int, votes: int) -> tuple[float, float, float] | None:
    """(share, low, high): the share of helpful votes, and the interval that holds the true one with
    95 % confidence; None without votes.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927), 209-212."""
    if not votes:
        return None
    share, weight = helpful / votes, Z * Z / votes
    centre = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / votes + weight / (4 * votes)) / (1 + weight)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return round(share, 4), round(low, 4), round(high, 4)


def _read(desk: State, first: date, last: date) -> turn_counts.Numbers | None:
    """turn_counts.read_counts of these days. Of many messages, what was counted some minutes ago
    while a
    thread counts anew, or None where there is no such count."""
    at, found = desk.counts.found.get((first, last), (-math.inf, None))
    age = time.monotonic() - at
    if age < FRESH_SECONDS:
        return found
    if turn_counts.count_messages(desk.engine, *_moments(first, last)) <= AT_ONCE:
        return _count(desk, first, last)
    with desk.counts.lock:
        if (first, last) not in desk.counts.busy:
            desk.counts.busy.add((first, last))
            threading.Thread(target=_count_behind, args=(desk, first, last), daemon=True).start()
    return found if age < STALE_SECONDS else None


def _count(desk: State, first: date, last: date) -> turn_counts.Numbers:
    found = turn_counts.read_counts(desk.engine, *_moments(first, last))
    with desk.counts.lock:
        others = [item for item in desk.counts.found.items() if item[0] != (first, last)]
        desk.counts.found = {**dict(others[1 - KEPT :]), (first, last): (time.monotonic(), found)}
    return found


def _count_behind(desk: State, first: date, last: date) -> None:
    try:
        _count(desk, first, last)
    except engine.StoreDown as error:
        logger.error("the numbers could not be counted: %s", error)
    finally:
        desk.counts.busy.discard((first, last))


def _moments(first: date, last: date) -> tuple[datetime.datetime, datetime.datetime]:
    """(since, until) of these days."""
    start = datetime.datetime.combine(first, datetime.time(), datetime.UTC)
    return start, start + (last - first + datetime.timedelta(days=1))


def _days(since: str, until: str) -> tuple[date, date]:
    """(first day, last day) that the fields name: the last DAYS where they don't."""
    today = datetime.datetime.now(datetime.UTC).date()
    last = min(_day(until) or today, today + datetime.timedelta(days=MOST_DAYS))
    last = max(last, EARLIEST)
    first = _day(since) or last - datetime.timedelta(days=DAYS - 1)
    return min(max(first, last - datetime.timedelta(days=MOST_DAYS)), last), last


def _day(text: str) -> date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _totals(found: turn_counts.Numbers) -> dict[str, Any]:
    outcomes = _summed(found["turns"], lambda key: key[1])
    messages, asked = (
        sum(outcomes.values()),
        sum(count for outcome, count in outcomes.items() if outcome not in GROUPS[Group.TALK]),
    )
    vain, helpful = (
        sum(outcomes[outcome] for outcome in VAIN),
        sum(count for (_, yes), count in found["votes"].items() if yes),
    )
    return {
        "conversations": sum(found["opened"].values()),
        "messages": messages,
        "answers": outcomes[ReplyKind.ANSWER],
        "vain": vain,
        "vain_share": vain / asked if asked else None,
        "votes": sum(found["votes"].values()),
        "helpful": wilson_interval(helpful, sum(found["votes"].values())),
        "dangers": sum(outcomes[outcome] for outcome in DANGERS),
        "reports": sum(found["reports"].values()),
    }


def _plots(found: turn_counts.Numbers, days: list[str]) -> list[dict[str, Any]]:
    """What numbers.js draws: [{id, title, kind, labels, series: [(name, values)], marks: {label:
    release}}]."""
    by_day = _summed(found["turns"], lambda key: (key[0], key[1]))
    marks = _mark_releases(found)
    outcomes = [
        (name, [sum(by_day[day, outcome] for outcome in group) for day in days])
        for name, group in GROUPS.items()
    ]
    channels = sorted({channel for _, channel in found["opened"]})
    return [
        {
            "id": "outcomes",
            "title": "Messages a day, by how they ended",
            "kind": "bar",
            "labels": days,
            "marks": marks,
            "series": [pair for pair in outcomes if any(pair[1])],
        },
        {
            "id": "vain",
            "title": "Not answered, in percent of the questions of a day",
            "kind": "line",
            "labels": days,
            "marks": marks,
            "series": [("not covered or unavailable", _shares_in_vain(by_day, days))],
        },
        {
            "id": "channels",
            "title": "Conversations a day, by channel",
            "kind": "bar",
            "labels": days,
            "marks": {},
            "series": [
                (channel, [found["opened"][day, channel] for day in days]) for channel in channels
            ],
        },
        {
            "id": "lengths",
            "title": "How far conversations go: how many had at least so many messages",
            "kind": "bar",
            "marks": {},
            "labels": [str(least) for least in range(1, len(found["lengths"]) + 1)],
            "series": [("conversations", found["lengths"])],
        },
    ]


def _mark_releases(found: turn_counts.Numbers) -> dict[str, str]:
    """{day: the releases that had their first message on it}."""
    begun: dict[str, str] = {}
    for day, _, _, release in sorted(found["turns"], key=lambda key: key[0]):
        if release:
            begun.setdefault(release, day)
    marks: dict[str, str] = {}
    for release, day in begun.items():
        marks[day] = ", ".join(filter(None, (marks.get(day), release[:15])))
    return marks


def _shares_in_vain(by_day: Counter[tuple[str, str]], days: list[str]) -> list[float | None]:
    """How many percent of each day's questions got no answer; None where nothing was asked."""
    shares: list[float | None] = []
    for day in days:
        asked = sum(
            by_day[day, outcome]
            for name, group in GROUPS.items()
            if name != Group.TALK
            for outcome in group
        )
        vain = sum(by_day[day, outcome] for outcome in VAIN)
        shares.append(round(100 * vain / asked, 1) if asked else None)
    return shares


def _shares(
    found: turn_counts.Numbers, known: Mapping[str, Article | Question], part: Callable[[str], str]
) -> list[dict[str, Any]]:
    """[{name, title, asked, votes, helpful, share (of wilson), reports}] of questions or articles,
    the most asked first."""
    asked = _summed(
        {
            key: count
            for key, count in found["turns"].items()
            if key[1] == ReplyKind.ANSWER and key[2]
        },
        lambda key: part(key[2]),
    )
    votes = _summed(
        {key: count for key, count in found["votes"].items() if key[0]},
        lambda key: (part(key[0]), key[1]),
    )
    reports = _summed(found["reports"], part)
    rows = []
    for name in {*asked, *reports, *(name for name, _ in votes)}:
        helpful, total = votes[name, True], votes[name, True] + votes[name, False]
        entry = known.get(name)
        rows.append(
            {
                "name": name,
                "title": getattr(entry, "ask", None) or getattr(entry, "title", None) or name,
                "asked": asked[name],
                "votes": total,
                "helpful": helpful,
                "share": wilson_interval(helpful, total),
                "reports": reports[name],
            }
        )
    return sorted(rows, key=lambda row: (-row["asked"], row["name"]))


def _by_group(outcomes: Counter[str | None]) -> list[tuple[str, int]]:
    """[(name of a group, how many)] that is not 0."""
    found = [(name, sum(outcomes[outcome] for outcome in group)) for name, group in GROUPS.items()]
    return [(name, count) for name, count in found if count]


def _article_of(question: str) -> str:
    return question.partition(".")[0]


def _summed(counted: Mapping[Any, int], key: Callable[[Any], Any]) -> Counter[Any]:
    made: Counter[Any] = Counter()
    for each, count in counted.items():
        made[key(each)] += count
    return made
