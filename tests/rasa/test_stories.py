"""Stories and rules: how Rasa reads them, what it warns of, and the conversations that it makes of
them."""

import random
import re
from pathlib import Path

import pytest
import yaml
from rasa.core.policies.rule_policy import InvalidRule, RulePolicy
from rasa.core.training.story_conflict import find_story_conflicts
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrainingDataGenerator
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import RuleStep, StoryGraph, StoryStep
from rasa.shared.exceptions import YamlSyntaxException
from rasa.shared.utils.validation import YamlValidationException

from bot.content import story_conflicts, story_ways

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = Domain.from_dict(
    {
        "intents": [
            {name: {"use_entities": []}} for name in ("greeting", "tea.making", "tea.price")
        ],
        "actions": ["action_answer", "action_talk"],
        "responses": {"utter_offer_1": [{"custom": {"offer": ["tea.price"]}}]},
    }
)
MAKING = ["intent: tea.making", "action: action_answer"]
GREETING = ["intent: greeting", "action: action_talk"]


def read(text, domain=DOMAIN):
    return YAMLStoryReader(domain).read_from_string(f'version: "3.1"\n{text}')


def story(*steps, kind="story", name="a visitor makes tea"):
    """YAML of a story or rule of steps like `intent: greeting`."""
    head = {"story": "stories", "rule": "rules"}[kind]
    return (
        "\n".join(
            [
                f"{head}:",
                f"  - {kind}: {name}",
                "    steps:",
                *(f"      - {step}" for step in steps),
            ]
        )
        + "\n"
    )


def told(tracker):
    """The names of the intents and actions of a conversation."""
    return [
        event.intent_name if isinstance(event, UserUttered) else event.action_name
        for event in tracker.events
        if isinstance(event, UserUttered | ActionExecuted)
    ]


# ── Our own files ─────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_our_rules_are_read_without_a_warning():
    rules = YAMLStoryReader(Domain.load(str(ROOT / "domain.yml"))).read_from_file(
        ROOT / "data/rules.yml"
    )

    assert len(rules) >= 14 and all(isinstance(rule, RuleStep) for rule in rules)


def test_our_rules_contradict_each_other_nowhere(components):
    domain = Domain.load(str(ROOT / "domain.yml"))
    rules = YAMLStoryReader(domain).read_from_file(ROOT / "data/rules.yml")
    trackers = TrainingDataGenerator(StoryGraph(rules), domain).generate()

    policy = components.make(RulePolicy, core_fallback_action_name="action_clarify")

    assert policy.train(trackers, domain)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_a_story_becomes_its_intents_and_actions_in_order():
    (step,) = read(story(*GREETING, *MAKING))

    assert type(step) is StoryStep and step.block_name == "a visitor makes tea"
    assert told(step) == ["greeting", "action_talk", "tea.making", "action_answer"]


def test_a_rule_holds_wherever_it_comes_in_a_conversation():
    (rule,) = read(story(*GREETING, kind="rule", name="greeting"))

    assert isinstance(rule, RuleStep) and not rule.condition_events_indices
    assert told(rule) == ["...", "greeting", "action_talk"]


def test_stories_and_rules_may_stand_in_one_file():
    steps = read(story(*GREETING, kind="rule") + story(*MAKING))

    assert sorted(type(step).__name__ for step in steps) == ["RuleStep", "StoryStep"]


def test_what_is_parsed_already_is_read_as_the_text_is():
    text = story(*GREETING)
    parsed = {
        "version": "3.1",
        "stories": [
            {
                "story": "a visitor makes tea",
                "steps": [{"intent": "greeting"}, {"action": "action_talk"}],
            }
        ],
    }

    assert told(YAMLStoryReader(DOMAIN).read_from_parsed_yaml(parsed)[0]) == told(read(text)[0])


def test_no_stories_are_none():
    assert YAMLStoryReader(DOMAIN).read_from_parsed_yaml({"version": "3.1", "stories": []}) == []


def test_a_choice_of_intents_becomes_a_story_each():
    text = story("or: [{intent: tea.making}, {intent: tea.price}]", "action: action_answer")

    trackers = TrainingDataGenerator(
        StoryGraph(read(text)), DOMAIN, augmentation_factor=0
    ).generate()

    assert sorted(told(tracker)[1] for tracker in trackers) == ["tea.making", "tea.price"]


# ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            {"intent": "tea.colour"},
            "intent 'tea.colour' in stories which is not part of the domain",
        ),
        ({"sing": "a song"}, "unexpected step"),
        ("a song", "unexpected step"),
    ],
    ids=str,
)
def test_a_step_that_rasa_does_not_know_is_warned_of(step, said):
    with pytest.warns(UserWarning, match=said):
        YAMLStoryReader(DOMAIN).read_from_parsed_yaml(
            {"version": "3.1", "stories": [{"story": "s", "steps": [step]}]}
        )


def test_a_story_without_steps_is_warned_of():
    with pytest.warns(UserWarning, match="has no steps"):
        YAMLStoryReader(DOMAIN).read_from_parsed_yaml(
            {"version": "3.1", "stories": [{"story": "empty", "steps": []}]}
        )


@pytest.mark.parametrize(
    "text",
    [
        "stories: tea",
        "stories: [{story: s, steps: [{intent: [a]}]}]",
        "rules: [{rule: [a], steps: []}]",
        "rules: {rule: r}",
    ],
)
def test_a_fault_of_form_is_said_with_its_file(tmp_path, text):
    (tmp_path / "stories.yml").write_text(f'version: "3.1"\n{text}\n')

    with pytest.raises(YamlValidationException, match=r"(?s)stories\.yml.*in .*stories\.yml:\d"):
        YAMLStoryReader(DOMAIN).read_from_file(tmp_path / "stories.yml")


def test_a_fault_of_yaml_is_said_with_its_file_and_line(tmp_path):
    (tmp_path / "stories.yml").write_text('version: "3.1"\nstories:\n  - story: "s\n')

    with pytest.raises(YamlSyntaxException, match=r"(?s)stories\.yml.*line 3"):
        YAMLStoryReader(DOMAIN).read_from_file(tmp_path / "stories.yml")


def test_stories_of_a_later_version_are_warned_of_and_left_out():
    with pytest.warns(UserWarning, match="greater format version"):
        steps = YAMLStoryReader(DOMAIN).read_from_string(
            'version: "4.0"\n' + story("intent: greeting")
        )

    assert steps == []


# ── What is learned from ──────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def test_a_story_becomes_a_conversation_that_waits_for_the_visitor():
    steps = read(story("intent: tea.making", "action: utter_offer_1", "action: action_answer"))

    (tracker,) = TrainingDataGenerator(StoryGraph(steps), DOMAIN, augmentation_factor=0).generate()

    assert told(tracker) == [
        "action_listen",
        "tea.making",
        "utter_offer_1",
        "action_answer",
        "action_listen",
    ]
    assert not tracker.is_rule_tracker


def test_a_rule_becomes_a_conversation_of_its_own_kind():
    steps = read(story(*GREETING, kind="rule"))

    (tracker,) = TrainingDataGenerator(StoryGraph(steps), DOMAIN).generate()

    assert tracker.is_rule_tracker and told(tracker)[:3] == ["...", "action_listen", "greeting"]


def test_the_same_story_twice_is_learned_once():
    steps = read(story(*MAKING)) + read(story(*MAKING, name="again"))

    assert (
        len(TrainingDataGenerator(StoryGraph(steps), DOMAIN, augmentation_factor=0).generate()) == 1
    )


def test_stories_that_differ_have_another_fingerprint():
    one, same, other = (
        StoryGraph(read(story("intent: tea.making", f"action: {action}")))
        for action in ("action_answer", "action_answer", "action_talk")
    )

    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


# ── Contradictions ────────────────────────────────────────────────────────────────────────────────────────────  # noqa: E501


def train_rules(components, text):
    trackers = TrainingDataGenerator(
        StoryGraph(read(text)), DOMAIN, augmentation_factor=0
    ).generate()
    return components.make(RulePolicy, core_fallback_action_name="action_talk").train(
        trackers, DOMAIN
    )


def test_two_rules_that_contradict_each_other_are_named(components):
    rules = (
        story(*GREETING, kind="rule", name="talks")
        + "  - rule: answers\n    steps:\n      - intent: greeting\n      - action: action_answer\n"
    )

    with pytest.raises(InvalidRule, match="(?s)(talks.*answers|answers.*talks)"):
        train_rules(components, rules)


def test_a_story_that_contradicts_a_rule_is_named(components):
    text = story(*GREETING, kind="rule", name="talks") + story(
        "intent: greeting", "action: action_answer", name="a reader who gets an answer"
    )

    with pytest.raises(InvalidRule, match="(?s)a reader who gets an answer.*talks"):
        train_rules(components, text)


def test_a_rule_of_two_messages_is_refused_in_a_sentence(components):
    text = story(*GREETING, *MAKING, kind="rule", name="long")

    with pytest.raises(InvalidRule, match="rules 'long' that contain more than 1 user message"):
        train_rules(components, text)


def test_our_search_looks_back_as_far_as_rasa_does():
    policies = yaml.safe_load((ROOT / "config.yml").read_text())["policies"]

    (remembers,) = [each for each in policies if each["name"] == "MemoizationPolicy"]
    assert remembers["max_history"] == story_conflicts.MAX_HISTORY


def draw_stories(random_of):
    """(stories as editors write them, the same as Rasa reads them) of a few random ones."""
    ours, theirs = "stories:\n", "stories:\n"
    for number in range(random_of.randint(2, 4)):
        head = f"  - story: s{number}\n    steps:\n"
        ours, theirs = ours + head, theirs + head
        for _ in range(random_of.randint(1, 4)):
            asked = f"      - intent: {random_of.choice(['tea.making', 'tea.price'])}\n"
            offer = random_of.choice(["", "", "utter_offer_1", "utter_offer_2"])
            answer = "      - action: action_answer\n"
            ours += asked + answer + (f"        offer: [{offer}]\n" if offer else "")
            theirs += asked + (f"      - action: {offer}\n" if offer else "") + answer
    return ours, theirs


def test_rasa_finds_the_same_contradictions_as_we_do():
    domain = DOMAIN.merge(
        Domain.from_dict({"responses": {"utter_offer_2": [{"custom": {"offer": ["tea.making"]}}]}})
    )
    counts = {True: 0, False: 0}
    for seed in range(200):
        ours, theirs = draw_stories(random.Random(seed))
        trackers = TrainingDataGenerator(
            StoryGraph(read(theirs, domain)), domain, augmentation_factor=0, remove_duplicates=False
        ).generate()
        conflicts = find_story_conflicts(trackers, domain, story_conflicts.MAX_HISTORY)
        found = story_conflicts.find_conflicts(story_ways.list_ways("story", ours))
        named = {each.way.story.name for each in found}
        assert bool(named) == bool(conflicts), ours
        for conflict in map(str, conflicts):  # of stories that are the same it names one
            assert set(re.findall(r"'(s\d)'", conflict)) <= named, ours
        counts[bool(found)] += 1
    assert min(counts.values()) > 20, counts
