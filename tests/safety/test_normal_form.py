"""Odd form: what the eye reads is what the screen reads."""

from pathlib import Path

import pytest

from bot import safety
from bot.safety.normal_form import make_normal_form

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def rules():
    return safety.load(DATA)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("i took 30\nparacetamol", "i took 30 paracetamol"),
        ("he is\u00a0not\u2009breathing", "he is not breathing"),
        ("I can´t breathe", "I can't breathe"),
        ("she won`t wake up", "she won't wake up"),
        ("he can&#39;t breathe", "he can't breathe"),
        ("h e l p me", "help me"),
        ("helllllp", "help"),
        ("\u0441\u0430n't breathe, \u0441an you come", "can't breathe, can you come"),
        ("ｈｅ ｉｓ ｂｌｕｅ", "he is blue"),
        ("he is un\u00adcon\u200bscious", "he is unconscious"),
        ("took 3\ufe0f\u20e30\ufe0f\u20e3 tablets", "took 30 tablets"),
        ("he.is.not.breathing", "he is not breathing"),
        ("can myoclonus be prevented?", "can myoclonus be prevented?"),
        ("он не дышит", "он не дышит"),
    ],
)
def test_a_text_is_read_as_the_eye_reads_it(typed, read):
    assert make_normal_form(typed) == read


@pytest.mark.parametrize(
    "text",
    [
        "he is not\nbreathing",
        "I can´t breathe",
        "she won´t wake up",
        "\u0441an't breathe",
        "h e  i s  n o t  b r e a t h i n g",
        "he is nottttt breathinggggg",
        "h\u200be is n\u200bot brea\u00adthing",
        "ｈｅ ｉｓ ｎｏｔ ｂｒｅａｔｈｉｎｇ",
    ],
)
def test_a_danger_in_odd_form_is_heard(rules, text):
    assert safety.screen(rules, text)


@pytest.mark.parametrize("text", ["", "\u200b", "\n" * 2000, "a " * 1000, "&" * 2000, "\ud800"])
def test_anything_has_a_normal_form(text):
    assert isinstance(make_normal_form(text), str)
