"""Numbers: how often what was asked, answered and found helpful, as plots, tables and CSV."""

import csv
import datetime
import io
import logging
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot import articles, store
from bot.editor import library, pages
from bot.store import numbers

logger = logging.getLogger(__name__)
GROUPS = {  # what a plot shows, and the outcomes in it
    "answered": ("answer",),
    "asked back": ("clarify",),
    "not covered": ("not_covered",),
    "declined": ("personal_advice", "out_of_scope"),
    "talk": ("talk",),
    "danger": ("emergency", "crisis"),
    "unavailable": ("unavailable",),
}
DANGERS = GROUPS["danger"]
VAIN = (*GROUPS["not covered"], *GROUPS["unavailable"])
DAYS, MOST_DAYS = 30, 400
EARLIEST = datetime.date(2020, 1, 1)
Z = 1.959964  # of a normal distribution: 95 % lie within
AT_ONCE = 30_000  # messages that are counted while a page waits; more are counted behind it
# so long a count is taken; and shown, while a newer one is made
FRESH_SECONDS, STALE_SECONDS = 60, 600
KEPT = 8  # counts
router = APIRouter()


@dataclass
class Counts:
    """What was counted: {(first day, last day): (when, numbers.read)}; `busy` those that are being
    counted."""

    found: dict = field(default_factory=dict)
    busy: set = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@router.get("/numbers")
def show_numbers(request: Request, since: str = "", until: str = ""):
    desk = request.app.state.desk
    first, last = _days(since, until)
    found = _read(desk, first, last)
    if found is None:
        return pages.render(
            request, "numbers_waiting.html", again=f"{request.url.path}?{request.url.query}"
        )
    # the page that waited, which is loaded anew with its scripts
    if "hx-request" in request.headers:
        return Response(headers={"HX-Refresh": "true"})
    days = [str(first + datetime.timedelta(days=day)) for day in range((last - first).days + 1)]
    return pages.render(
        request,
        "numbers.html",
        given={"since": first, "until": last},
        totals=_totals(found),
        plots=_plots(found, days),
        articles=_shares(found, library.read_articles(desk), _article_of),
        last=_by_group(found["last"]),
        questions=_shares(found, library.questions(desk), lambda question: question),
    )


@router.get("/numbers/{table}.csv")
def give_csv(request: Request, table: str, since: str = "", until: str = ""):
    """The same as a spreadsheet reads it: table `days` or `questions`. Cells hold dates, names of
    ours and numbers, so none is a formula."""
    desk = request.app.state.desk
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
        for row in _shares(found, library.questions(desk), lambda question: question):
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
        raise articles.ContentError([f"there is no table {table}: days or questions"])
    return Response(
        made.getvalue(),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="pamphlet-{table}-{first}-{last}.csv"'
        },
    )


def wilson(helpful, votes):
    """(share, low, high): the share of helpful votes, and the interval that holds the true one with
    95 % confidence; None without votes.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927), 209-212."""
    if not votes:
        return None
    share, weight = helpful / votes, Z * Z / votes
    centre = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / votes + weight / (4 * votes)) / (1 + weight)
    return tuple(
        round(value, 4) for value in (share, max(0.0, centre - half), min(1.0, centre + half))
    )


def _read(desk, first, last):
    """numbers.read of these days. Of many messages, what was counted some minutes ago while a
    thread counts anew, or None where there is no such count."""
    at, found = desk.counts.found.get((first, last), (-math.inf, None))
    age = time.monotonic() - at
    if age < FRESH_SECONDS:
        return found
    if numbers.count(desk.engine, *_moments(first, last)) <= AT_ONCE:
        return _count(desk, first, last)
    with desk.counts.lock:
        if (first, last) not in desk.counts.busy:
            desk.counts.busy.add((first, last))
            threading.Thread(target=_count_behind, args=(desk, first, last), daemon=True).start()
    return found if age < STALE_SECONDS else None


def _count(desk, first, last):
    found = numbers.read(desk.engine, *_moments(first, last))
    with desk.counts.lock:
        others = [item for item in desk.counts.found.items() if item[0] != (first, last)]
        desk.counts.found = {**dict(others[1 - KEPT :]), (first, last): (time.monotonic(), found)}
    return found


def _count_behind(desk, first, last):
    try:
        _count(desk, first, last)
    except store.StoreDown as error:
        logger.error("the numbers could not be counted: %s", error)
    finally:
        desk.counts.busy.discard((first, last))


def _moments(first, last):
    """(since, until) of these days."""
    start = datetime.datetime.combine(first, datetime.time(), datetime.UTC)
    return start, start + (last - first + datetime.timedelta(days=1))


def _days(since, until):
    """(first day, last day) that the fields name: the last DAYS where they don't."""
    today = datetime.datetime.now(datetime.UTC).date()
    last = min(_day(until) or today, today + datetime.timedelta(days=MOST_DAYS))
    last = max(last, EARLIEST)
    first = _day(since) or last - datetime.timedelta(days=DAYS - 1)
    return min(max(first, last - datetime.timedelta(days=MOST_DAYS)), last), last


def _day(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _totals(found):
    outcomes = _summed(found["turns"], lambda key: key[1])
    messages, asked = (
        sum(outcomes.values()),
        sum(count for outcome, count in outcomes.items() if outcome not in GROUPS["talk"]),
    )
    vain, helpful = (
        sum(outcomes[outcome] for outcome in VAIN),
        sum(count for (_, yes), count in found["votes"].items() if yes),
    )
    return {
        "conversations": sum(found["opened"].values()),
        "messages": messages,
        "answers": outcomes["answer"],
        "vain": vain,
        "vain_share": vain / asked if asked else None,
        "votes": sum(found["votes"].values()),
        "helpful": wilson(helpful, sum(found["votes"].values())),
        "dangers": sum(outcomes[outcome] for outcome in DANGERS),
        "reports": sum(found["reports"].values()),
    }


def _plots(found, days):
    """What numbers.js draws: [{id, title, kind, labels, series: [(name, values)], marks: {label:
    release}}]."""
    by_day = _summed(found["turns"], lambda key: (key[0], key[1]))
    begun = {}
    for day, _, _, release in sorted(found["turns"], key=lambda key: key[0]):
        if release:
            begun.setdefault(release, day)
    marks = {}
    for release, day in begun.items():
        marks[day] = ", ".join(filter(None, (marks.get(day), release[:15])))
    outcomes = [
        (name, [sum(by_day[day, outcome] for outcome in group) for day in days])
        for name, group in GROUPS.items()
    ]
    channels = sorted({channel for _, channel in found["opened"]})
    asked = [
        sum(counts)
        for counts in zip(*(values for name, values in outcomes if name != "talk"), strict=True)
    ]
    vain = [
        round(100 * sum(by_day[day, outcome] for outcome in VAIN) / total, 1) if total else None
        for day, total in zip(days, asked, strict=True)
    ]
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
            "series": [("not covered or unavailable", vain)],
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


def _shares(found, known, part):
    """[{name, title, asked, votes, helpful, share (of wilson), reports}] of questions or articles,
    the most asked first."""
    asked = _summed(
        {key: count for key, count in found["turns"].items() if key[1] == "answer" and key[2]},
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
                "share": wilson(helpful, total),
                "reports": reports[name],
            }
        )
    return sorted(rows, key=lambda row: (-row["asked"], row["name"]))


def _by_group(outcomes):
    """[(name of a group, how many)] that is not 0."""
    found = [(name, sum(outcomes[outcome] for outcome in group)) for name, group in GROUPS.items()]
    return [(name, count) for name, count in found if count]


def _article_of(question):
    return question.partition(".")[0]


def _summed(counted, key):
    made = Counter()
    for each, count in counted.items():
        made[key(each)] += count
    return made
