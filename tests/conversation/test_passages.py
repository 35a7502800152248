"""A passage in place of a refusal: through the visitors' own door, word for word from what the
release says, and never from what it no longer does."""

import datetime
import re

import httpx
import pytest

from bot.content import passages, replies, site_content
from bot.conversation import typed_choices
from tests import conftest

# a detail that a page tells and no question asks for, the section that tells it, and how
PAGE, SECTION = "epilepsy", "epilepsy.treatments"
ASKED = "stones in the kidney"
SAYS = "It can cause vomiting, constipation and kidney stones, and weaker bones."


@pytest.fixture(scope="module")
def content():
    return site_content.load_content(conftest.ROOT / "data")


@pytest.fixture
def told(service):
    """(token, the passage that the message gets on its page)."""
    token = service.open(article=PAGE)
    (reply,) = service.ask(ASKED, token)
    assert reply["kind"] == "passage"
    return token, reply


def test_a_passage_is_quoted_with_all_that_an_answer_has(told, content):
    _, reply = told
    question = content.questions[SECTION]
    assert reply["section"] == SECTION and reply["title"] == question.title
    assert reply["text"] in {
        passages.quote_sentence(question, place)
        for place, _ in enumerate(passages.split_sentences(question))
    }
    assert SAYS in re.sub(r" \[\d+\]", "", reply["text"])
    assert {f"[{source['n']}]" for source in reply["sources"]} == set(
        re.findall(r"\[\d+\]", reply["text"])
    )
    assert reply["article"]["id"] == PAGE and reply["article"]["review"]
    assert reply["disclaimer"] == content.texts["disclaimer"] and reply["feedback"]["reasons"]
    assert reply["choices"][0] == {"title": question.ask, "value": SECTION}
    assert reply["emergency"]["numbers"] and "question" not in reply


def test_a_passage_says_above_it_that_it_is_no_ready_answer(told, content):
    said = content.texts["passage_unsure"].replace("{section}", told[1]["title"])
    assert told[1]["note"] in (content.texts["passage"], said)


def test_more_after_a_passage_gives_its_whole_section(service, told):
    (whole,) = service.ask("more", told[0])
    assert (whole["kind"], whole["question"]) == ("answer", SECTION)
    assert "note" not in whole, "it was not shown before"


def test_what_comes_next_is_about_the_article_of_the_passage(service, told):
    assert service.ask("and what causes it?", told[0])[0]["question"] == f"{PAGE}.causes"


def test_a_passage_that_a_visitor_reports_is_a_ticket_of_its_section(service, told):
    token, reply = told
    said = {"reply": reply["id"], "helpful": False, "reason": "inaccurate"}
    key = {"Authorization": f"Bearer {token}"}
    assert httpx.post(f"{service.url}/api/feedback", json=said, headers=key).status_code == 200
    (row,) = service.rows(
        "select tickets.question from tickets join votes on votes.ticket = tickets.id "
        "where votes.reply = ?",
        reply["id"],
    )
    assert row[0] == SECTION


def test_without_a_page_nothing_is_quoted(service):
    assert service.ask(ASKED)[0]["kind"] != "passage"


def test_what_the_release_no_longer_says_is_not_quoted(tmp_path):
    """Its archive was taken over: answers alone were changed since it was trained."""
    said = "It can cause weaker bones, vomiting and constipation."
    models = conftest.republish(
        tmp_path / "models", lambda data: conftest.reword(data, PAGE, SAYS, said)
    )
    with conftest.serving(tmp_path, MODELS=str(models)) as service:
        (reply,) = service.ask(ASKED, service.open(article=PAGE))
        assert reply["kind"] != "passage" and SAYS not in reply["text"]


def test_a_withdrawn_section_is_not_quoted(content):
    due = content.review_of(SECTION).due + datetime.timedelta(days=366)
    assert replies.quote_passage(content, SECTION, 0, due, 0.9, True) is None


def test_yes_below_a_passage_asks_which_question():
    choices = [{"title": "Who finds it?", "value": SECTION}, {"title": "Why?", "value": "tics.b"}]
    reply = {"kind": "passage", "text": "It says.", "choices": choices}
    last = typed_choices.remember_reply(None, 1, reply)
    assert last["question"] is None and last["kind"] == "passage"
