"""Whom a visitor is told to call: by country and territory, with hours, and nothing that may not
hold."""

import datetime
import re
from pathlib import Path

import pytest

from bot.content import wording
from bot.domain import countries
from bot.safety import danger_screen, emergency_lines, rules_file

DATA = Path(__file__).resolve().parents[2] / "data"
CRISIS, VIOLENCE = (
    danger_screen.Danger("crisis", "own_life"),
    danger_screen.Danger("emergency", "net.violence"),
)


@pytest.fixture(scope="module")
def loaded():
    return danger_screen.load_screen(DATA)


def numbers(loaded, country, kind):
    return [line["number"] for line in danger_screen.emergency_numbers(loaded, country, (kind,))]


@pytest.mark.parametrize(
    ("written", "code"),
    [("gb", "GB"), ("UK", "GB"), ("uk ", "GB"), ("EL", "GR"), ("usa", "US"), ("De", "DE")],
)
def test_a_country_is_understood_as_people_write_it(written, code):
    assert countries.country_code(written) == code


@pytest.mark.parametrize("written", [None, "", "ZZ", "England", "G", "GBR", "EU", "\u0000"])
def test_what_is_no_country_is_none(written):
    assert countries.country_code(written) is None


@pytest.mark.parametrize(
    ("territory", "country"),
    [
        ("GG", "GB"),
        ("JE", "GB"),
        ("IM", "GB"),
        ("PR", "US"),
        ("GU", "US"),
        ("RE", "FR"),
        ("GP", "FR"),
    ],
)
def test_a_territory_has_its_countrys_lines(loaded, territory, country):
    assert danger_screen.danger_reply(loaded, CRISIS, territory) == danger_screen.danger_reply(
        loaded, CRISIS, country
    )


# The values that were found right; the issue "No danger goes unheard", 9
FOUND = {
    "crisis": "PT 1411, CN 12356, LV 116 123, LT 1809, MT 1579, LK 1926, SK 0800 500 333, "
    "EE 116 123, AR 0800-999-0091, CL *4141, KE 1199, BE 0800 32 123, GR 10306, HK 18111, SG 1771, "
    "IN 1-800-891-4416, GB Text SHOUT to 85258, US Text 988, CA Text 988, US Text HOME to 741741, "
    "IE Text TALK to 50808, AU Text 0477 13 11 14, NZ Text 1737, JP 0120-279-226, UY *0767, "
    "PH 0919-057-1553",
    "poison": "CA 1-800-463-5060, HU 06 80 201 199, LU 8002 5500, UY 1722, GB 18001 111",
    "deaf": "FR Text 114",
    "emergency": "UY 105, ZA 112, ZA 10177, IT 112, IT 118, PK 1122, RU 103, RU 112, EG 123, "
    "VN 115, IR 115, IQ 122, SA 997, NP 102, PE 106, ID 119, MA 15, DZ 14, GH 112, UG 999",
}


@pytest.mark.parametrize("kind", FOUND)
def test_the_values_that_were_found_right_are_given(loaded, kind):
    for value in FOUND[kind].split(", "):
        country, _, number = value.partition(" ")
        assert number in numbers(loaded, country, kind), value


def test_a_number_with_a_star_is_dialled_with_it(loaded):
    (line,) = danger_screen.emergency_numbers(loaded, "CL", ("crisis",))
    assert (line["number"], line["tel"]) == ("*4141", "tel:*4141")
    assert "from mobiles" in line["label"]


def test_a_line_by_text_says_what_to_write_and_opens_the_app_for_it(loaded):
    line = danger_screen.emergency_numbers(loaded, "GB", ("crisis",))[1]
    assert (line["number"], line["tel"]) == ("Text SHOUT to 85258", "sms:85258")


@pytest.mark.parametrize(
    ("country", "kind", "condition"),
    [
        ("LU", "crisis", "11:00-23:00"),
        ("IE", "poison", "08:00-22:00"),
        ("EE", "crisis", "10:00-24:00"),
        ("GB", "crisis", "day and night"),
        ("GB", "poison", "not in Northern Ireland"),
        ("NG", "emergency", "not everywhere"),
        ("BE", "crisis", "in Dutch"),
        ("DE", "children", "for children, Mon-Sat 14:00-20:00"),
    ],
)
def test_beside_a_line_stands_who_reaches_it_and_when(loaded, country, kind, condition):
    assert condition in danger_screen.emergency_numbers(loaded, country, (kind,))[0]["label"]


def test_people_are_promised_only_on_lines_that_never_shut(loaded):
    promised = {
        country
        for country in loaded.book.countries
        if "will listen" in danger_screen.danger_reply(loaded, CRISIS, country)["more"]
    }
    assert {"GB", "US", "IE", "FR", "PL"} <= promised
    for country in promised:
        found = loaded.book.find(country)
        shown = (*found["crisis"], *found.get("children", ()))
        assert all(line.hours == emergency_lines.ALWAYS for line in shown), country
    assert "LU" not in promised and "EE" not in promised and "HR" not in promised


def test_a_line_that_shuts_is_named_with_its_hours(loaded):
    assert "on 45 45 45 (11:00-23:00)." in danger_screen.danger_reply(loaded, CRISIS, "LU")["text"]


def test_a_crisis_begins_kindly_and_speaks_of_no_line_that_is_not_there(loaded):
    for country in (None, *loaded.book.countries):
        answer = danger_screen.danger_reply(loaded, CRISIS, country)
        first, second, third = answer["text"].splitlines()
        assert first.startswith("I'm sorry")
        assert "numbers here" not in answer["text"] + answer["more"]
        assert "{" not in answer["text"] + answer["more"]
        spoken = [
            line["number"]
            for line in answer["numbers"]
            if line["line"] == "crisis" and line.get("tel", "").startswith("tel:")
        ]
        assert spoken[0] in second if spoken else "findahelpline.com" in second
        assert danger_screen.first_number(loaded, country) in third


def test_without_a_line_to_talk_on_findahelpline_is_a_link(loaded):
    for country in (None, "HR"):
        line = danger_screen.danger_reply(loaded, CRISIS, country)["numbers"][0]
        assert (line["number"], line["url"]) == ("findahelpline.com", "https://findahelpline.com")


def test_violence_gets_lines_for_it_and_a_country_without_one_the_emergency_number_alone(loaded):
    kinds = [line["line"] for line in danger_screen.danger_reply(loaded, VIOLENCE, "NZ")["numbers"]]
    assert kinds == ["emergency", "violence", "harm", "children"]
    assert [
        line["number"] for line in danger_screen.danger_reply(loaded, VIOLENCE, "HR")["numbers"]
    ] == ["112"]


def test_an_overdose_on_purpose_gets_the_poison_line_and_the_crisis_line(loaded):
    for text in ("i took all my pills to end it", "she has taken an overdose, she wants to die"):
        answer = danger_screen.danger_reply(loaded, danger_screen.find_danger(loaded, text), "IE")
        kinds = {line["line"] for line in answer["numbers"]}
        assert kinds >= {"emergency", "poison", "crisis"}, text


@pytest.mark.parametrize("country", "GB IE US AU NZ IN ZA DE FR ES IT NL PL".split())
def test_lines_for_violence_and_for_children_come_from_a_page_that_was_read(loaded, country):
    book = rules_file.read_rules_yaml(DATA / "emergency_numbers.yml")[0]
    for kind in ("violence", "children"):
        for line in book["countries"][country][kind]:
            source = book["sources"][line["source"]]
            assert source["url"].startswith("http") and source["read"], (country, kind)


def test_of_somebody_who_does_not_breathe_nobody_is_told_to_say_that_it_is_hard(loaded):
    answer = danger_screen.danger_reply(
        loaded, danger_screen.find_danger(loaded, "he stopped breathing"), "GB"
    )
    assert answer["text"].startswith("Call 999 now. Say whether the person breathes")


def test_a_warning_has_at_most_two_lines_of_each_kind_one(loaded):
    for kind in loaded.kinds:
        shown = [line["line"] for line in danger_screen.warning_line(loaded, kind, "US")["numbers"]]
        assert len(shown) == len(set(shown)) <= 3
        assert "emergency" in shown


def test_every_text_with_every_countrys_numbers_is_plain(loaded):
    for country in (None, *loaded.book.countries):
        answer = danger_screen.danger_reply(loaded, CRISIS, country)
        for part in (answer["text"], answer["more"]):
            assert wording.wording_faults(re.sub(r"[{}]", "", part)) == []


def test_only_a_person_checks_a_line():
    day = datetime.date(2026, 11, 28)
    assert emergency_lines.Line("crisis", "A", "1", checked=day, by="Ada").is_checked_since(day)
    assert not emergency_lines.Line(
        "crisis", "A", "1", checked=day, by=emergency_lines.NO_PERSON
    ).is_checked_since(day)
    late = emergency_lines.Line("crisis", "A", "1", checked=day - datetime.timedelta(1), by="Ada")
    assert not late.is_checked_since(day)
    assert not emergency_lines.Line("crisis", "A", "1").is_checked_since(day)


def test_a_file_from_before_several_lines_is_read(loaded):
    book = {
        "sources": {"s": {}},
        "countries": {"GB": {"emergency": {"label": "E", "number": "999", "source": "s"}}},
    }
    assert emergency_lines.book_faults("f", book, lambda *keys: ("f", 1)) == []
    made = emergency_lines.make_book(book)
    assert [line.number for line in made.find("gb")["emergency"]] == ["999"]
    assert made.say == "112 or your local emergency number"
