"""The ways that stories go, and where they contradict each other or a rule."""

import pytest

from bot.content import stories, story_conflicts, story_ways
from bot.content.stories import Turn

ASKED = ["intent: hiccups.what_is", "action: action_answer"]
CAUSES = ["intent: hiccups.causes", "action: action_answer"]
OFFER = ["intent: hiccups.what_is", "action: action_answer\n        offer: [hiccups.causes]"]
OTHER = ["intent: hiccups.what_is", "action: action_answer\n        offer: [hiccups.triggers]"]
EITHER = ["or: [{intent: greeting}, {intent: help}]", "action: action_talk"]


def write(**told):
    """The text of a file of stories: {name: its steps}."""
    lines = ["stories:"]
    for name, steps in told.items():
        lines += [f"  - story: {name}", "    steps:", *(f"      - {step}" for step in steps)]
    return "\n".join(lines) + "\n"


def list_ways(text):
    """[(the stories of a way, what its messages get)] of a file's text."""
    ways = story_ways.list_ways("story", text)
    return [(way.names, [turn.gets for turn in way.story.turns]) for way in ways]


def say_conflicts(text, rules=""):
    """[(story, its turn from 1, the other one)] of what contradicts."""
    found = story_conflicts.find_conflicts(story_ways.list_ways("story", text), rules)
    return [
        (each.way.story.name, each.place + 1, each.other and each.other.names) for each in found
    ]


def test_a_story_without_branches_is_one_way():
    (way,) = story_ways.list_ways("story", write(a=OFFER))

    assert way.story == stories.Story("a", (Turn("", "hiccups.what_is", ("hiccups.causes",)),))
    assert way.keys == (way.story.key,)


def test_each_alternative_is_a_way():
    assert list_ways(write(a=[*EITHER, *ASKED])) == [
        (("a",), ["greeting", "hiccups.what_is"]),
        (("a",), ["help", "hiccups.what_is"]),
    ]


def test_checkpoints_join_stories():
    text = write(
        a=[*ASKED, "checkpoint: known"],
        b=["checkpoint: known", *CAUSES],
        c=["checkpoint: known", *EITHER],
    )

    assert list_ways(text) == [
        (("a", "b"), ["hiccups.what_is", "hiccups.causes"]),
        (("a", "c"), ["hiccups.what_is", "greeting"]),
        (("a", "c"), ["hiccups.what_is", "help"]),
    ]


def test_checkpoints_that_lead_back_end_once():
    text = write(a=[*ASKED, "checkpoint: x"], b=["checkpoint: x", *CAUSES, "checkpoint: x"])

    assert list_ways(text) == [(("a", "b"), ["hiccups.what_is", "hiccups.causes"])]


def test_so_many_alternatives_are_cut():
    assert len(list_ways(write(a=EITHER * 20))) == story_ways.MOST_WAYS + 1


@pytest.mark.parametrize(
    "step",
    [
        "slot_was_set: [{x: 1}]",
        "user: hello",
        "action: action_listen",
        "or: nothing",
        "checkpoint: 1",
    ],
)
def test_what_is_no_conversation_has_no_way(step):
    assert list_ways(write(a=[step, "action: action_talk"], b=ASKED)) == [
        (("b",), ["hiccups.what_is"])
    ]


@pytest.mark.parametrize(
    ("kind", "text", "is_plain"),
    [
        ("story", write(a=ASKED), True),
        ("story", write(a=ASKED * 30), True),
        ("story", write(a=ASKED * 31), False),
        ("story", write(a=EITHER), False),
        ("story", write(a=[ASKED[0], f"{ASKED[1]}\n        offer: [a.a, a.b, a.c, a.d]"]), False),
        ("story", write(a=ASKED) + "    metadata: {by: Ada}\n", False),
        ("test_conversation", "conversations:\n- {conversation: a, page: x, turns: []}", True),
        ("test_conversation", "conversations:\n- {conversation: a, gap: x, turns: []}", False),
        ("test_conversation", "conversations:\n- {conversation: a, turns: [], page: x}", False),
    ],
)
def test_only_what_the_desk_could_write_back_is_plain(kind, text, is_plain):
    (story,) = stories.read_stories(kind, text)

    assert story.is_plain == is_plain


def test_what_begins_alike_may_offer_the_same():
    assert say_conflicts(write(a=[*OFFER, *CAUSES], b=[*OFFER, *EITHER])) == []


def test_what_begins_alike_and_offers_otherwise_contradicts():
    assert say_conflicts(write(a=OFFER, b=[*OTHER, *CAUSES], c=[*CAUSES, *ASKED])) == [
        ("a", 1, ("b",)),
        ("b", 1, ("a",)),
    ]
    assert say_conflicts(write(a=OFFER, b=ASKED)) == [("a", 1, ("b",)), ("b", 1, ("a",))]


def test_what_was_said_long_before_makes_no_difference():
    thanks = ["intent: thanks", "action: action_talk", "intent: help", "action: action_talk"]
    assert say_conflicts(write(a=[*CAUSES, *thanks, *OFFER], b=[*ASKED, *thanks, *OTHER])) == [
        ("a", 4, ("b",)),
        ("b", 4, ("a",)),
    ]
    assert say_conflicts(write(a=[*CAUSES, *OFFER], b=[*ASKED, *OTHER])) == []


def test_a_story_that_a_rule_contradicts_is_named():
    rules = "rules:\n  - rule: x\n    steps: [{intent: greeting}, {action: action_decline}]\n"
    greeting = ["intent: greeting", "action: action_talk"]

    assert say_conflicts(write(a=[*ASKED, *greeting]), rules) == [("a", 2, None)]
    assert say_conflicts(write(a=greeting), rules.replace("decline", "talk")) == []
    assert (
        say_conflicts(write(a=greeting), rules.replace("steps", "condition: []\n    steps")) == []
    )


def test_what_is_learned_is_offered_where_the_conversation_goes_so():
    learned = story_conflicts.learn_steps(
        story_ways.list_ways("story", write(a=OFFER, b=[*CAUSES, *OTHER], c=CAUSES))
    )
    went = [Turn("", "thanks"), Turn("", "hiccups.what_is"), Turn("", "hiccups.what_is")]

    assert story_conflicts.learned_offers(went, learned, {"hiccups.what_is"}) == [
        (),
        ("hiccups.causes",),
        (),
    ]
