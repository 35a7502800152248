"""Tags and the note on a conversation, and a question begun of an answer that was voted on."""

import re

import pytest
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.domain.reply_kinds import ReplyKind
from bot.editor.shared import content_cache
from bot.editor.shared.state import State
from bot.store import accounts, conversation_notes, drafts
from bot.store.tables import Reply
from tests.editor.test_review import read_review
from tests.support.visitor_history import add_turn


@pytest.fixture
def conversation(desk):
    """The id of a conversation of one message."""
    return add_turn(desk.engine, "do hiccups come back at night", ReplyKind.CLARIFY)[0]


def base_of(page):
    return re.search(r'name="base" value="([^"]*)"', page)[1]


def written(visit, conversation):
    """(tags, note) as the conversation's page shows them to an editor."""
    page = html.fromstring(visit.get(f"/conversations/{conversation}").text)
    (card,) = page.xpath("//section[@id='written']")
    return card.xpath(".//ul/li/a/text()"), "".join(card.xpath(".//textarea/text()")).strip()


def test_a_conversation_gets_tags_in_the_sites_own_words_and_is_found_by_them(desk, conversation):
    other, _ = add_turn(desk.engine, "why do hiccups hurt", ReplyKind.NOT_COVERED)
    ada = desk.enter()
    assert (
        ada.post(f"/conversations/{conversation}/tags", tag=" At  Night, Sleep").status_code == 303
    )
    ada.post(f"/conversations/{other}/tags", tag="pain")
    assert written(ada, conversation) == (["at night", "sleep"], "")
    page = ada.get(f"/conversations/{other}").text
    assert '<option value="at night">' in page  # a word that was typed once is offered
    found = ada.get("/conversations?tag=at+night").text
    assert "do hiccups come back" in found and "why do hiccups hurt" not in found
    assert '<option value="at night" selected>' in found and 'href="?tag=sleep"' in found
    done = ada.post(f"/conversations/{conversation}/tags/removal", tag="at night")
    assert done.status_code == 303 and written(ada, conversation) == (["sleep"], "")
    assert "There is none like this" in ada.get("/conversations?tag=at+night").text


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        (" , ", "Type a word or two"),
        ("x" * 41, "at most 40 characters"),
        (",".join(f"tag {letter}" for letter in "abcdefghijk"), "at most 10 tags"),
        ("Sarah Jones", "holds personal data"),
        ("call 07700 900123", "holds personal data"),
    ],
)
def test_a_tag_that_can_not_be_given_comes_back_with_a_sentence(desk, conversation, tag, said):
    ada = desk.enter()
    answer = ada.post(f"/conversations/{conversation}/tags", tag=tag)
    page = html.fromstring(answer.text)
    (field,) = page.xpath("//input[@id='field-tag']")
    assert answer.status_code == 422 and said in page.get_element_by_id("wrong-tag").text_content()
    assert field.get("value") == tag and field.get("aria-invalid") == "true"
    assert conversation_notes.list_tags(desk.engine) == []


def test_a_condition_or_medicine_is_no_name_in_a_tag_or_note(desk, conversation):
    ada = desk.enter()
    ada.post(f"/conversations/{conversation}/tags", tag="parkinson's, keppra")
    ada.post(f"/conversations/{conversation}/note", note="Asked of Parkinson's and Keppra.")
    assert written(ada, conversation) == (
        ["keppra", "parkinson's"],
        "Asked of Parkinson's and Keppra.",
    )


def test_a_note_says_who_wrote_it_and_personal_data_in_it_is_masked(desk, conversation):
    ada, at = desk.enter(), f"/conversations/{conversation}/note"
    done = ada.post(at, note="Sarah Jones again,\r\ncall 07700 900123")
    assert "Personal data in it was masked" in ada.get(f"/conversations/{conversation}").text
    assert done.headers["location"].endswith("#written")
    note = conversation_notes.read_note(desk.engine, conversation)
    assert (note.text, note.person) == ("[name] again,\ncall [phone]", "Ada")
    page = desk.enter("Rea", "reader").get(f"/conversations/{conversation}").text
    assert "[name] again" in page and "written by Ada, " in page
    assert 'name="note"' not in page and 'name="tag"' not in page
    assert "has a note" in ada.get("/conversations").text
    for line in accounts.read_audit(desk.engine):  # which nobody could delete from the log
        assert conversation not in str(line) and "again" not in str(line)
    base = base_of(ada.get(f"/conversations/{conversation}").text)
    assert ada.post(at, note="", base=base).status_code == 303
    assert conversation_notes.read_note(desk.engine, conversation) is None


def test_of_two_editors_who_write_a_note_the_second_is_told_and_loses_nothing(desk, conversation):
    ada, bo, at = desk.enter(), desk.enter("Bo"), f"/conversations/{conversation}/note"
    opened = base_of(ada.get(f"/conversations/{conversation}").text)
    bo.post(at, note="Look at the doses.", base=opened)
    answer = ada.post(at, note="A parent asks.", base=opened)
    page = html.fromstring(answer.text)
    assert answer.status_code == 409 and "Somebody changed the note meanwhile" in answer.text
    assert page.xpath("//textarea[@name='note']")[0].text.strip() == "A parent asks."
    assert page.xpath("//section[@id='written']/div/p/text()")[0] == "Look at the doses."
    assert written(bo, conversation)[1] == "Look at the doses."
    again = ada.post(at, note="A parent asks. Look at the doses.", base=base_of(answer.text))
    assert again.status_code == 303
    assert written(bo, conversation)[1] == "A parent asks. Look at the doses."
    taken = bo.post(at, note="", base=opened)
    assert taken.status_code == 409 and written(bo, conversation)[1].startswith("A parent asks.")


def test_a_note_that_is_too_long_is_not_cut(desk, conversation):
    ada = desk.enter()
    answer = ada.post(f"/conversations/{conversation}/note", note="a word " * 300)
    assert answer.status_code == 422 and "at most 2,000 can be saved" in answer.text
    area = html.fromstring(answer.text).xpath("//textarea[@name='note']")[0]
    assert len(area.text.strip()) == 2_099
    assert conversation_notes.read_note(desk.engine, conversation) is None


def test_on_a_conversation_without_texts_nothing_is_noted(desk):
    gone, _ = add_turn(desk.engine, None, ReplyKind.CLARIFY, message=None)
    ada = desk.enter()
    page = ada.get(f"/conversations/{gone}").text
    assert "what was noted goes with them" in page and 'name="note"' not in page
    ada.post(f"/conversations/{gone}/note", note="late")
    assert "deleted, and what was noted of it went with them" in ada.get("/account").text
    ada.post(f"/conversations/{gone}/tags", tag="late")
    assert written(ada, gone) == ([], "")
    assert ada.post("/conversations/nobody/note", note="late").status_code == 303


def test_a_reader_writes_nothing_on_a_conversation(desk, conversation):
    rea = desk.enter("Rea", "reader")
    for part, fields in {"tags": {"tag": "x"}, "note": {"note": "x"}, "question": {}}.items():
        assert rea.post(f"/conversations/{conversation}/{part}", **fields).status_code == 403


def vote_on_answer(desk, asked, question, key="question"):
    """A message that got the words of a question's section, with a vote on it; (conversation,
    reply). `key`: where the reply names the question, "section" where it is a passage."""
    known = content_cache.read_questions(State(desk.config, desk.engine))
    outcome = ReplyKind.ANSWER if key == "question" else ReplyKind.NOT_COVERED
    conversation, turn = add_turn(desk.engine, asked, outcome, vote="not_what_was_asked")
    with Session(desk.engine) as session, session.begin():
        reply = session.scalar(select(Reply).where(Reply.turn == turn))
        reply.body = {**reply.body, "question": None, key: question, "text": known[question].lead}
        return conversation, reply.id


@pytest.mark.parametrize("key", ["question", "section"])
def test_of_a_voted_answer_a_question_is_begun_with_its_text_and_what_waits(desk, key):
    asked = "can hiccups wake me at night"
    conversation, reply = vote_on_answer(desk, asked, "hiccups.causes", key)
    add_turn(desk.engine, "do hiccups wake you at night", ReplyKind.CLARIFY)
    add_turn(desk.engine, "where do i park the car", ReplyKind.NOT_COVERED)
    ada = desk.enter()
    assert "do hiccups wake you" in read_review(ada)  # by now it is known what all of it means
    assert "Begin a question of it" in ada.get(f"/conversations/{conversation}").text
    begun = ada.post(f"/conversations/{conversation}/question", reply=reply)
    assert begun.status_code == 303
    form = html.fromstring(ada.get(begun.headers["location"].removeprefix("/editor")).text)
    known = content_cache.read_questions(State(desk.config, desk.engine))
    given = {name: form.xpath(f"//*[@name='{name}']")[0] for name in ("article", "text", "train")}
    assert given["article"].xpath("option[@selected]/@value") == ["hiccups"]
    assert given["text"].text.strip() == known["hiccups.causes"].lead
    assert given["train"].text.split("\n") == [asked, "do hiccups wake you at night"]
    assert form.xpath("//input[@name='heading']/@value") == ["Can hiccups wake me at night?"]


def test_of_what_is_no_answer_no_question_is_begun(desk, conversation):
    ada = desk.enter()
    for reply in ("", "nosuch"):
        answer = ada.post(f"/conversations/{conversation}/question", reply=reply)
        assert answer.status_code == 404
    assert drafts.list_drafts(desk.engine) == []
    assert "Begin a question of it" not in ada.get(f"/conversations/{conversation}").text
