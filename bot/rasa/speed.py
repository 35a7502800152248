"""What makes Rasa faster here, and changes nothing that it says: `apply()`, called by
compatibility.prepare_rasa().

Measured on 2 cores. Rasa built a JSON-schema validator anew for every action result: 59 % of a
message's time. It sent each action the whole domain and all that was said. In training it hashed
every phrase with all its features thirteen times, number by number, a third of the time with 15,000
phrases, and copied them nine times, down to the last number. For every message it built a graph of
its components three times over and had dask find their order, a tenth of a message's time. Its
policies went through all that was said five times a message, and it copied for logs that nobody
reads: 3 ms of 6 after understanding, at the tenth turn (2026-11-28)."""

import copy
import hashlib
import pickle
import types
from collections import deque
from collections.abc import Iterable
from typing import Any


def apply_speedups() -> None:
    """Put every function below in the place of Rasa's own."""
    validate_action_results_once()
    send_actions_the_last_message()
    hash_bytes()
    share_numbers_in_copies()
    run_nodes_in_order()
    copy_nothing_for_logs()
    look_once_whether_the_domain_is_empty()
    go_through_a_tracker_once()


def validate_action_results_once() -> None:
    """The same validation of action results, by a validator that is made once; none where an action
    that ran here gave no events (ours give none): the SDK's model has held the rest already."""
    from jsonschema import ValidationError
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    from bot.rasa.local_actions import LocalActions

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        if isinstance(self.action_endpoint, LocalActions) and not result["events"]:
            return True
        for error in validator.iter_errors(result):
            raise ValidationError(
                f"the action {self.name()} gave a result of the wrong form: {error.message}"
            )
        return True

    RemoteAction._validate_action_result = validate


def send_actions_the_last_message() -> None:
    """An action gets the tracker's state with what happened since the visitor's message; no action
    of ours reads the domain."""
    from rasa.core.actions.action import RemoteAction
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

    from bot.rasa.compatibility import RASA_VERSION

    def call_format(
        self: RemoteAction, tracker: DialogueStateTracker, domain: Any
    ) -> dict[str, Any]:
        since: deque[Any] = deque()
        for event in reversed(tracker.events):
            since.appendleft(event)
            if isinstance(event, UserUttered):
                break
        state = {
            **tracker.current_state(EventVerbosity.NONE),
            "events": [event.as_dict() for event in since],
        }
        return {
            "next_action": self.name(),
            "sender_id": tracker.sender_id,
            "tracker": state,
            "version": RASA_VERSION,
            "domain": {"actions": []},
        }

    RemoteAction._action_call_format = call_format


def hash_bytes() -> None:
    """The hash of a training message over its bytes. Messages alike may be written differently: a
    cache is missed then."""
    from rasa.shared.nlu.training_data.message import Message

    def fingerprint(self: Message) -> Any:
        if self._cached_fingerprint is None:
            self._cached_fingerprint = hashlib.md5(
                pickle.dumps((self.data, self.features), protocol=5), usedforsecurity=False
            ).hexdigest()
        return self._cached_fingerprint

    Message.fingerprint = fingerprint


def share_numbers_in_copies() -> None:
    """A copy of a training message shares what no component changes in place: all but its
    entities."""
    from rasa.shared.nlu.constants import ENTITIES
    from rasa.shared.nlu.training_data.message import Message

    def deepcopy(self: Message, memo: dict[int, Any]) -> Message:
        data = {
            key: copy.deepcopy(value, memo) if key == ENTITIES else value
            for key, value in self.data.items()
        }
        return Message(
            data=data,
            output_properties=set(self.output_properties),
            time=self.time,
            features=list(self.features),
        )

    Message.__deepcopy__ = deepcopy


def run_nodes_in_order() -> None:
    """A graph's nodes run one after another, in an order that is found once for each set of
    targets; what no later node needs is let go, so that a training holds no more than it must."""
    from rasa.engine.runner.dask import DaskGraphRunner

    def run(
        self: DaskGraphRunner,
        inputs: dict[str, Any] | None = None,
        targets: list[str] | None = None,
    ) -> dict[str, Any]:
        wanted = tuple(targets or self._graph_schema.target_names)
        plans = self.__dict__.setdefault("_plans", {})
        if wanted not in plans:
            plans[wanted] = plan_run(self._graph_schema, wanted)
        results = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs, done in plans[wanted]:
            results[name] = self._instantiated_nodes[name](*(results[need] for need in needs))
            for need in done:
                results.pop(need, None)
        return {name: results[name][1] for name in wanted}

    DaskGraphRunner.run = run


def plan_run(schema: Any, wanted: tuple[str, ...]) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """The run of a graph whose targets are `wanted`: [(node, what it needs, what nobody needs after
    it)]."""
    order = find_order(schema, wanted, {})
    last: dict[str, str] = {}
    for name, needs in order.items():
        last.update(dict.fromkeys(needs, name))
    done: dict[str, list[str]] = {name: [] for name in order}
    for name, user in last.items():
        if name not in wanted:
            done[user].append(name)
    return [(name, needs, done[name]) for name, needs in order.items()]


def find_order(
    schema: Any, names: Iterable[str], found: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """`found`, with the nodes `names` and all that they need added, each after what it needs:
    {node: what it needs}."""
    for name in names:
        if name in schema.nodes and name not in found:
            find_order(schema, schema.nodes[name].needs.values(), found)
            found[name] = tuple(schema.nodes[name].needs.values())
    return found


def copy_nothing_for_logs() -> None:
    """The processor and two policies copy states and events only to hand them to a log line, which
    is written at once or not at all."""
    from rasa.core import processor
    from rasa.core.policies import memoization, rule_policy

    for module in (processor, memoization, rule_policy):
        module.copy = types.SimpleNamespace(deepcopy=lambda value: value)


def look_once_whether_the_domain_is_empty() -> None:
    """A domain does not change; Rasa writes it out whole for every message to see whether there is
    anything in it."""
    from rasa.shared.core.domain import Domain

    look = Domain.is_empty

    def is_empty(self: Domain) -> Any:
        if "_is_empty" not in self.__dict__:
            self._is_empty = look(self)
        return self._is_empty

    Domain.is_empty = is_empty


def go_through_a_tracker_once() -> None:
    """The states of a conversation, from where the last call for the same tracker stopped. A
    tracker in which something is taken back, or with a loop or a restart, is gone through from its
    beginning, as Rasa does it."""
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.trackers import DialogueStateTracker

    from bot.rasa import tracker_walks

    find_all_states = Domain.states_for_tracker_history

    def states_for_tracker_history(
        self: Domain,
        tracker: DialogueStateTracker,
        omit_unset_slots: bool = False,
        ignore_rule_only_turns: bool = False,
        rule_only_data: dict[str, Any] | None = None,
    ) -> Any:
        options = tracker_walks.Options(omit_unset_slots, ignore_rule_only_turns, rule_only_data)
        states = tracker_walks.find_states(self, tracker, options)
        if states is None:
            return find_all_states(
                self, tracker, omit_unset_slots, ignore_rule_only_turns, rule_only_data
            )
        return states

    Domain.states_for_tracker_history = states_for_tracker_history
