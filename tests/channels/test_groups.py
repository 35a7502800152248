"""Where many talk: Slack's threads and slash command, Telegram's groups and topics. And how Meta
makes itself known."""

import html
import itertools
import json

import httpx
import pytest

from tests.channels.apps import messenger, slack, telegram, whatsapp

people = itertools.count(850_001)
QUESTION, TITLE = "can myoclonus be prevented", "Can myoclonus be prevented?"


@pytest.fixture
def person():
    return next(people)


# --- Slack


def mention(person, text, channel, thread=None):
    found = {
        "type": "app_mention",
        "user": f"U{person}",
        "channel": channel,
        "team": slack.TEAM,
        "ts": f"{person}.1",
        "event_ts": "1.1",
        "text": f"<@{slack.BOT}> {html.escape(text, quote=False)}",
    }
    return slack.event(**found, **({"thread_ts": thread} if thread else {}))


def test_a_mention_in_slack_is_answered_in_a_thread_and_so_are_its_buttons(place, person):
    channel, thread = f"C{person}", f"{person}.1"
    place.call(slack, mention(person, QUESTION, channel))
    answer = place.platform.wait("slack", f"{channel} {thread}", 2)[-1]
    assert TITLE in answer.text and answer.payload["thread_ts"] == thread
    pressed = {
        "channel": {"id": channel, "name": "help"},
        "message": {"ts": "9.9", "thread_ts": thread},
    }
    place.call(slack, slack.press(person, answer, "Yes", **pressed))
    assert "Thank you" in place.platform.wait("slack", f"{channel} {thread}", 3)[-1].text


def test_a_mention_within_a_slack_thread_is_answered_there_and_each_person_has_a_conversation(
    place, person
):
    channel, thread = f"C{person}", "1700000000.5"
    place.call(slack, mention(person, "is epilim safe in pregnancy", channel, thread))
    place.platform.wait("slack", f"{channel} {thread}", 2)
    place.call(slack, mention(next(people), "what are the side effects?", channel, thread))
    sent = place.platform.wait("slack", f"{channel} {thread}", 4)
    assert "a computer program" in sent[2].text and "Not yet reviewed" not in sent[3].text
    place.call(slack, mention(person, "what are the side effects?", channel, thread))
    assert "sodium valproate" in place.platform.wait("slack", f"{channel} {thread}", 5)[-1].text


def test_the_slash_command_of_slack_is_answered_to_its_giver_alone_and_so_are_its_buttons(
    place, person
):
    place.call(slack, slack.command(person, QUESTION))
    answer = place.platform.wait("slack", f"hooks/{person}", 2)[-1]
    assert TITLE in answer.text and answer.payload["response_type"] == "ephemeral"
    container = {
        "container": {
            "type": "message",
            "message_ts": "1.1",
            "channel_id": "C1",
            "is_ephemeral": True,
        },
        "channel": {"id": "C1", "name": "c"},
    }
    place.call(slack, slack.press(person, answer, "Yes", **container))
    assert "Thank you" in place.platform.wait("slack", f"hooks/{person}", 3)[-1].text
    assert place.platform.to("slack", person) == []


def test_an_address_that_is_not_slacks_is_never_called(place, person):
    answer = place.ask(slack, person, QUESTION, count=2)
    place.settle()
    calls = len(place.platform.calls)
    container = {"container": {"type": "message", "is_ephemeral": True}}
    place.call(
        slack,
        slack.press(
            person,
            answer,
            "Yes",
            response_url=f"{place.platform.url}/elsewhere/{person}",
            **container,
        ),
    )
    place.settle()
    assert len(place.platform.calls) == calls


def test_slack_makes_itself_known_with_a_challenge(place):
    call = slack.call({"token": "x", "type": "url_verification", "challenge": "3eZbrw1aB1"})
    assert place.call(slack, call).json() == {"challenge": "3eZbrw1aB1"}


# --- Telegram


def group(person, text, topic=None, **more):
    chat = {
        "id": -1_000_000 - person,
        "type": "supergroup",
        "title": "Family",
        **({"is_forum": True} if topic else {}),
    }
    place = {"message_thread_id": topic, "is_topic_message": True} if topic else {}
    return telegram.update(
        message=telegram.message(person, text=text, chat=chat, **place, **more)
    ), str(chat["id"])


def test_a_telegram_group_is_answered_where_the_bot_is_asked(place, person):
    call, chat = group(person, f"/ask@pamphlet_bot {QUESTION}")
    place.call(telegram, call)
    assert TITLE in place.platform.wait("telegram", chat, 2)[-1].text
    ours = {
        "message_id": 7,
        "from": {"id": telegram.BOT, "is_bot": True, "first_name": "Pamphlet"},
        "chat": {"id": int(chat), "type": "supergroup"},
    }
    call, _ = group(person, "and what causes it?", reply_to_message=ours)
    place.call(telegram, call)
    assert "What causes myoclonus?" in place.platform.wait("telegram", chat, 3)[-1].text
    for other in (
        group(person, QUESTION),
        group(person, "/start@other_bot"),
        group(
            person,
            QUESTION,
            reply_to_message={**ours, "from": {"id": 99, "is_bot": False, "first_name": "Bob"}},
        ),
    ):
        place.call(telegram, other[0])
    place.settle()
    assert len(place.platform.to("telegram", chat)) == 3


def test_a_topic_of_a_telegram_forum_is_answered_in_it(place, person):
    call, chat = group(person, f"/ask {QUESTION}", topic=77)
    place.call(telegram, call)
    answers = place.platform.wait("telegram", chat, 2)
    assert {answer.payload["message_thread_id"] for answer in answers} == {77}


def test_each_person_of_a_telegram_group_has_a_conversation_of_their_own(place, person):
    call, chat = group(person, "/ask is epilim safe in pregnancy")
    place.call(telegram, call)
    place.platform.wait("telegram", chat, 2)
    second, _ = group(person, "/ask what are the side effects?")
    data = json.loads(second.body)
    data["message"]["from"] = telegram.user(next(people))
    place.call(telegram, type(second)(second.headers, json.dumps(data).encode()))
    sent = place.platform.wait("telegram", chat, 4)
    assert "a computer program" in sent[2].text and "Not yet reviewed" not in sent[3].text


def test_a_photo_album_in_telegram_is_answered_once(place, person):
    file = [{"file_id": "AgAD", "file_unique_id": "x", "width": 90, "height": 51}]
    for _ in range(4):
        place.call(
            telegram,
            telegram.update(
                message=telegram.message(person, photo=file, media_group_id=f"album{person}")
            ),
        )
    place.settle()
    assert len(place.platform.to("telegram", person)) == 1


# --- Meta


@pytest.mark.parametrize("app", [whatsapp, messenger], ids=["whatsapp", "messenger"])
def test_meta_makes_itself_known_with_a_challenge(place, app):
    def get(**changes):
        query = {
            "hub.mode": "subscribe",
            "hub.verify_token": app.WORD,
            "hub.challenge": "1158201444",
            **changes,
        }
        return httpx.get(
            f"{place.service.url}/channels/{app.NAME}",
            params={key: value for key, value in query.items() if value is not None},
        )

    answer = get()
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for change in (
        {"hub.verify_token": "another"},
        {"hub.verify_token": None},
        {"hub.verify_token": ""},
        {"hub.verify_token": app.WORD[:-1]},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": None},
        {"hub.verify_token": app.WORD * 2},
    ):
        refused = get(**change)
        assert refused.status_code == 401 and "1158201444" not in refused.text, change
    shown = get(**{"hub.challenge": "<script>alert(1)</script>"})
    assert (
        shown.headers["content-type"].startswith("text/plain")
        and shown.headers["x-content-type-options"] == "nosniff"
    )
