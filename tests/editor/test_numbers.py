"""Numbers: what is counted, with its uncertainty, as a page and as CSV."""

import csv
import datetime
import io
import json
import re
from html import unescape

import pytest
from sqlalchemy import insert

from bot.editor.insights import number_pages
from bot.store.tables import Conversation, Reply, Turn, Vote

DAY = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
TURNS = [  # conversation, day, outcome, question, release, vote
    ("a", 0, "answer", "hiccups.causes", "20261101-000000-a", True),
    ("a", 0, "not_covered", None, "20261101-000000-a", None),
    ("a", 0, "talk", None, "20261101-000000-a", None),
    ("b", 0, "answer", "hiccups.causes", "20261101-000000-a", False),
    ("b", 1, "answer", "hiccups.prevention", "20261104-000000-b", None),
    ("c", 1, "emergency", None, "20261104-000000-b", None),
    ("d", 40, "answer", "hiccups.causes", "20261104-000000-b", True),
]


@pytest.fixture
def counted(desk):
    """A desk whose database holds TURNS."""
    with desk.engine.begin() as connection:
        for place, (conversation, day, outcome, question, release, vote) in enumerate(TURNS, 1):
            at = DAY + datetime.timedelta(days=day, minutes=place)
            if place == 1 or TURNS[place - 2][0] != conversation:
                connection.execute(
                    insert(Conversation).values(
                        id=conversation,
                        channel="telegram" if conversation == "c" else "web",
                        state={},
                        opened_at=at,
                        expires_at=at,
                    )
                )
            connection.execute(
                insert(Turn).values(
                    id=place,
                    conversation=conversation,
                    message=str(place),
                    received_at=at,
                    outcome=outcome,
                    question=question,
                    release=release,
                )
            )
            connection.execute(insert(Reply).values(id=str(place), turn=place, place=0, body={}))
            if vote is not None:
                connection.execute(insert(Vote).values(reply=str(place), helpful=vote, voted_at=at))
    return desk


WEEK = "?since=2026-11-01&until=2026-11-07"


def plots(page):
    return {
        plot["id"]: plot
        for plot in (
            json.loads(unescape(found)) for found in re.findall(r'data-plot="([^"]+)"', page)
        )
    }


def totals(page):
    return {
        name: re.sub(r"<[^>]+>|\s+", " ", value).split()[0]
        for name, value in re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page, re.S)
    }


def test_what_happened_is_counted(counted):
    page = counted.enter().get(f"/numbers{WEEK}").text
    assert totals(page) == {
        "Conversations": "3",
        "Messages": "6",
        "Answers": "3",
        "Not answered": "1",
        "Helpful": "50",
        "Emergency numbers shown": "1",
        "Open reports": "0",
    }
    drawn = plots(page)
    assert drawn["outcomes"]["labels"] == [f"2026-11-0{day}" for day in range(1, 8)]
    assert dict(map(tuple, drawn["outcomes"]["series"]))["answered"] == [0, 0, 2, 1, 0, 0, 0]
    assert drawn["outcomes"]["marks"] == {
        "2026-11-03": "20261101-000000",
        "2026-11-04": "20261104-000000",
    }
    assert dict(map(tuple, drawn["channels"]["series"])) == {
        "telegram": [0, 0, 0, 1, 0, 0, 0],
        "web": [0, 0, 2, 0, 0, 0, 0],
    }
    assert drawn["vain"]["series"][0][1] == [None, None, 33.3, 0.0, None, None, None]
    assert drawn["lengths"]["series"][0][1][:4] == [3, 2, 1, 0]
    assert "answered 1, talk 1, danger 1" in " ".join(page.split())


def test_a_share_comes_with_its_uncertainty(counted):
    rows = {
        row["question"]: row
        for row in csv.DictReader(
            io.StringIO(counted.enter().get(f"/numbers/questions.csv{WEEK}").text)
        )
    }
    assert (
        rows["hiccups.causes"]["answers"],
        rows["hiccups.causes"]["votes"],
        rows["hiccups.causes"]["share"],
    ) == ("2", "2", "0.5")
    assert (rows["hiccups.causes"]["at least"], rows["hiccups.causes"]["at most"]) == (
        "0.0945",
        "0.9055",
    )
    assert rows["hiccups.prevention"]["share"] == ""


# 81 of 263: R. G. Newcombe, Statistics in Medicine 17 (1998), table I
@pytest.mark.parametrize(
    "helpful, votes, interval",
    [
        (0, 10, (0.0, 0.0, 0.2775)),
        (10, 10, (1.0, 0.7225, 1.0)),
        (81, 263, (0.308, 0.2553, 0.3662)),
        (0, 0, None),
    ],
)
def test_the_interval_is_wilsons(helpful, votes, interval):
    assert number_pages.wilson_interval(helpful, votes) == interval


def test_days_can_be_chosen_and_had_as_csv(counted):
    visit = counted.enter()
    lines = visit.get(f"/numbers/days.csv{WEEK}").text.splitlines()
    assert lines[0] == "day,outcome,question,release,messages" and len(lines) == 6
    assert "2026-11-03,answer,hiccups.causes,20261101-000000-a,2" in lines
    assert totals(visit.get("/numbers?since=2026-12-10&until=2026-12-20").text)["Messages"] == "1"
    assert visit.get("/numbers?since=nonsense&until=9999-99-99").status_code == 200
    assert visit.get("/numbers?since=0001-01-01&until=9999-12-31").status_code == 200
    assert visit.get("/numbers?until=0001-01-01").status_code == 200
    assert visit.get("/numbers/everything.csv").status_code == 422
    assert counted.visit().get("/numbers").status_code == 303


def test_an_empty_desk_says_so(desk):
    page = desk.enter().get("/numbers").text
    assert "Nothing was answered in these days." in page and totals(page)["Messages"] == "0"
