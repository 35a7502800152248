"""The screen reads what people write, answers with fixed words and numbers, and says what is wrong
with its files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.content import wording
from bot.safety import danger_screen, rules_file
from tests.support import danger_messages

DATA = Path(__file__).resolve().parents[2] / "data"
MUST, MUST_NOT = danger_messages.read("must_catch"), danger_messages.read("must_not_catch")
SLIPS = [name for name in danger_messages.VARIANTS if name.startswith("a letter")]
ADVERSE = [
    "i " * 1000,
    ("seizure not " * 200)[:2000],
    ("can i my he she " * 200)[:2000],
    "?" * 2000,
    "\u0301" * 2000,
    ". ".join(message.text for message in MUST_NOT)[:2000],
]


@pytest.fixture(scope="module")
def loaded():
    return danger_screen.load_screen(DATA)


@pytest.fixture
def copy(tmp_path):
    """A folder with the two files, to be broken."""
    for name in ("safety.yml", "emergency_numbers.yml"):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path


def share(loaded, found, vary=str):
    """The share of messages that raise something, and those that do and don't."""
    raised, silent = [], []
    for message in found:
        (raised if danger_screen.find_danger(loaded, vary(message.text)) else silent).append(
            message.text
        )
    return len(raised) / len(found), raised, silent


def test_the_files_are_in_order():
    assert danger_screen.check_rules(DATA) == []


def test_there_are_enough_messages_and_none_twice():
    for found in (MUST, MUST_NOT):
        texts = [message.text.lower() for message in found]
        assert len(texts) >= 300
        assert len(texts) == len(set(texts)), sorted(
            {text for text in texts if texts.count(text) > 1}
        )
    assert not {message.text.lower() for message in MUST} & {
        message.text.lower() for message in MUST_NOT
    }
    assert sum(message.always for message in MUST) >= 60


def test_no_message_is_an_example_of_the_table(loaded):
    examples = {example.lower() for flag in loaded.flags for example in flag.must + flag.must_not}
    same = examples & {message.text.lower() for message in MUST + MUST_NOT}
    assert not same


def test_the_must_list_that_blocks_a_release_holds_every_marked_message(loaded):
    marked = {
        kind: {message.text for message in MUST if message.always and message.kind == kind}
        for kind in rules_file.KINDS
    }
    assert {kind: set(messages) for kind, messages in loaded.must.items()} == marked


@pytest.mark.parametrize("text", [message.text for message in MUST if message.always])
def test_a_message_of_the_must_list_is_always_caught(loaded, text):
    for name, vary in danger_messages.VARIANTS.items():
        if name not in SLIPS:
            assert danger_screen.find_danger(loaded, vary(text)), name
    assert danger_screen.find_danger(loaded, text)


def test_99_of_100_dangers_are_caught(loaded):
    caught, _, missed = share(loaded, MUST)
    assert caught >= 0.99, missed


def test_at_most_2_of_100_harmless_messages_raise_an_alarm(loaded):
    alarms, raised, _ = share(loaded, MUST_NOT)
    assert alarms <= 0.02, raised


def test_a_crisis_is_told_from_an_emergency(loaded):
    wrong = [
        message.text
        for message in MUST
        if (found := danger_screen.find_danger(loaded, message.text)) and found.kind != message.kind
    ]
    assert len(wrong) <= 0.01 * len(MUST), wrong


@pytest.mark.parametrize("name", [name for name in danger_messages.VARIANTS if name not in SLIPS])
def test_case_punctuation_and_a_story_around_it_change_nothing(loaded, name):
    vary = danger_messages.VARIANTS[name]
    caught, _, missed = share(loaded, MUST, vary)
    alarms, raised, _ = share(loaded, MUST_NOT, vary)
    assert caught >= 0.99, missed
    assert alarms <= 0.02, raised


@pytest.mark.parametrize(
    ("name", "bar"),
    [
        ("a letter swapped", 0.98),
        ("a letter doubled", 0.98),
        ("a letter dropped", 0.93),
        ("a letter changed", 0.93),
    ],
)
def test_a_typing_slip_hides_few_dangers_and_makes_few_alarms(loaded, name, bar):
    # A letter dropped or changed makes another real word ("fist seizure") too often for 99 in 100.
    vary = danger_messages.VARIANTS[name]
    caught, _, missed = share(loaded, MUST, vary)
    alarms, raised, _ = share(loaded, MUST_NOT, vary)
    assert caught >= bar, missed
    assert alarms <= 0.02, raised


def test_the_phrases_of_the_articles_and_the_talk_raise_no_alarm(loaded):
    phrases = danger_messages.phrases(DATA)
    raised = [phrase for phrase in phrases if danger_screen.find_danger(loaded, phrase)]
    assert len(phrases) > 500
    assert len(raised) / len(phrases) < 0.002, raised


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "💔", "١٢٣", "1.2.3 ²", "…", "'", "a" * 20_000, *ADVERSE]
)
def test_any_text_is_read_without_an_error(loaded, text):
    assert danger_screen.find_danger(loaded, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I can’t breathe",
        "I CAN'T BREATHE",
        "i cant  breathe",
        "i cannot breathe",
        "i ca\u200bnt breathe",
        "i cant breatheeee",
        "i cant breáthe",
        "i cant braethe",
    ],
)
def test_one_danger_is_read_in_many_spellings(loaded, text):
    assert danger_screen.find_danger(loaded, text) == danger_screen.Danger("emergency", "breathing")


def test_the_screen_needs_nothing_of_the_project_and_no_model():
    code = (
        "import sys; from bot.safety import danger_screen; from pathlib import Path;"
        f"loaded = danger_screen.load_screen(Path({str(DATA)!r}));"
        "found = danger_screen.find_danger(loaded, 'he is not breathing');"
        "assert found.kind == 'emergency';"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('rasa', 'spacy', "
        "'sqlalchemy', 'numpy') "
        "or m.startswith('bot.') "
        "and not m.startswith(('bot.domain', 'bot.language', 'bot.safety'))))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=DATA.parent, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


# The answers


def dangers(loaded):
    return [danger_screen.Danger(flag.kind, flag.id) for flag in loaded.flags]


def test_every_answer_begins_with_what_to_do_and_holds_the_number(loaded):
    for danger in dangers(loaded):
        answer = danger_screen.danger_reply(loaded, danger, "GB")
        first = answer["text"].splitlines()[0]
        assert answer["kind"] == danger.kind
        assert "999" in answer["text"]
        assert first.startswith(
            "Call 999 now" if danger.kind == "emergency" else "I'm sorry that it is this hard."
        )
        assert len(answer["text"].splitlines()) <= 3
        assert answer["numbers"]


def test_every_answer_is_plain_and_passes_the_wording_check(loaded):
    for danger in dangers(loaded):
        answer = danger_screen.danger_reply(loaded, danger)
        for part in (answer["text"], answer.get("more", "")):
            assert wording.reading_grade(part) <= 9
            assert wording.wording_faults(part) == []


def test_a_crisis_is_given_the_line_of_the_country_first_and_the_emergency_number(loaded):
    answer = danger_screen.danger_reply(loaded, danger_screen.Danger("crisis", "own_life"), "us")
    assert [(line["number"], line["tel"]) for line in answer["numbers"]] == [
        ("988", "tel:988"),
        ("Text 988", "sms:988"),
        ("Text HOME to 741741", "sms:741741"),
        ("1-800-422-4453", "tel:18004224453"),
        ("911", "tel:911"),
    ]
    assert (
        "Please talk to someone now: call 988 Suicide & Crisis Lifeline on 988." in answer["text"]
    )
    assert "program" in answer["more"]


@pytest.mark.parametrize("country", [None, "", "ZZ", "england", "TD"])
def test_an_unknown_country_gets_three_numbers_each_with_where_it_is_for(loaded, country):
    answer = danger_screen.danger_reply(
        loaded, danger_screen.Danger("emergency", "stroke"), country
    )
    assert answer["text"].startswith("Call your local emergency number (112, 911 or 999) now.")
    assert [(line["label"], line["tel"]) for line in answer["numbers"]] == [
        ("Most of Europe, India, South Africa", "tel:112"),
        ("United States, Canada, Mexico", "tel:911"),
        ("United Kingdom, Hong Kong, Malaysia, Kenya", "tel:999"),
    ]


def test_74_countries_have_numbers_that_can_be_dialled(loaded):
    assert len(loaded.book.countries) >= 74
    for country in loaded.book.countries:
        for line in danger_screen.emergency_numbers(loaded, country):
            if "tel" in line:
                assert re.fullmatch(r"(tel|sms):[+*]?\d+", line["tel"])
            else:
                assert line["url"] == "https://findahelpline.com"
            assert line["label"]
    known = {
        "GB": "999",
        "US": "911",
        "AU": "000",
        "DE": "112",
        "NO": "113",
        "JP": "119",
        "BR": "192",
    }
    assert {
        country: danger_screen.emergency_numbers(loaded, country)[0]["number"] for country in known
    } == known


# The files, broken


BROKEN = [  # file, what stands there, what is put in its place, what the fault says
    ("safety.yml", "flags:\n", "flags: [\n", "not YAML"),
    ("safety.yml", "text: stroke\n", "text: strok\n", "text 'strok' is not under texts"),
    ("safety.yml", "kind: crisis", "kind: crises", "kind of own_life is 'crises'"),
    ("safety.yml", "      - chest_pain\n", "      - chestpain\n", "'chestpain' is not under words"),
    ("safety.yml", "unless: [nose]", "unless: [knows]", "'knows' in unless is not under words"),
    ("safety.yml", "even_if: [study]", "even_if: [often]", "'often' in even_if; write some of"),
    (
        "safety.yml",
        "Call {emergency} now. Say that there is chest pain.",
        "Say that there is chest pain.",
        "chest doesn't say whom to call",
    ),
    (
        "safety.yml",
        "numbers: [emergency, poison]\n",
        "numbers: [emergency, toxin]\n",
        "numbers 'toxin'",
    ),
    ("safety.yml", "  person: >-\n", "  persons: >-\n", "'person' is missing"),
    ("safety.yml", "\ntexts:\n", "\ntext:\n", "'texts' is missing"),
    ("safety.yml", "  nose: >-\n", "  noise: []\n  nose: >-\n", "'noise' must hold phrases"),
    (
        "safety.yml",
        "  chest:\n    numbers: [emergency]\n    text: |-\n",
        "  chest: |-\n",
        "'chest' must hold numbers",
    ),
    (
        "emergency_numbers.yml",
        '"999", source: nhs',
        '"nine", source: nhs',
        "'nine' is no telephone number",
    ),
    (
        "emergency_numbers.yml",
        '"999", source: nhs',
        '"999", source: nhsx',
        "source 'nhsx' is not under",
    ),
    ("emergency_numbers.yml", '"GB":', '"UK":', "'UK' is no country code; write the two letters"),
    ("emergency_numbers.yml", "\ncountries:", "\nnations:", "'countries' or 'sources' is missing"),
    ("emergency_numbers.yml", 'hours: "24 h"', "hours: always", "hours 'always'; write 24 h"),
    ("emergency_numbers.yml", "way: text", "way: pigeon", "way 'pigeon'; write one of voice"),
    ("emergency_numbers.yml", "way: text, word", "way: voice, word", "write way: text"),
    ("emergency_numbers.yml", "phones: [relay]", "phones: [fax]", "phones 'fax'; write some of"),
    ("emergency_numbers.yml", "phones: [relay]", "phones: relay", "write a list, as [relay]"),
    ("emergency_numbers.yml", "checked: never", "checked: soon", "checked 'soon'; write never"),
    (
        "emergency_numbers.yml",
        "region: in Quebec",
        "place: Quebec",
        "'place' is no field of a line",
    ),
    (
        "emergency_numbers.yml",
        "    violence:",
        "    fights:",
        "'fights' is nothing that a line is for",
    ),
    ("emergency_numbers.yml", "GG: GB", "GG: XX", "'GG: XX' names no territory"),
    ("emergency_numbers.yml", "page: gb_sam", "page: gb_san", "page 'gb_san' is not under sources"),
    ("emergency_numbers.yml", '"https://findahelpline.com"', "findahelpline", "is no web address"),
    (
        "emergency_numbers.yml",
        '"https://findahelpline.com"',
        '"https://find a helpline.com"',
        "is no web address",
    ),
    (
        "emergency_numbers.yml",
        '"https://www.samaritans.org/"',
        '"javascript:alert(1)"',
        "the address begins with “javascript:”",
    ),
    (
        "emergency_numbers.yml",
        "countries, url: ",
        "countries, web: ",
        "a line has either a number or a url",
    ),
    ("emergency_numbers.yml", "  say: your", "  says: your", "'say' is missing"),
    (
        "safety.yml",
        "    no_line: a",
        "    no_lines: a",
        "crisis says {crisis} but has no 'no_line'",
    ),
]


@pytest.mark.parametrize(
    ("name", "here", "there", "says"), BROKEN, ids=[says for *_, says in BROKEN]
)
def test_a_broken_file_is_named_with_its_line_and_is_not_loaded(copy, name, here, there, says):
    path = copy / name
    text = path.read_text("utf-8")
    assert here in text
    path.write_text(text.replace(here, there, 1), "utf-8")
    found = [fault for fault in map(str, danger_screen.check_rules(copy)) if says in fault]
    assert found and found[0].startswith(f"{path}:")
    assert found[0].removeprefix(f"{path}:").partition(":")[0].isdigit()
    with pytest.raises(danger_screen.SafetyFileError, match="safety.yml|emergency_numbers.yml"):
        danger_screen.load_screen(copy)


@pytest.mark.parametrize(
    ("here", "there", "says"),
    [
        (
            "must: [he has chest pain,",
            "must: [i like bread,",
            "'i like bread' must match chest_pain but is",
        ),
        (
            "must_not: [no chest pain just hiccups,",
            "must_not: [bad chest pain,",
            "'bad chest pain' must not match",
        ),
        ("  nose: >-\n", "  spare: >-\n    spare\n  nose: >-\n", "no flag uses 'spare'"),
    ],
)
def test_an_example_that_fails_is_a_fault_at_its_line(copy, here, there, says):
    path = copy / "safety.yml"
    text = path.read_text("utf-8")
    assert here in text
    path.write_text(text.replace(here, there, 1), "utf-8")
    line = text[: text.index(here)].count("\n") + 1
    assert any(
        str(fault).startswith(f"{path}:{line}: {says}") for fault in danger_screen.check_rules(copy)
    ), danger_screen.check_rules(copy)
    danger_screen.load_screen(copy)


def test_an_empty_file_is_a_fault_not_a_crash(copy):
    (copy / "safety.yml").write_text("")
    assert [
        fault for fault in danger_screen.check_rules(copy) if "'flags' is missing" in fault.text
    ]


def test_a_missing_file_is_a_fault_not_a_crash(copy):
    (copy / "safety.yml").unlink()
    assert [
        fault
        for fault in danger_screen.check_rules(copy)
        if "safety.yml:1: can't be read" in str(fault)
    ]
    with pytest.raises(danger_screen.SafetyFileError):
        danger_screen.load_screen(copy)
