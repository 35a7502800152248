"""Odd form: what the eye reads is what the screen reads."""

from pathlib import Path

import pytest

from bot.language.normal_form import make_normal_form
from bot.safety import danger_screen

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def rules():
    return danger_screen.load_screen(DATA)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("i took 30\nparacetamol", "i took 30 paracetamol"),
        ("he is\u00a0not\u2009breathing", "he is not breathing"),
        ("I can´t breathe", "I can't breathe"),
        ("she won`t wake up", "she won't wake up"),
        ("he can&#39;t breathe", "he can't breathe"),
        ("h e l p me", "help me"),
        ("i   c a n ' t   b r e a t h e", "i   can't   breathe"),
        ("f i v e p i l l s 3 0", "fivepills30"),
        ("c-a-n-t b-r-e-a-t-h-e", "cant breathe"),
        ("k*i*l*l m/y/s/e/l/f", "kill myself"),
        ("h3lp she c4nt br34th3", "help she cant breathe"),
        ("k1ll", "kill"),
        ("helllllp", "help"),
        ("\u0441\u0430n't breathe, \u0441an you come", "can't breathe, can you come"),
        ("ｈｅ ｉｓ ｂｌｕｅ", "he is blue"),
        ("he is un\u00adcon\u200bscious", "he is unconscious"),
        ("took 3\ufe0f\u20e30\ufe0f\u20e3 tablets", "took 30 tablets"),
        ("he.is.not.breathing", "he is not breathing"),
        ("can myoclonus be prevented?", "can myoclonus be prevented?"),
        ("он не дышит", "он не дышит"),
        ("1 2 3 4 5", "1 2 3 4 5"),
        ("b12, co2, 10mg, 2nd, CACNA1A, 400mg/day", "b12, co2, 10mg, 2nd, CACNA1A, 400mg/day"),
        ("20/11/2026, 0-8-0-0, x-ray, 24/7", "20/11/2026, 0-8-0-0, x-ray, 24/7"),
        ("ann@example.org", "ann@example.org"),
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
    assert danger_screen.find_danger(rules, text)


@pytest.mark.parametrize("text", ["", "\u200b", "\n" * 2000, "a " * 1000, "&" * 2000, "\ud800"])
def test_anything_has_a_normal_form(text):
    assert isinstance(make_normal_form(text), str)
