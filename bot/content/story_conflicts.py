"""Stories that contradict each other or a rule: a release can't learn both.

Rasa remembers what comes next by the last states of a conversation (MemoizationPolicy). Where two
stories come to the same states and go on otherwise, it forgets both, and what they offer never
stands first."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.content import articles, stories
from bot.content.stories import Turn
from bot.content.story_ways import Way
from bot.domain.faults import Fault

MAX_HISTORY = 5  # states that Rasa looks back, as in config.yml
LISTEN = "action_listen"
RULED = (
    "A rule in the files answers this message otherwise. Ask who looks after them to change the "
    "rule, or take the message out."
)

# what was said last, and what the bot did last; None: the begin of a conversation
type State = tuple[str, Action] | None
type States = tuple[State, ...]
# the name of an action, or what is offered
type Action = str | tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What comes after the `states` of a conversation, in its turn `place` (0 is the first)."""

    states: States
    action: Action
    place: int


@dataclass(frozen=True)
class Conflict:
    """What a way contradicts in its turn `place` (0 is the first): a turn of another way, or a
    rule."""

    way: Way
    place: int
    text: str
    other: Way | None = None
    other_place: int = 0

    @property
    def fault(self) -> Fault:
        """It as a Fault of what is offered there, or answered where a rule says what; of the last
        story of a way that several tell."""
        group, _, items = stories.LISTS["story"]
        place = 2 * self.place + (self.other is not None)
        step = (items, place) if len(self.way.names) == 1 else ()
        return Fault(stories.FILES["story"], 1, (group, self.way.names[-1], *step), self.text)


def list_steps(turns: Sequence[Turn]) -> Iterator[Step]:
    """The Steps that a conversation teaches."""
    before: list[State] = [None]
    for place, turn in enumerate(turns):
        before.append((turn.gets, LISTEN))
        offer: list[Action] = [turn.offers] if turn.offers else []
        for action in (*offer, stories.action_of(turn.gets)):
            yield Step(tuple(before[-MAX_HISTORY:]), action, place)
            before.append((turn.gets, action))


def learn_steps(ways: Sequence[Way]) -> dict[States, Action]:
    """What a release learns of stories: {states: what comes next}, without contradictions."""
    found: dict[States, set[Action]] = {}
    for way in ways:
        for step in list_steps(way.story.turns or ()):
            found.setdefault(step.states, set()).add(step.action)
    return {states: next(iter(all)) for states, all in found.items() if len(all) == 1}


def learned_offers(
    turns: Sequence[Turn], learned: Mapping[States, Action], told: Container[str]
) -> list[tuple[str, ...]]:
    """What a release that has `learned` so much offers in each turn of a conversation; `told`: what
    is said in its stories."""
    # what is only in rules, Rasa leaves out of the states
    hidden = {turn.gets for turn in turns if "." not in turn.gets and turn.gets not in told}
    states: list[State] = [None]
    offers = []
    for turn in turns:
        offered: Action = ()
        if turn.gets not in hidden:
            states.append((turn.gets, LISTEN))
            offered = learned.get(tuple(states[-MAX_HISTORY:]), ())
            if not isinstance(offered, str) and offered:
                states.append((turn.gets, offered))
            states.append((turn.gets, stories.action_of(turn.gets)))
        offers.append(() if isinstance(offered, str) else offered)
    return offers


def find_conflicts(ways: Sequence[Way], rules: str = "") -> list[Conflict]:
    """Where ways contradict others of them, or the text of the rules."""
    steps: dict[States, list[tuple[Way, Step]]] = {}
    for way in ways:
        for step in list_steps(way.story.turns or ()):
            steps.setdefault(step.states, []).append((way, step))
    ruled = _read_rules(rules)
    found = []
    for states, same in steps.items():
        said = states[-1]
        by_rule = ruled.get(said[0]) if said and said[1] == LISTEN else None
        for way, step in same:
            found += [
                Conflict(way, step.place, _say_conflict(step, other, there), other, there.place)
                for other, there in same
                if there.action != step.action
            ][:1]
            if by_rule not in (None, step.action):
                found.append(Conflict(way, step.place, RULED))
    return list(dict.fromkeys(found))


def _say_conflict(step: Step, other: Way, there: Step) -> str:
    offers = "offers other questions" if isinstance(there.action, tuple) else "offers nothing"
    if isinstance(step.action, str) and isinstance(there.action, tuple):
        offers = "offers some questions"
    return (
        f"“{other.story.name}” comes to the same place with its message {there.place + 1} and "
        f"{offers} there. A release can’t learn both: let both offer the same, or change a message "
        f"before."
    )


def _read_rules(text: str) -> dict[str, str]:
    """{what is said: the action that answers it} of the rules of one message without a
    condition."""
    data = articles.read_yaml(text, "rules.yml")[0] if text.strip() else {}
    listed = (data or {}).get("rules")
    found: dict[str, str] = {}
    for rule in listed if isinstance(listed, list) else []:
        steps = rule.get("steps") if isinstance(rule, dict) and "condition" not in rule else None
        match steps:
            case [{"intent": str(intent)}, {"action": str(action)}]:
                found[intent] = action
    return found
