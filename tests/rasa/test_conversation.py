"""Conversations through the running bot: what a message leaves out, what is asked back, what is
offered next."""

import contextlib
import json
import sqlite3
import uuid
from pathlib import Path

import pytest
import yaml

from bot.rasa import follow_ups

ROOT = Path(__file__).resolve().parents[2]
CONVERSATIONS = yaml.safe_load((ROOT / "tests/conversations.yml").read_text())
STORIES = yaml.safe_load((ROOT / "data/stories.yml").read_text())["stories"]


def values(reply):
    """What the choices below a reply stand for."""
    return [choice["value"] for choice in reply.get("choices") or []]


def choose(service, token, value):
    answer = service.post(token, {"id": uuid.uuid4().hex, "choice": value})
    assert answer.status_code == 200, answer.text
    return answer.json()["replies"][0]


def test_there_are_forty_conversations_and_six_stories():
    assert len(CONVERSATIONS) >= 40
    assert len([story for story in STORIES if len(story["steps"]) >= 4]) >= 6


def as_case(talk):
    """A conversation as a test case; one with a `gap` is known to fail, and must be taken out of
    the gaps once it passes."""
    marks = (
        [pytest.mark.xfail(strict=True, raises=AssertionError, reason=talk["gap"])]
        if "gap" in talk
        else []
    )
    return pytest.param(talk, marks=marks, id=talk["conversation"])


@pytest.mark.parametrize("talk", [as_case(talk) for talk in CONVERSATIONS])
def test_each_turn_of_a_conversation_gets_what_it_asks(service, talk):
    token = service.open(**({"article": talk["page"]} if "page" in talk else {}))
    for turn in talk["turns"]:
        reply = service.ask(turn["ask"], token)[0]
        reply.setdefault("question", None)
        got = f"{turn['ask']!r} got {reply['kind']} {reply['question']} {values(reply)}: {reply['text'][:80]}"  # noqa: E501
        wanted = turn.get("kind") or turn["question"]
        if turn.get("asked_back") and reply["kind"] == "clarify":
            assert wanted in values(reply), got
        else:
            assert reply["kind" if "kind" in turn else "question"] in (
                wanted if isinstance(wanted, list) else [wanted]
            ), got
        assert set(turn.get("offers", [])) <= set(values(reply)), got
        if "offers_one" in turn:
            assert values(reply)[0] in set(turn["offers_one"]) - {reply.get("question")}, got
            assert reply["choices"][0]["title"].startswith("You also asked"), got


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_a_story_answers_every_question_and_offers_what_its_editor_wrote(service, story):
    token, asked = service.open(), []
    for intent, action in zip(story["steps"][::2], story["steps"][1::2], strict=True):
        if "." not in intent["intent"]:
            assert service.ask("hello", token)[0]["topic"] == intent["intent"]
            continue
        reply = choose(service, token, intent["intent"])
        asked.append(intent["intent"])
        assert (reply["kind"], reply["question"]) == ("answer", intent["intent"])
        wanted = [name for name in action.get("offer", []) if name not in asked]
        assert values(reply)[: len(wanted)] == wanted


def test_a_story_that_the_conversation_leaves_offers_nothing_more(service):
    token = service.open()
    for name in ("tics.what_is", "hiccups.causes"):
        choose(service, token, name)
    reply = choose(service, token, "tics.causes")
    assert reply["kind"] == "answer"
    assert values(reply) != ["tics.voluntary_control", "tics.seriousness", "tics.daily_life"]


def test_what_was_answered_is_not_offered_again(service):
    token, asked, name = service.open(), [], "hiccups.what_is"
    for _ in range(8):
        asked.append(name)
        following = values(choose(service, token, name))
        assert following and not set(following) & set(asked)
        name = following[0]


def test_after_a_medicine_the_same_medicine_is_offered_first(service):
    reply = choose(service, service.open(), "myoclonus.valproate_in_pregnancy")
    assert set(values(reply)) >= {
        "myoclonus.sodium_valproate",
        "myoclonus.sodium_valproate_side_effects",
    }


def test_at_most_three_questions_are_asked_back_and_none_of_these_is_taken(service):
    token = service.open()
    reply = service.ask("is it safe in pregnancy", token)[0]
    assert reply["kind"] == "clarify"
    assert values(reply)[-1] == "none_of_these"
    assert choose(service, token, "none_of_these")["kind"] == "talk"


def test_the_review_list_learns_what_was_understood(service):
    token = service.open()
    service.ask("can it be prevented", token)
    with contextlib.closing(sqlite3.connect(service.database)) as database:
        (understood,) = database.execute(
            "SELECT understood FROM turns ORDER BY id DESC LIMIT 1"
        ).fetchone()
    understood = json.loads(understood)
    assert understood["ranking"] and understood["context"]["case"] == "which"


def test_among_ten_thousand_questions_a_follow_up_finds_its_own():
    facets = (
        "definition",
        "symptoms",
        "causes",
        "triggers",
        "prevention",
        "diagnosis",
        "treatments",
        "medicines",
        "outlook",
        "inheritance",
    )
    questions = {
        f"a{i}.{facet}": {
            "article": f"a{i}",
            "subject": f"condition {i}",
            "about": [f"condition {i}"],
            "facets": [facet],
            "mentions": [f"condition {i}"],
        }
        for i in range(1000)
        for facet in facets
    }
    kinds = {f"condition {i}": "condition" for i in range(1000)}
    library = follow_ups.make_index(
        questions,
        {name: [0.01, 0.05] for name in questions},
        ["can", "it", "be", "prevented"],
        kinds,
    )
    ranking = [{"name": f"a{i}.prevention", "confidence": 0.09 - 0.001 * i} for i in range(10)]
    topic = {"about": ["condition 500"], "article": "a500", "facets": ["causes"], "number": 0}
    cases = [
        ([], "can it be prevented", topic, None, "a500.prevention"),
        ([], "can it be prevented", None, "a77", "a77.prevention"),
        (["condition 9"], "what about ", topic, None, "a9.causes"),
        ([], "can it be prevented", None, None, None),
    ]
    for named, rest, about, page, wanted in cases:
        reading = follow_ups.read_message(library, ranking, named, rest, about, page, 0.02)
        assert reading.case == "which" if wanted is None else reading.ranking[0]["name"] == wanted
