"""What is Mattermost's own: threads, the slash command's direct messages, and buttons that carry a
signature."""

import itertools
import json

import pytest

from tests.channels.apps import mattermost

people = itertools.count(810_001)
QUESTION, TITLE = "can myoclonus be prevented", "Can myoclonus be prevented?"


@pytest.fixture
def person():
    return next(people)


def test_the_answer_stands_in_the_thread_of_the_question(place, person):
    call = mattermost.hook(person, QUESTION)
    place.call(mattermost, call)
    answers = place.platform.wait("mattermost", person, 2)
    assert {answer.payload["root_id"] for answer in answers} == {json.loads(call.body)["post_id"]}


def test_a_question_within_a_thread_is_answered_there(place, person):
    root = json.loads(mattermost.hook(person, "a talk of others").body)["post_id"]
    place.call(mattermost, mattermost.hook(person, QUESTION, root=root))
    assert place.platform.wait("mattermost", person, 2)[-1].payload["root_id"] == root


def test_the_slash_command_is_answered_in_a_direct_message_and_so_are_its_buttons(place, person):
    place.call(mattermost, mattermost.command(person, QUESTION))
    answer = place.platform.wait("mattermost", f"direct {person}", 2)[-1]
    assert TITLE in answer.text
    place.call(mattermost, mattermost.press(person, answer, "Yes"))
    assert "Thank you" in place.platform.wait("mattermost", f"direct {person}", 3)[-1].text
    assert place.platform.to("mattermost", person) == []


def test_a_button_whose_code_or_place_was_changed_is_refused(place, person):
    answer = place.ask(mattermost, person, QUESTION, count=2)
    for change in (
        {"code": answer.buttons[1][1]},
        {"direct": True},
        {"direct": "no"},
        {"signature": ""},
        {"signature": 7},
    ):
        assert (
            place.post(mattermost, mattermost.press(person, answer, "Yes", **change)).status_code
            == 401
        ), change


def test_somebody_elses_press_is_no_vote_of_the_visitors(place, person):
    answer = place.ask(mattermost, person, QUESTION, count=2)
    before = place.service.rows("select count(*) from votes")
    place.call(mattermost, mattermost.press(next(people), answer, "Yes"))
    place.settle()
    assert place.service.rows("select count(*) from votes") == before


def test_marks_in_a_text_are_no_marks_of_mattermost():
    from bot.channels.platforms import mattermost as channel

    assert channel.STYLE.escape("a_b *c* [1] ~x `y` #tag @all @channel @ada") == (
        "a\\_b \\*c\\* \\[1\\] \\~x \\`y\\` \\#tag @\u200ball @\u200bchannel @ada"
    )
