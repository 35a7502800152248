"""How a turn of another hand's conversation is judged (benchmarks/talks.py)."""

import pytest

from benchmarks import talks

ASKED = {"text": "why", "question": ["tremor.causes", "tremor.triggers"]}


@pytest.mark.parametrize(
    ("turn", "reply", "got"),
    [
        (ASKED, {"kind": "answer", "question": "tremor.triggers"}, "right"),
        (ASKED, {"kind": "answer", "question": "tremor.outlook"}, "wrong"),
        (ASKED, {"kind": "clarify", "choices": [{"value": "tremor.causes"}]}, "asked back"),
        (ASKED, {"kind": "clarify", "choices": []}, "asked back without"),
        (ASKED, {"kind": "personal_advice"}, "declined"),
        (ASKED, {"kind": "talk"}, "talk"),
        (ASKED, {"kind": "emergency"}, "alarm"),
        ({"text": "ta", "kind": "talk"}, {"kind": "talk"}, "right"),
        ({"text": "do i stop", "kind": "decision"}, {"kind": "personal_advice"}, "right"),
        ({"text": "do i stop", "kind": "decision"}, {"kind": "answer", "question": "a.b"}, "wrong"),
    ],
)
def test_a_turn_is_judged_by_what_its_visitor_gets(turn, reply, got):
    assert talks.tell(turn, reply) == got


def test_first_and_later_turns_are_counted_apart():
    rows = [
        {"number": 0, "kind": None, "got": "right"},
        {"number": 1, "kind": None, "got": "wrong"},
        {"number": 2, "kind": "talk", "got": "right"},
    ]
    shares = talks.summarize(rows)
    assert shares["first turns"]["right"] == 100 and shares["later turns"]["right"] == 50
    assert shares["later turns, a question"]["wrong"] == 100
