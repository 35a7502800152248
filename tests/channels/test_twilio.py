"""What is Twilio's own: segments, the words of the SMS rules, WhatsApp at the same address, a
proxy's query."""

import itertools

import pytest

from bot.channels import sms_length
from tests.channels.apps import twilio

people = itertools.count(800_001)
QUESTION, TITLE = "can myoclonus be prevented", "Can myoclonus be prevented?"


@pytest.fixture
def person():
    return next(people)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 5, 2),
        # the euro sign is not cut in two
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("ж" * 66 + "🙂" + "ж" * 65, 2),
        ("ж" * 66 + "🙂" + "ж" * 66, 3),
        ("", 1),
        ("a" * 159 + "ж", 3),
    ],
)
def test_segments_are_counted_as_the_networks_do(text, count):
    assert sms_length.count_segments(text) == count


def test_typography_does_not_halve_a_segment():
    assert sms_length.plain_typography("“Don’t…” – it’s • 5 ≥ 4") == "\"Don't...\" - it's - 5 >= 4"


def test_an_answer_fits_ten_segments_of_the_basic_alphabet(place, person):
    answer = place.ask(twilio, person, QUESTION, count=2)
    assert sms_length.count_segments(answer.text) <= 10 and len(answer.text) > 670


@pytest.mark.parametrize(
    "word", ["STOP", " stopall ", "Unsubscribe", "CANCEL.", "End", "quit", "opt  out", "revoke"]
)
def test_each_word_of_the_rules_stops(place, person, word):
    place.call(twilio, twilio.write(person, word))
    place.settle()
    assert "START" in place.platform.to("twilio", person)[-1].text
    place.call(twilio, twilio.write(person, QUESTION))
    place.settle()
    assert len(place.platform.to("twilio", person)) == 1


@pytest.mark.parametrize("word", ["START", "Yes", "unstop"])
def test_each_word_of_the_rules_starts_again(place, person, word):
    place.call(twilio, twilio.write(person, "STOP"))
    place.settle()
    place.ask(twilio, person, word, count=2)
    assert TITLE in place.ask(twilio, person, QUESTION).text


def test_what_twilio_has_answered_is_kept_and_not_answered_again(place, person):
    place.call(twilio, twilio.write(person, "STOP", OptOutType="STOP"))
    place.call(twilio, twilio.write(person, QUESTION))
    place.settle()
    assert place.platform.to("twilio", person) == []
    place.call(twilio, twilio.write(person, "START", OptOutType="START"))
    place.settle()
    assert place.platform.to("twilio", person) == []
    assert TITLE in place.ask(twilio, person, QUESTION, count=2).text


def test_yes_is_no_start_where_nothing_was_stopped(place, person):
    place.ask(twilio, person, QUESTION, count=2)
    place.ask(twilio, person, "yes")
    assert "stopped" not in str(
        place.service.rows(
            "select state from conversations where channel = 'twilio' order by opened_at desc "
            "limit 1"
        )
    )


@pytest.mark.parametrize("word", ["HELP", "info"])
def test_help_says_who_writes_and_how_to_end_it(place, person, word):
    said = place.ask(twilio, person, word).text
    assert "Pamphlet" in said and "STOP" in said and "costs" in said


def test_to_a_number_that_twilio_has_opted_out_nothing_more_is_sent(place, person):
    refused = (
        400,
        {},
        {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400},
    )
    place.platform.faults.append(
        lambda name, request: refused if str(person).encode() in request.body else None
    )
    place.call(twilio, twilio.write(person, QUESTION))
    place.settle()
    assert place.platform.to("twilio", person) == []


def test_whatsapp_is_answered_on_whatsapp_with_its_marks(place, person):
    whatsapp = {"From": f"whatsapp:{twilio.number(person)}", "To": f"whatsapp:{twilio.US}"}
    place.call(twilio, twilio.write(person, QUESTION, **whatsapp))
    answer = place.platform.wait("twilio", f"whatsapp:{person}", 2)[-1]
    assert f"*{TITLE}*" in answer.text and len(answer.text) <= 1600
    assert answer.payload["From"] == whatsapp["To"]
    # the same number's SMS is another conversation
    assert place.platform.to("twilio", person) == []


@pytest.mark.parametrize(
    "url",
    [
        f"{twilio.URL}?from=proxy",
        twilio.URL.replace("chat.example.org", "chat.example.org:443") + "?from=proxy",
    ],
)
def test_a_query_and_a_port_are_signed_too(place, person, url):
    place.call(twilio, twilio.call(twilio.fields(person, QUESTION), url=url, query="from=proxy"))
    place.platform.wait("twilio", person, 2)
