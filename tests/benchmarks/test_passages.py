"""How what a question about a detail gets is judged (benchmarks/passages.py)."""

from types import SimpleNamespace

import pytest

from benchmarks import passages
from bot.content.articles import Question

TEA = Question(
    "tea.causes",
    "Why?",
    ("tea",),
    ("causes",),
    "Why",
    "It is tea. [1]",
    "It grows on hills. [1] It is old. [2]",
    1,
)
TEXTS = {"passage": "The page says:", "passage_unsure": "The closest is:"}
QUOTE = "It grows on hills. It is old."
ASKED = {"kind": "passage", "page": "tea", "question": "tea.causes", "quote": QUOTE}
MISSING = {"kind": "missing", "page": "tea", "question": None, "quote": None}
SURE = {"kind": "passage", "note": "The page says:", "text": "It grows on hills [1]. It is old."}
ANSWER = {"kind": "answer", "text": "Tea.", "more": "It is tea. It grows on hills. It is old."}


@pytest.mark.parametrize(
    ("row", "reply", "end", "shows"),
    [
        (ASKED, SURE, "passage, sure", True),
        (ASKED, {**SURE, "note": "The closest is:"}, "passage, unsure", True),
        (ASKED, {**SURE, "text": "It is tea."}, "passage, sure", False),
        (ASKED, ANSWER, "answered", True),
        (ASKED, {**ANSWER, "more": None}, "answered", False),
        (ASKED, {"kind": "clarify", "text": "?"}, "asked back", False),
        (ASKED, {"kind": "not_covered", "text": "No."}, "declined", False),
        (ASKED, {"kind": "crisis", "text": "Call."}, "alarm", False),
        (MISSING, SURE, "passage, sure", False),
    ],
)
def test_a_reply_is_judged_by_the_sentence_that_it_shows(row, reply, end, shows):
    assert passages.name_end(row, reply, TEXTS) == end
    assert passages.shows_any(passages.find_told([TEA], row), reply) is shows


def test_a_section_that_is_offered_is_counted_apart():
    choices = [{"value": "tea.causes"}]
    reply = {"kind": "clarify", "text": "?", "choices": choices}
    assert passages.name_end(ASKED, reply, TEXTS) == "offered"


def test_a_sentence_that_was_reworded_is_still_the_one_that_tells_it():
    row = {**ASKED, "quote": "It mostly grows on high hills."}
    assert passages.find_told([TEA], row) == ["It grows on hills."]
    assert passages.find_told([TEA], {**ASKED, "quote": "Nobody knows who drank it first."}) == []


def test_shares_are_of_all_messages_of_a_kind():
    content = SimpleNamespace(questions={"tea.causes": TEA}, texts=TEXTS)
    rows = [ASKED, ASKED, MISSING, {**ASKED, "quote": "Nobody knows who drank it first."}]
    figures = passages.summarize(rows, [SURE, ANSWER, SURE, SURE], content)
    assert figures["passage"]["right"] == 100 and figures["passage"]["answered"] == 50
    assert figures["missing"] == {
        "passage, sure": 100,
        "passage, sure: wrong": 100,
        "wrong": 100,
        "messages": 1,
    }
    assert figures["gone"]["messages"] == 1
