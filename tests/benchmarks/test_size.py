"""`bot size`: by figures that were measured, more for more visitors, and as the page says."""

import dataclasses
import re
from pathlib import Path

import pytest

from benchmarks import sizes
from bot.cli.main import main
from bot.operations import size
from tests.support.journal import share

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
STEADY = {
    "cores": 2,
    "machine": "M",
    "date": "2026-01-01",
    "processor_ms": {
        "gateway": [10.0] * (sizes.POINTS + 1),
        "rasa": [20.0] * (sizes.POINTS + 1),
        "postgresql": 3.0,
    },
    "memory_mb": {"gateway": 200, "rasa": 300},
    "bytes_a_message": {"sqlite": 2000, "postgresql": 3000},
    "knee": {"messages_a_second": 20.0},
}


def test_it_says_what_a_site_needs(capsys):
    assert main(["size", "--visitors-a-day", "300000"]) == 0
    told = capsys.readouterr().out
    assert "300,000 visitors a day: 33.3 messages a second in the busiest hour" in told
    for word in ("gateways", "cores", "GB of memory", "GB of disk", "measured on"):
        assert word in told


@pytest.mark.parametrize("text", ["0", "-5", "many", "1.5", "99999999999"])
def test_what_is_no_number_of_visitors_is_named(text, capsys):
    with pytest.raises(SystemExit):
        main(["size", f"--visitors-a-day={text}"])
    assert "is no number from 1 to 1,000,000,000" in capsys.readouterr().err


def test_a_small_site_is_one_gateway_on_sqlite_and_a_large_one_has_one_to_spare():
    small, large = size.size_site(1_000, STEADY), size.size_site(1_000_000, STEADY)
    assert (small.gateways, small.spare, small.database, small.cores) == (1, 0, "SQLite", 2)
    assert (large.gateways, large.spare, large.database) == (7, 1, "PostgreSQL and Redis")
    assert large.database_cores == pytest.approx(0.33, abs=0.01) and large.cores == 16


def test_more_visitors_never_need_less():
    made = [size.size_site(number, STEADY) for number in range(1_000, 2_000_000, 37_000)]
    for part in ("gateways", "cores", "memory_gb"):
        needed = [dataclasses.asdict(each)[part] for each in made]
        assert needed == sorted(needed)


def test_where_nobody_waits_a_message_takes_what_its_work_takes():
    taken = sizes.simulate(STEADY, 1, 0.2, 4_000)
    assert len(taken) > 500
    assert share(taken, 0.5) == pytest.approx(0.03) and taken[0] == pytest.approx(0.03)


def test_a_site_past_what_its_slowest_part_takes_falls_behind_and_another_gateway_mends_it():
    late = share(sizes.simulate(STEADY, 1, 60), 0.95)
    assert late > 5 and share(sizes.simulate(STEADY, 2, 60), 0.95) < 0.2


def test_the_knee_is_where_waiting_takes_as_long_as_the_work():
    knee = sizes.find_knee(STEADY)
    assert 15 < knee["messages_a_second"] < 50  # one Rasa answers 50 a second at most
    assert knee["idle_ms"] <= knee["p95_ms"] <= sizes.KNEE * knee["idle_ms"]


def test_recorded_times_are_drawn_as_they_were_recorded():
    points = [float(point) for point in range(sizes.POINTS + 1)]
    assert sizes.draw_from(points, 0.0) == 0.0 and sizes.draw_from(points, 0.5) == 0.01
    assert sizes.draw_from(points, 0.999999) == pytest.approx(0.02, abs=1e-6)
    assert sizes.quantiles([3.0, 1.0, 2.0] * 20)[:: sizes.POINTS] == [1.0, 3.0]


def test_the_figures_name_where_they_were_measured_and_their_knee_is_that_of_their_times():
    figures = size.read_figures()
    assert figures["machine"] and figures["messages"] >= 300
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", figures["date"])
    assert sizes.find_knee(figures) == figures["knee"]


def test_the_page_has_what_the_command_says():
    figures, rows = (
        size.read_figures(),
        re.findall(r"^\| ([\d,]+) \| (.*) \|$", PAGE.read_text(), re.M),
    )
    assert len(rows) >= 4
    for visitors, told in rows:
        assert told == " | ".join(
            size.size_row(size.size_site(int(visitors.replace(",", "")), figures))
        )
