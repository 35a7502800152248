"""Walks through trackers: the states of a conversation, from where the last call for the same
tracker stopped.

Import this after Rasa has been prepared: speed.go_through_a_tracker_once puts it in Rasa's
place."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from rasa.shared.core import constants, events
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

# of a conversation: {what it tells of: {name: value}}, as Rasa has it
State = dict[str, Any]

# a tracker in which one of these comes after the start of its session is not walked through here
UNUSUAL = (
    events.Restarted,
    events.SessionStarted,
    events.ActionReverted,
    events.UserUtteranceReverted,
    events.ActiveLoop,
)


@dataclass(frozen=True)
class Options:
    """What a policy asks of the states, as Domain.states_for_tracker_history takes it."""

    omit_unset_slots: bool = False
    ignore_rule_only_turns: bool = False
    rule_only_data: dict[str, Any] | None = None


class Walk:
    """How far a tracker was gone through: `tracker` is a copy at that place, `states` are those
    before each action so far."""

    def __init__(self, tracker: DialogueStateTracker) -> None:
        self.tracker = tracker.init_copy()
        self.seen = 0
        self.states: list[State] = []
        self.before: Any = None
        self.hidden = False


def find_states(
    domain: Domain, tracker: DialogueStateTracker, options: Options
) -> list[State] | None:
    """The states before each action of the tracker and its present one; None for a tracker that
    must be gone through from its beginning."""
    kept = tracker.__dict__.setdefault("walks", {})
    key = (id(domain), options.omit_unset_slots, options.ignore_rule_only_turns)
    walk = kept.get(key) or begin_walk(tracker)
    new = list(islice(tracker.events, walk.seen, None))
    if any(isinstance(event, UNUSUAL) for event in new):
        kept.pop(key, None)
        return None
    for event in new:
        if isinstance(event, events.ActionExecuted) and not hide_turn(
            domain, walk, event.hide_rule_turn, options
        ):
            append_state(domain, walk, walk.states, options)
        walk.tracker.update(event)
    walk.seen += len(new)
    kept[key] = walk
    return _add_present_state(domain, walk, options)


def begin_walk(tracker: DialogueStateTracker) -> Walk:
    """A Walk that stands behind the last start of a session or restart, or at the beginning."""
    walk = Walk(tracker)
    for number, event in enumerate(tracker.events):
        if isinstance(event, events.SessionStarted | events.Restarted):
            walk = Walk(tracker)
            walk.seen = number + 1
    return walk


def hide_turn(domain: Domain, walk: Walk, hide: bool, options: Options) -> bool:
    """Whether the turn at the walk's place is hidden from policies that learn from stories alone;
    the walk remembers it, and the action before the turn."""
    if not options.ignore_rule_only_turns:
        return False
    if not walk.hidden:
        walk.before = domain._get_prev_action_sub_state(walk.tracker)
    if (
        not walk.tracker.followup_action
        and walk.tracker.latest_action_name != walk.tracker.active_loop_name
    ):
        walk.hidden = hide
    return walk.hidden


def append_state(domain: Domain, walk: Walk, into: list[State], options: Options) -> None:
    """Append the state at the walk's place, as Domain.states_for_tracker_history has it."""
    state = domain.get_active_state(walk.tracker, omit_unset_slots=options.omit_unset_slots)
    if options.ignore_rule_only_turns:
        domain._remove_rule_only_features(state, options.rule_only_data)
        if into:
            domain._substitute_rule_only_user_input(state, into[-1])
        if walk.before:
            state[constants.PREVIOUS_ACTION] = walk.before
    into.append(domain._clean_state(state))


def _add_present_state(domain: Domain, walk: Walk, options: Options) -> list[State]:
    """Copies of the walk's states, and the one at its place where it isn't hidden; the walk stays
    as it is."""
    # a policy takes parts out of the last
    states = [{kind: dict(part) for kind, part in state.items()} for state in walk.states]
    before, hidden = walk.before, walk.hidden
    if not hide_turn(domain, walk, False, options):
        append_state(domain, walk, states, options)
    walk.before, walk.hidden = before, hidden
    return states
