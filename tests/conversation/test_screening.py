"""The gateway's screen: the rules, then the net; and the rules alone where the net can't be had."""

import asyncio
import time
from dataclasses import dataclass

import httpx
import pytest

from bot.conversation import screening, turns
from bot.releases import registry
from bot.runtime import settings
from bot.safety import danger_screen, net, verdicts
from tests import conftest
from tests.support import danger_messages

DATA = conftest.ROOT / "data"
UNKNOWN = "something about gran is not as it was"  # to the rules


@pytest.fixture(scope="module")
def rules():
    return danger_screen.load_screen(DATA)


@dataclass
class Judge:
    """A Listener that says what it is told to say."""

    says: object = None
    seconds: float = 0.0
    score: float = -9.0

    def read_in_steps(self, text):
        time.sleep(self.seconds)
        if isinstance(self.says, Exception):
            raise self.says
        yield net.Reading(self.score, self.says)


def screen(rules, listener, text=UNKNOWN):
    return asyncio.run(screening.screen_message(rules, listener, text))


HEARD_BY_RULES = "my chest hurts and i feel faint"
SILENT, SURE, IN_DOUBT = (
    None,
    net.Judgement(net.ALARM, "heart"),
    net.Judgement(net.WARNING, "heart"),
)


@pytest.mark.parametrize("says", [SURE, IN_DOUBT])
def test_what_the_rules_hear_is_a_danger_where_the_net_takes_it_rather_for_one(rules, says):
    found = screen(rules, Judge(says, score=0.0), HEARD_BY_RULES)
    assert found == verdicts.Verdict(danger_screen.Danger("emergency", "chest_pain"))


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (-0.5, verdicts.Verdict(warning="heart")),
        (-4.0, verdicts.Verdict(warning="heart")),
        (-9.0, verdicts.NOTHING),
    ],
)
def test_what_the_rules_alone_hear_is_a_warning_and_nothing_where_the_net_is_far(
    rules, score, verdict
):
    assert screen(rules, Judge(SILENT, score=score), HEARD_BY_RULES) == verdict


@pytest.mark.parametrize("typed", ["{}", " {}!! ", "{}?"])
def test_a_message_that_must_be_heard_is_a_danger_whatever_the_net_says(rules, typed):
    promised = {kind: list(messages) for kind, messages in rules.must.items()}
    for flag in rules.flags:
        promised[flag.kind] += flag.must
    for kind, messages in promised.items():
        for message in messages:
            found = screen(rules, Judge(SILENT), typed.format(message.upper()))
            assert found.danger and found.danger.kind == kind, message


@pytest.mark.parametrize(("kind", "tier"), [("stroke", "emergency"), ("suicide", "crisis")])
def test_an_alarm_of_the_net_is_a_danger_with_an_answer(rules, kind, tier):
    danger = screen(rules, Judge(net.Judgement(net.ALARM, kind))).danger
    assert danger.kind == tier
    assert danger_screen.danger_reply(rules, danger, "GB")["text"]
    assert danger_screen.is_known(rules, danger)


def test_a_doubt_of_the_net_is_a_warning(rules):
    found = screen(rules, Judge(net.Judgement(net.WARNING, "stroke")))
    assert found == verdicts.Verdict(warning="stroke")


MIXED = "mi abuela ahora está temblando y no me conoce, she keeps saying nonsense"


def test_the_net_hears_a_message_that_mixes_another_language_with_english(rules):
    assert danger_screen.screen_language(rules, MIXED) == ("es", None)
    assert screen(rules, None, MIXED) == verdicts.Verdict(language="es")
    alarmed = screen(rules, Judge(net.Judgement(net.ALARM, "sugar")), MIXED)
    assert alarmed == verdicts.Verdict(danger_screen.Danger("emergency", "language.es"))
    doubted = screen(rules, Judge(net.Judgement(net.WARNING, "sugar")), MIXED)
    assert doubted == verdicts.Verdict(warning="sugar", language="es")


@pytest.mark.parametrize(
    "listener", [None, Judge(), Judge(RuntimeError("broken")), Judge(seconds=1.5)]
)
def test_without_the_net_the_rules_alone_answer_within_a_second(rules, listener):
    assert asyncio.run(_screen_once(rules, listener, UNKNOWN)) == verdicts.NOTHING
    if listener != Judge():  # which hears nothing, and is no fault
        found = asyncio.run(_screen_once(rules, listener, HEARD_BY_RULES))
        assert found == verdicts.Verdict(danger_screen.Danger("emergency", "chest_pain"))


async def _screen_once(rules, listener, text):
    begun = time.monotonic()
    found = await screening.screen_message(rules, listener, text)
    assert time.monotonic() - begun < 1
    return found


def test_every_kind_has_a_warning_that_names_the_number(rules):
    for kind, entry in rules.kinds.items():
        warning = danger_screen.warning_line(rules, kind, "GB")
        assert warning["kind"] == entry["kind"]
        assert "999" in warning["text"]
        assert "tel:999" in [line["tel"] for line in warning["numbers"]]


def test_a_warning_stands_on_a_reply_and_nothing_else_changes(rules):
    loaded = turns.LoadedRelease("r", None, rules, None, frozenset())
    desk = turns.Site(config=None, engine=None, turnstile=None, loaded=loaded)
    reply = {"kind": "not_covered", "text": "No."}
    got = turns.complete_reply(
        turns.add_warning(desk, reply, verdicts.Verdict(warning="stroke"), "GB")
    )
    assert got["warning"]["text"] == "If this began suddenly, it may be a stroke. Call 999 now."
    assert got["warning"]["numbers"] == [{"label": "Emergency", "number": "999", "tel": "tel:999"}]
    assert turns.add_warning(desk, reply, verdicts.NOTHING, "GB") is reply


# Through the door

# from data/danger, so nothing is measured here
HEARD = (
    "hot dog stuk in my boy he not makin no nois his fase gon purpel",
    "I don't want to wake tomorrow, and I mean to see that I don't.",
    "she's still doing it. twenty mins. it stops then she's off again before she knows me",
)


def test_the_live_release_has_a_net_that_hears_what_the_rules_miss(rules):
    config = settings.read_settings()
    listener = screening.open_listener(config, registry.live_release(config), rules)
    assert listener
    missed = [text for text in HEARD if danger_screen.find_danger(rules, text) is None]
    assert missed == list(HEARD)
    assert {listener.judge(text).tier for text in missed} == {net.ALARM}


@pytest.mark.parametrize("text", HEARD)
def test_a_danger_that_only_the_net_hears_gets_the_fixed_answer(service, text):
    (reply,) = service.ask(text, service.open(country="GB"))
    assert reply["kind"] in ("emergency", "crisis")
    assert "999" in reply["text"]


def test_a_message_in_doubt_is_answered_as_usual_with_a_sentence_above(service):
    reply = service.ask(danger_messages.find_doubted(), service.open(country="GB"))[0]
    assert reply["kind"] not in ("emergency", "crisis")
    assert "999" in reply["warning"]["text"]
    assert reply["warning"]["numbers"][0]["tel"]


def test_an_ordinary_question_has_no_warning(service):
    assert "warning" not in service.ask("what is myoclonus")[0]


def test_with_a_broken_net_the_rules_answer_and_a_metric_says_so(tmp_path):
    def spoil(data):
        (data.parent / registry.NET).write_bytes(b"no net")

    (tmp_path / "models").mkdir()
    models = conftest.republish(tmp_path / "models", spoil)
    with conftest.serving(tmp_path, MODELS=str(models), METRICS_TOKEN="t" * 40) as made:
        assert made.ask("he is not breathing")[0]["kind"] == "emergency"
        assert made.ask("what is myoclonus")[0]["kind"] == "answer"
        shown = httpx.get(f"{made.url}/metrics", headers={"Authorization": f"Bearer {'t' * 40}"})
        assert "pamphlet_net 0.0" in shown.text
        assert "the rules alone hear dangers" in made.log.read_text()


def test_between_the_pieces_of_a_long_text_others_are_heard(rules):
    order = []

    class Slow(Judge):
        def read_in_steps(self, text):
            for step in range(len(text) // 500):
                time.sleep(0.02)
                order.append((text[0], step))
                yield None
            order.append((text[0], "end"))
            yield net.Reading(self.score, None)

    async def both():
        long = asyncio.create_task(screening.screen_message(rules, Slow(), "l" * 2_000))
        while not order:
            await asyncio.sleep(0.001)
        await screening.screen_message(rules, Slow(), "short")
        await long

    asyncio.run(both())
    assert order.index(("s", "end")) < order.index(("l", 3)) < order.index(("l", "end"))


def test_a_long_text_is_waited_for_no_longer_than_a_short_one(rules):
    class Endless(Judge):
        def read_in_steps(self, text):
            while True:
                time.sleep(0.05)
                yield None

    begun = time.monotonic()
    assert screen(rules, Endless(), HEARD_BY_RULES).danger
    assert time.monotonic() - begun < 10 * screening.SECONDS
