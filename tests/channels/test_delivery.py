"""What comes in is answered once, in order, whatever fails: platforms that are busy or broken, and
a killed service."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import conftest
import pytest

from tests.channels import conftest as channels
from tests.channels.apps import telegram, webhook

people = itertools.count(700_001)
QUESTIONS = [
    "can myoclonus be prevented",
    "what causes myoclonus",
    "what is myoclonus",
    "is myoclonus serious",
]
TITLES = ["Can myoclonus be prevented?", "What causes myoclonus?", "What is myoclonus?", "serious"]


@pytest.fixture
def person():
    return next(people)


def failing(person, *answers):
    """A fault: calls about a person are answered like this, one after another, and then as they
    should be."""
    left = list(answers)

    def fault(name, request):
        return left.pop(0) if left and str(person).encode() in request.body else None

    return fault


def bot(place, *arguments):
    """What a verb of the command line prints for the service's database."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=conftest.ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{place.service.database}"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_answer_outlives_the_end_of_a_call_that_was_under_way_when_the_conversation_was_forgotten(  # noqa: E501
    place, person
):
    place.ask(telegram, person, QUESTIONS[0], count=2)
    place.settle()
    taken = []

    def fault(name, request):
        if str(person).encode() not in request.body:
            return None
        taken.append(request)
        if len(taken) == 2:  # what was deleted is told, and told again a little later
            return 503, {"Retry-After": "3"}, {}
        if len(taken) > 2:
            return None
        status, answer = telegram.take(place.platform, request)
        place.call(
            telegram,
            telegram.press(person, place.platform.to("telegram", person)[-1], "Yes, delete it"),
        )
        wait(
            lambda: place.service.rows(
                "select 1 from outbox where attempts = 1 and reason is not null"
            )
        )
        return status, {}, answer

    place.platform.faults.append(fault)
    place.call(telegram, telegram.write(person, "forget me"))
    assert "deleted" in place.platform.wait("telegram", person, 4)[-1].text


def wait(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.02)


def test_messages_of_one_visitor_are_answered_in_their_order(place, app, person):
    place.ask(app, person, "hello", count=2)
    for question in QUESTIONS:
        place.call(app, app.write(person, question))
    answers = place.platform.wait(app.NAME, person, 6)[2:]
    assert all(title in answer.text for title, answer in zip(TITLES, answers, strict=True)), [
        answer.text[:40] for answer in answers
    ]


def test_a_reply_that_the_platform_did_not_take_is_sent_again_and_those_behind_it_wait(
    place, app, person
):
    busy = (500, {}, {}), (429, {"Retry-After": "0"}, {}), (503, {"Retry-After": "0"}, {})
    place.platform.faults.append(failing(person, *busy))
    place.call(app, app.write(person, QUESTIONS[0]))
    place.call(app, app.write(person, QUESTIONS[1]))
    answers = place.platform.wait(app.NAME, person, 3)
    assert (
        "a computer program" in answers[0].text
        and TITLES[0] in answers[1].text
        and TITLES[1] in answers[2].text
    )
    place.settle()
    assert len(place.platform.to(app.NAME, person)) == 3


def test_a_platform_that_asks_to_wait_is_not_called_before(place, app, person):
    place.platform.faults.append(failing(person, (429, {"Retry-After": "3"}, {})))
    place.call(app, app.write(person, QUESTIONS[0]))
    place.platform.wait(app.NAME, person, 2)
    refused, taken = [at for at, body in place.platform.calls if str(person).encode() in body][:2]
    assert taken - refused >= 3


def test_what_a_platform_refuses_for_good_is_a_dead_letter_that_can_be_resent(place, person):
    place.platform.faults.append(
        failing(person, (400, {}, {"ok": False, "description": "Bad Request: something"}))
    )
    place.call(telegram, telegram.write(person, QUESTIONS[0]))
    # the notice before it was refused; the answer came
    assert TITLES[0] in place.platform.wait("telegram", person, 1)[0].text
    place.settle()
    shown = bot(place, "outbox")
    assert "telegram" in shown and "dead" in shown and "HTTP 400" in shown
    assert str(person) not in shown and "computer program" not in shown
    assert "1 message" in bot(place, "outbox", "resend")
    assert "a computer program" in place.platform.wait("telegram", person, 2)[1].text
    place.settle()
    assert "nothing waits" in bot(place, "outbox")


def test_to_somebody_who_blocked_the_bot_nothing_more_is_sent(place, person):
    blocked = (
        403,
        {},
        {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"},
    )
    place.platform.faults.append(failing(person, blocked))
    place.call(telegram, telegram.write(person, QUESTIONS[0]))
    place.settle()
    assert place.platform.to("telegram", person) == []
    assert "nothing waits" in bot(place, "outbox")


def test_a_killed_service_loses_nothing_and_repeats_at_most_one_reply(platform, tmp_path):
    with channels.placed(tmp_path, platform) as place:
        slow = itertools.count()
        place.platform.faults.append(lambda name, request: time.sleep(0.4) or next(slow) and None)
        crowd = [
            (app, person) for person in itertools.islice(people, 4) for app in (telegram, webhook)
        ]
        for app, person in crowd:
            for question in QUESTIONS[:3]:
                place.call(app, app.write(person, question))
        # some are answered, some are being sent, most wait
        wait(lambda: sum(len(place.platform.to(app.NAME, person)) for app, person in crowd) >= 3)
        os.kill(place.service.process.pid, signal.SIGKILL)
        place.service.process.wait()
        place.platform.faults.clear()
        before = {
            key: [sent.text for sent in place.platform.to(key[0].NAME, key[1])] for key in crowd
        }
        assert sum(map(len, before.values())) < 4 * len(crowd)
        with channels.placed(tmp_path, place.platform) as again:
            again.settle()
            for app, person in crowd:
                check_said(place.platform, app, person)


def check_said(platform, app, person):
    """The notice and the answers to the first three questions came, in order, at most one of them
    twice."""
    texts = [sent.text for sent in platform.to(app.NAME, person)]
    once = [text for i, text in enumerate(texts) if text not in texts[:i]]
    assert len(texts) - len(once) <= 1, f"{app.NAME} repeated {len(texts) - len(once)} replies"
    assert "a computer program" in once[0] and len(once) == 4
    assert all(title in text for title, text in zip(TITLES[:3], once[1:], strict=True))


def test_what_a_killed_gateway_leaves_the_other_one_answers(platform, postgresql, tmp_path):
    address, slow = postgresql.make("delivery"), itertools.count()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with (
        channels.placed(tmp_path / "first", platform, DATABASE_URL=address) as first,
        channels.placed(tmp_path / "second", platform, DATABASE_URL=address) as second,
    ):
        platform.faults.append(lambda name, request: time.sleep(0.4) or next(slow) and None)
        crowd = [
            (app, person) for person in itertools.islice(people, 4) for app in (telegram, webhook)
        ]
        for place, question in zip((first, second, first), QUESTIONS[:3], strict=True):
            for app, person in crowd:
                place.call(app, app.write(person, question))
        os.kill(first.service.process.pid, signal.SIGKILL)
        first.service.process.wait()
        assert sum(len(platform.to(app.NAME, person)) for app, person in crowd) < 4 * len(crowd)
        platform.faults.clear()
        second.settle()
        for app, person in crowd:
            check_said(platform, app, person)


def test_with_rasa_hanging_a_danger_is_answered_and_the_rest_with_a_sentence(own_place):
    place = own_place
    os.kill(place.service.children()["rasa"], signal.SIGSTOP)
    try:
        assert "116 123" in place.ask(telegram, 1, "i want to kill myself").text
        assert "can't answer right now" in place.ask(telegram, 2, QUESTIONS[0], count=2).text
    finally:
        os.kill(place.service.children()["rasa"], signal.SIGCONT)


def test_who_writes_too_much_is_told_so_once(platform, tmp_path, person):
    with channels.placed(tmp_path, platform, MESSAGES_PER_MINUTE="2") as place:
        for _ in range(5):
            place.call(telegram, telegram.write(person, "hello"))
        place.settle()
        told = [sent.text for sent in place.platform.to(telegram.NAME, person)]
        assert sum("a lot of messages" in text for text in told) == 1


def test_a_release_without_the_channels_texts_does_not_take_over(own_place, person):
    models = own_place.service.database.parent / "models"
    live = (models / "live").read_text()
    old = shutil.copytree(models / "releases" / live, models / "releases" / "20260101-000000")
    texts = old / "data/texts.yml"
    texts.write_text(re.sub(r"(?m)^stopped: .*\n", "", texts.read_text()))
    conftest.sign(old, id=old.name)
    (models / "live").write_text(old.name)
    wait(
        lambda: (
            old.name in own_place.service.log.read_text()
            and "messaging channels" in own_place.service.log.read_text()
        )
    )
    own_place.ask(telegram, person, QUESTIONS[0], count=2)
    own_place.call(telegram, telegram.write(person, "STOP"))
    assert "START" in own_place.platform.wait("telegram", person, 3)[-1].text
    rasa = own_place.service.children()["rasa"]
    os.kill(rasa, signal.SIGKILL)
    # what is refused keeps nothing else waiting
    wait(lambda: own_place.service.children().get("rasa", rasa) != rasa)
    (models / "live").write_text(live)


def test_a_message_whose_work_failed_is_tried_again_and_answered(own_place, person):
    """A fault of ours, as the database sees it: no letter to this person can be queued."""
    own_place.service.rows(f"""create trigger fault before insert on outbox when new.address like '%{person}%'
                               begin select raise(abort, 'a fault'); end""")  # noqa: E501
    own_place.call(telegram, telegram.write(person, QUESTIONS[0]))
    own_place.call(telegram, telegram.write(person, QUESTIONS[1]))
    wait(
        lambda: own_place.service.rows(
            "select 1 from inbox where done_at is null and attempts > 3"
        ),
        60,
    )
    own_place.service.rows("drop trigger fault")
    answers = own_place.platform.wait("telegram", person, 3)[1:]
    assert TITLES[0] in answers[0].text and TITLES[1] in answers[1].text
    assert "failed: IntegrityError" in own_place.service.log.read_text()


# the last: it can't be mended
def test_without_a_database_a_danger_is_answered_and_the_rest_with_a_sentence(own_place):
    place = own_place
    place.service.rows("drop table inbox")
    for app in channels.APPS.values():
        assert "116 123" in place.ask(app, 1, "i want to kill myself").text
        assert "can't answer right now" in place.ask(app, 2, QUESTIONS[0]).text
