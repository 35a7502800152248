"""What a visitor can do in a messaging app, the same in each."""

import itertools
import re

import pytest

from tests.channels.apps import messenger

people = itertools.count(500_001)
QUESTION = "can myoclonus be prevented"
TITLE = "Can myoclonus be prevented?"


@pytest.fixture
def person():
    """Somebody who never wrote before."""
    return next(people)


def test_a_first_question_is_answered_after_the_notice(place, app, person):
    answer = place.ask(app, person, QUESTION, count=2)
    notice, _ = place.platform.to(app.NAME, person)
    assert "a computer program, not a doctor" in notice.text
    assert TITLE in answer.text and "Was this helpful?" in answer.text
    assert "This is general information, not medical advice." in answer.text
    assert "Not yet reviewed by a clinician" in answer.text
    assert "[2]" in answer.text
    assert not place.platform.refused


def test_a_follow_up_is_understood_and_the_notice_is_not_repeated(place, app, person):
    place.ask(app, person, "is epilim safe in pregnancy", count=2)
    answer = place.ask(app, person, "what are the side effects?")
    place.settle()
    assert len(place.platform.to(app.NAME, person)) == 3
    assert "side effects" in answer.text.lower()


def test_a_choice_is_answered(place, app, person):
    answer = place.ask(app, person, QUESTION, count=2)
    titles = [title for title in offered(app, answer) if title.endswith("?")]
    assert titles
    assert titles[0] in place.press(app, person, answer, titles[0]).text


def test_more_shows_the_rest_with_sources_and_disclaimer(place, app, person):
    answer = place.ask(app, person, QUESTION, count=2)
    more = place.press(app, person, answer, "More")
    assert "This is general information, not medical advice." in more.text
    assert re.search(r"\[\d+\]", more.text)
    assert TITLE in more.text and more.text != answer.text


def test_yes_is_a_vote(place, app, person):
    answer = place.ask(app, person, QUESTION, count=2)
    assert "Thank you" in place.press(app, person, answer, "Yes").text
    assert votes(place)[-1] == (1, None)


def test_no_asks_why_and_the_reason_is_stored(place, app, person):
    answer = place.ask(app, person, QUESTION, count=2)
    why = place.press(app, person, answer, "No")
    assert "What was wrong" in why.text
    assert "Thank you" in place.press(app, person, why, "It is out of date").text
    assert votes(place)[-1] == (0, "out_of_date")


def test_another_language_is_answered_in_itself(place, app, person):
    answer = place.ask(app, person, "quiero morir")
    assert "Siento mucho" in answer.text
    answers = place.ask(app, person, "qué es la epilepsia", count=2)
    assert "solo respondo en inglés" in answers.text


def test_a_danger_is_answered_at_once_with_the_numbers_and_no_notice_before_it(place, app, person):
    reply = place.ask(app, person, "i want to kill myself")
    assert "116 123" in reply.text
    assert len(place.platform.to(app.NAME, person)) == 1


def test_forget_me_deletes_the_conversation_and_gives_a_receipt(place, app, person):
    place.ask(app, person, f"qqcanary{person} {QUESTION}", count=2)
    asked = place.ask(app, person, "forget me")
    done = place.press(app, person, asked, "Yes, delete it")
    assert "receipt" in done.text
    place.settle()
    assert f"qqcanary{person}" not in place.service.dump()
    key = place.service.rows(
        "select count(*) from conversations where channel = ? and state like '%noticed%' and id in "
        "(select conversation from turns where text like ?)",
        app.NAME,
        f"%{person}%",
    )
    assert key == [(0,)]
    assert (
        "a computer program" in place.ask(app, person, QUESTION, count=2).text
        or len(place.platform.to(app.NAME, person)) == 6
    )


def test_the_address_is_stored_only_until_the_answer_is_sent(place, app):
    person = 77_112_233_440 + next(people)
    place.ask(app, person, QUESTION, count=2)
    place.settle()
    assert str(person) not in place.service.dump()


def test_personal_data_is_masked_before_it_is_stored(place, app, person):
    place.ask(
        app, person, f"my email is canary{person}@example.com, can myoclonus be prevented", count=2
    )
    assert f"canary{person}" not in place.service.dump()


def test_stop_ends_it_and_start_begins_again(place, app, person):
    place.ask(app, person, QUESTION, count=2)
    before = len(place.platform.to(app.NAME, person))
    place.call(app, app.write(person, "STOP"))
    place.settle()
    confirmations = place.platform.to(app.NAME, person)[before:]
    assert ["Write START" in sent.text for sent in confirmations] == [True]
    place.call(app, app.write(person, QUESTION))
    place.settle()
    assert place.platform.to(app.NAME, person)[before:] == confirmations
    assert "116 123" in place.ask(app, person, "i want to kill myself").text
    place.call(app, app.write(person, "Start"))
    place.settle()
    assert TITLE in place.ask(app, person, QUESTION).text


def test_a_message_that_is_too_long_is_refused_with_a_sentence(place, app, person):
    assert "too long" in place.ask(app, person, "why " * 700).text


def test_an_old_button_is_answered_with_a_sentence(place, app, person):
    asked = place.ask(app, person, QUESTION, count=2)
    asked_again = place.ask(app, person, "forget me")
    place.press(app, person, asked_again, "Yes, delete it")
    if asked.buttons:
        assert "earlier chat" in place.press(app, person, asked, "Yes", count=2).text


def test_a_number_counts_in_the_next_message_only(place, person):
    asked = place.ask(messenger, person, QUESTION, count=2)
    number, title = re.search(r"Reply (\d+) for ([^.?\n]+\??)", asked.text).groups()
    assert title in place.ask(messenger, person, number).text
    place.ask(messenger, person, "hello")
    place.ask(messenger, person, "thanks")
    assert title not in place.ask(messenger, person, number).text


def offered(app, sent):
    return [title for title, _ in sent.buttons] + re.findall(
        r"Reply \d+ for ([^.?\n]+\??)", sent.text
    )


def votes(place):
    return place.service.rows("select helpful, reason from votes order by voted_at")


def test_what_is_no_question_gets_a_polite_sentence_or_silence(place, app):
    for name in app.odd(0):
        person = next(people)
        call, expected = app.odd(person)[name]
        place.call(app, call)
        if expected:
            assert expected in place.platform.wait(app.NAME, person, 1)[0].text, name
        place.settle()
        assert len(place.platform.to(app.NAME, person)) == (1 if expected else 0), name
    assert "failed" not in place.service.log.read_text()
