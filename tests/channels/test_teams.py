"""What is Teams' own: mentions and threads of a channel, the token of the client-credentials flow,
a card's paragraphs."""

import asyncio
import itertools

import httpx
import pytest

from bot.channels import base
from bot.channels.platforms import teams as channel
from bot.runtime import settings
from tests.channels.apps import PUBLIC, teams

people = itertools.count(820_001)
QUESTION, TITLE = "can myoclonus be prevented", "Can myoclonus be prevented?"


@pytest.fixture
def person():
    return next(people)


def test_a_mention_in_a_channel_is_answered_in_its_thread_and_so_are_its_buttons(place, person):
    asked = teams.in_channel(person, QUESTION)
    there = asked["conversation"]["id"]
    place.call(teams, teams.call(asked))
    answer = place.platform.wait("teams", there, 2)[-1]
    assert TITLE in answer.text and answer.payload["replyToId"] == asked["id"]
    place.call(
        teams,
        teams.call(
            {
                **teams.activity(person, value={"code": teams.button_of(answer, "Yes")}),
                "conversation": asked["conversation"],
            }
        ),
    )
    assert "Thank you" in place.platform.wait("teams", there, 3)[-1].text
    assert place.platform.to("teams", person) == []


def test_a_mention_without_words_is_greeted(place, person):
    asked = teams.in_channel(person, "")
    place.call(teams, teams.call(asked))
    assert (
        "What would you like to know"
        in place.platform.wait("teams", asked["conversation"]["id"], 2)[-1].text
    )


def test_two_people_in_one_thread_have_conversations_of_their_own(place, person):
    first, second = (
        teams.in_channel(person, "is epilim safe in pregnancy"),
        teams.in_channel(person, "what are the side effects?"),
    )
    second["from"] = {"id": f"29:other{person}"}
    place.call(teams, teams.call(first))
    place.platform.wait("teams", first["conversation"]["id"], 2)
    place.call(teams, teams.call(second))
    assert "Epilim" not in place.platform.wait("teams", first["conversation"]["id"], 4)[-1].text


def test_when_microsoft_changes_its_keys_the_new_one_is_fetched_and_the_old_one_refused(
    platform, monkeypatch
):
    monkeypatch.setattr(channel, "KEYS_LEAST", 0)  # nobody waits a minute here
    monkeypatch.setattr(teams, "SHOWN", ["k1"])
    config = settings.read_settings({"PUBLIC_URL": PUBLIC, **teams.settings(platform.url)})

    async def is_taken(site, kid):
        sent = teams.call(teams.activity(1, text="hello"), teams.token(kid))
        try:
            await channel.verify(
                site,
                base.PlatformCall(
                    "POST",
                    "/channels/teams",
                    {name.lower(): value for name, value in sent.headers.items()},
                    sent.body,
                ),
            )
            return True
        except base.Forged:
            return False

    async def change():
        async with httpx.AsyncClient() as client:
            site = base.ChannelContext(config, client)
            taken = [await is_taken(site, "k1"), await is_taken(site, "k2")]
            monkeypatch.setattr(teams, "SHOWN", ["k2"])
            return taken + [await is_taken(site, "k2"), await is_taken(site, "k1")]

    assert asyncio.run(change()) == [True, False, True, False]


def test_a_token_that_is_taken_back_is_replaced(place, person):
    place.ask(teams, person, QUESTION, count=2)
    teams.TOKENS["last"] = "taken back"
    place.ask(teams, person, "what causes myoclonus")
    assert teams.TOKENS["last"] != "taken back"


def test_a_bot_that_was_taken_out_of_a_conversation_says_nothing_more(place, person):
    refused = (
        403,
        {},
        {
            "error": {
                "code": "BotNotInConversationRoster",
                "message": "The bot is not part of the conversation roster.",
            }
        },
    )
    place.platform.faults.append(
        lambda name, request: refused if str(person).encode() in request.body else None
    )
    place.call(teams, teams.write(person, QUESTION))
    place.settle()
    assert place.platform.to("teams", person) == []
