"""Whose emergency numbers a visitor gets, and that nobody leaves without one: the country travels
with each message, and a danger is heard before anything refuses it."""

import uuid

import conftest
import httpx
import pytest

from tests.support import danger_messages

DANGER, CRISIS = "he is not breathing", "i want to kill myself"
LINE = "If someone may be in danger now, call {}."


def post(service, token, text, **more):
    return service.post(token, {"id": uuid.uuid4().hex, "text": text, **more})


def reply(service, token, text, **more):
    answer = post(service, token, text, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["replies"][0]


def test_the_country_of_a_message_counts_and_is_remembered(service):
    token = service.open(country="GB")
    assert "999" in reply(service, token, DANGER)["text"]
    assert "911" in reply(service, token, DANGER, country="US")["text"]
    shown = reply(service, token, CRISIS)
    assert shown["numbers"][0]["number"] == "988", "it is remembered"
    (country,) = service.rows(
        "select country from conversations where id = (select conversation from turns where id = "
        "(select max(id) from turns))"
    )
    assert country == ("US",)


@pytest.mark.parametrize(
    ("country", "number"), [("UK", "999"), ("usa", "911"), ("EL", "112"), ("JE", "999")]
)
def test_a_country_is_understood_as_people_write_it(service, country, number):
    assert f"Call {number} now" in reply(service, service.open(), DANGER, country=country)["text"]


def test_what_is_no_country_refuses_no_message(service):
    token = service.open(country="Great Britain")
    shown = reply(service, token, DANGER, country="nowhere")
    assert "112, 911 or 999" in shown["text"]
    assert [line["number"] for line in shown["numbers"]] == ["112", "911", "999"]


def test_without_a_country_findahelpline_is_a_link(service):
    shown = reply(service, service.open(), CRISIS)
    assert shown["numbers"][0]["url"] == "https://findahelpline.com"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("can migraine be prevented", "not_covered"),
        ("how many mg of clonazepam should i take", "personal_advice"),
        ("what will the weather be tomorrow", "out_of_scope"),
        ("who wrote this article", "clarify"),
    ],
)
def test_a_reply_that_answers_nothing_tells_whom_to_call(service, text, kind):
    shown = reply(service, service.open(country="GB"), text)
    assert shown["kind"] == kind
    assert shown["emergency"] == {
        "text": LINE.format("999"),
        "numbers": [{"label": "Emergency", "number": "999", "tel": "tel:999"}],
    }


def test_neither_an_answer_nor_what_has_a_warning_has_the_line(service):
    assert "emergency" not in reply(service, service.open(), "what is myoclonus")
    shown = reply(service, service.open(), danger_messages.find_doubted())
    assert shown["warning"] and "emergency" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "im crying i dont know what to do",
        "i am so scared",
        "my husband died of this",
        "my wife died from it",
        "i keep crying since the doctor called",
    ],
)
def test_grief_and_fear_get_a_kind_sentence_and_an_offer(service, text):
    shown = reply(service, service.open(country="IE"), text)
    assert (shown["kind"], shown["topic"]) == ("talk", "distress")
    assert shown["text"].startswith("I'm sorry that this is so hard.")
    assert "can't help" not in shown["text"]
    assert shown["choices"], "what the pages can tell"
    assert "Samaritans" in shown["numbers"][0]["label"], "and somebody to talk to"
    assert shown["emergency"]["text"] == LINE.format("112")


def test_a_refusal_tells_whom_to_call(service):
    answer = post(service, "nonsense", "what is myoclonus", country="GB")
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["emergency"]["text"] == LINE.format("999")
    answer = post(service, service.open(), "x" * 2001, country="US")
    assert (answer.status_code, answer.json()["error"]["emergency"]["numbers"][0]["tel"]) == (
        422,
        "tel:911",
    )


def test_a_danger_is_heard_without_a_token_and_stored_nowhere(service):
    before = service.rows("select count(*) from turns")
    for token in ("nonsense", "x" * 40):
        answer = post(service, token, DANGER, country="GB")
        assert answer.status_code == 200
        assert answer.json()["replies"][0]["text"].startswith("Call 999 now.")
        assert "turn" not in answer.json() or answer.json()["turn"] is None
    assert service.rows("select count(*) from turns") == before


def test_a_danger_in_too_long_a_text_is_heard(service):
    answer = post(service, service.open(), DANGER + ". " + "x" * 2000, country="GB")
    assert answer.json()["replies"][0]["kind"] == "emergency"


def test_a_second_text_under_a_used_id_is_heard_where_it_tells_of_a_danger(service):
    token = service.open(country="GB")
    first = service.post(token, {"id": "same", "text": "what is myoclonus"}).json()
    again = service.post(token, {"id": "same", "text": DANGER}).json()
    assert again["replies"][0]["kind"] == "emergency"
    assert service.post(token, {"id": "same", "text": "what is myoclonus"}).json() == first
    told = service.post(token, {"id": "other", "text": DANGER}).json()
    assert service.post(token, {"id": "other", "text": DANGER}).json() == told, "told once"


def test_a_danger_passes_every_limit_and_a_limit_tells_whom_to_call(tmp_path):
    limits = {"CONVERSATIONS_PER_MINUTE": "2", "MESSAGES_PER_MINUTE": "3", "COUNTRY": "uk"}
    with conftest.serving(tmp_path, **limits) as made:
        token = made.open()
        made.open()
        refused = httpx.post(f"{made.url}/api/conversations", json={"country": "US"})
        assert refused.status_code == 429
        assert refused.json()["error"]["emergency"]["text"] == LINE.format("911")
        # what a client does that may not open a conversation
        assert reply(made, "none", DANGER, country="US")["text"].startswith("Call 911 now.")
        codes = [post(made, token, "hello").status_code for _ in range(5)]
        assert codes[-1] == 429
        error = post(made, token, "hello").json()["error"]
        assert error["emergency"]["text"] == LINE.format("999"), "the site's country"
        # its address has sent too many by now: the rules alone hear, and still do
        for _ in range(10):
            assert reply(made, token, DANGER)["kind"] == "emergency"
        made.rows("update conversations set expires_at = '2020-01-01 00:00:00.000000'")
        assert reply(made, token, CRISIS)["kind"] == "crisis", "an ended chat"
