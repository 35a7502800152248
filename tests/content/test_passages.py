"""Sentences of the articles and what is quoted of them: word for word, with what belongs to it."""

from pathlib import Path

import pytest

from bot.content import articles, passages, replies, site_content
from bot.content.articles import Question

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def content():
    return site_content.load_content(ROOT / "data")


def write(lead, more=""):
    """A question with this section."""
    about, facets = ("tea",), ("causes",)
    return Question("tea.causes", "Why tea?", about, facets, "Why tea", lead, more, 1)


def test_a_section_is_split_at_its_sentences_with_the_numbers_of_their_sources():
    found = passages.split_sentences(
        write("Is it old? No. [1] St. John drank it (so they say). [2][3] Dr. Ray did not [4].")
    )
    assert [each.text for each in found] == [
        "Is it old?",
        "No. [1]",
        "St. John drank it (so they say). [2][3]",
        "Dr. Ray did not [4].",
    ]
    assert found[2].words == "St. John drank it (so they say)."
    assert found[3].words == "Dr. Ray did not."


def test_an_item_of_a_list_stands_for_itself_and_a_table_is_left_out():
    found = passages.split_sentences(write("Tea. [1]", "Kinds: [1]\n- green [1]\n- black\n\n| a |"))
    assert [(each.text, each.words, each.is_item) for each in found[2:]] == [
        ("- green [1]", "green", True),
        ("- black", "black", True),
    ]


def test_a_sentence_is_quoted_with_those_beside_it_in_its_paragraph():
    question = write("One. [1] Two. [1] Three. [2] Four. [1]", "Five. [1] Six. [1]")
    assert passages.quote_sentence(question, 1) == "One. [1] Two. [1] Three. [2]"
    assert passages.quote_sentence(question, 3) == "Three. [2] Four. [1]"
    assert passages.quote_sentence(question, 4) == "Five. [1] Six. [1]"


def test_an_item_is_quoted_below_what_introduces_its_list():
    question = write("Tea. [1]", "It is good. [1] Kinds: [1]\n\n- green [1]\n- black [2]\n- white")
    assert passages.quote_sentence(question, 3) == "Kinds: [1]\n\n- green [1]\n- black [2]"


def test_every_sentence_of_the_articles_is_named_and_quoted_word_for_word(content):
    marks = passages.mark_all(content.questions.values())
    total = 0
    for question in content.questions.values():
        whole = " ".join(f"{question.lead} {question.more}".split())
        for place, sentence in enumerate(passages.split_sentences(question)):
            total += 1
            for line in passages.quote_sentence(question, place).split("\n"):
                assert " ".join(line.split()) in whole, (question.name, place)
            assert passages.mark_sentence(question.name, sentence) in marks
    assert len(marks) > 0.99 * total, "few sentences stand twice in one section"


def test_a_changed_sentence_has_another_mark():
    before, after = (passages.mark_all([write(lead)]) for lead in ("It may. [1]", "It can. [1]"))
    assert not set(before) & set(after)


def test_a_passage_has_the_sources_of_just_its_sentences(content):
    question = next(q for q in content.questions.values() if q.name == "hiccups.triggers")
    due = content.review_of(question.name).due
    reply = replies.quote_passage(content, question.name, 2, due, 0.8, True)
    quoted = {int(n) for n in articles.MARK.findall(reply["text"])}
    assert {source["n"] for source in reply["sources"]} == quoted
    assert reply["section"] == "hiccups.triggers" and reply["title"] == question.title
    assert reply["choices"][0]["value"] == "hiccups.triggers"
    assert "question" not in reply and "more" not in reply
