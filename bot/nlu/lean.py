"""Rasa 3.6.21 without what Pamphlet doesn't use: called once, before anything of Rasa is imported.

Rasa imports TensorFlow at its start, for components that our config.yml doesn't name. Stand-in modules in its place
save 355 of 543 MB and 3.2 of 5.4 s of import (2 cores, median of 2 runs, 2026-11-22). A component that does need
TensorFlow (DIET, TED) fails at once with a sentence that says so.

Rasa also builds a JSON-schema validator anew for every action result, 59 % of a message's time; one made once does the
same check. It also opens a connection for every action call and sends it the whole domain and all
that was said; one that stays open, and the last message, do as well. In training it hashes every phrase with all its features
thirteen times, number by number: a third of the time with 15,000 phrases; the hash of their bytes tells as much. It copies
them nine times, down to the last number.
For every message it builds a graph of its components three times over and has dask find their order; `run_in_order` finds
it once.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import types

RASA_VERSION = "3.6.21"
LEFT_OUT = ("tensorflow", "tensorflow_addons", "tensorflow_text", "tensorflow_hub", "keras", "jax")


class UnsupportedRasa(RuntimeError):
    """Another version of Rasa than the one these changes were measured and tested with."""


def prepare():
    """Make the next `import rasa` lean; raises UnsupportedRasa where it isn't the version we know."""
    from importlib.metadata import version

    if version("rasa") != RASA_VERSION:
        raise UnsupportedRasa(f"rasa {version('rasa')} is installed; bot/nlu/lean.py knows {RASA_VERSION}: run make to reinstall")
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two threads of it on two busy cores wait for each other
    if {"avx2", "fma"} <= _processor_flags():  # the OpenBLAS that Rasa pins is of 2022, and takes newer processors for ones of 2004
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _validate_once()
    _call_actions_lean()
    _hash_bytes()
    _copy_messages()


def quieten(level="warning"):
    """Let Rasa log from `level` on. What it logs may hold a visitor's words: where it serves, bot.logs lets none through."""
    import logging

    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.getLevelName(level.upper()))
    logging.getLogger().setLevel(level.upper())


def _processor_flags():
    """What the processor can, as Linux on x86 names it; nothing elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            return set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()


def _validate_once():
    """Exchange the validation of action results for the same one with a validator that is made once."""
    from jsonschema import ValidationError
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def validate(self, result):
        for error in validator.iter_errors(result):
            raise ValidationError(f"the action {self.name()} gave a result of the wrong form: {error.message}")
        return True

    RemoteAction._validate_action_result = validate


def _call_actions_lean():
    """Keep one connection to the action server, and send an action what happened since the visitor's message only."""
    import contextlib
    from collections import deque

    from rasa.core.actions.action import RemoteAction
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import EventVerbosity
    from rasa.utils.endpoints import EndpointConfig

    make_session = EndpointConfig.session

    def call_format(self, tracker, domain):
        since = deque()
        for event in reversed(tracker.events):
            since.appendleft(event)
            if isinstance(event, UserUttered):
                break
        state = {**tracker.current_state(EventVerbosity.NONE), "events": [event.as_dict() for event in since]}
        return {"next_action": self.name(), "sender_id": tracker.sender_id, "tracker": state, "version": RASA_VERSION,
                "domain": {"actions": []}}  # the SDK wants one; no action of ours reads it

    @contextlib.asynccontextmanager
    async def session(self):
        if getattr(self, "_kept", None) is None or self._kept.closed:
            self._kept = make_session(self)
        yield self._kept

    RemoteAction._action_call_format = call_format
    EndpointConfig.session = session


def _hash_bytes():
    """Take the hash of a training message over its bytes. Messages alike may be written differently: a cache is missed then."""
    import hashlib
    import pickle

    from rasa.shared.nlu.training_data.message import Message

    def fingerprint(self):
        if self._cached_fingerprint is None:
            self._cached_fingerprint = hashlib.md5(pickle.dumps((self.data, self.features), protocol=5), usedforsecurity=False).hexdigest()
        return self._cached_fingerprint

    Message.fingerprint = fingerprint


def _copy_messages():
    """Let the copy of a training message share what no component changes in place: all but its entities."""
    import copy

    from rasa.shared.nlu.constants import ENTITIES
    from rasa.shared.nlu.training_data.message import Message

    def deepcopy(self, memo):
        data = {key: copy.deepcopy(value, memo) if key == ENTITIES else value for key, value in self.data.items()}
        return Message(data=data, output_properties=set(self.output_properties), time=self.time, features=list(self.features))

    Message.__deepcopy__ = deepcopy


def run_in_order():
    """Run a graph's nodes one after another, in an order that is found once. Where it trains, dask frees what no node needs any more."""
    from rasa.engine.runner.dask import DaskGraphRunner

    def order(schema, names, found):
        for name in names:
            if name in schema.nodes and name not in found:
                order(schema, schema.nodes[name].needs.values(), found)
                found[name] = tuple(schema.nodes[name].needs.values())
        return found

    def run(self, inputs=None, targets=None):
        wanted = tuple(targets or self._graph_schema.target_names)
        orders = self.__dict__.setdefault("_orders", {})
        if wanted not in orders:
            orders[wanted] = order(self._graph_schema, wanted, {})
        results = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs in orders[wanted].items():
            results[name] = self._instantiated_nodes[name](*(results[need] for need in needs))
        return {name: results[name][1] for name in wanted}

    DaskGraphRunner.run = run


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of LEFT_OUT as empty ones, whose every name is a placeholder class."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(name)


class _Placeholder(type):
    """A class that can be inherited from, subscripted and used as a decorator, but not made."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(name)

    def __call__(cls, *args, **kwargs):
        if "_left_out" not in cls.__dict__:  # a class of Rasa's that inherits from a placeholder
            raise RuntimeError(f"{cls.__name__} needs TensorFlow, which this process leaves out (bot/nlu/lean.py)")
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return _placeholder(cls.__name__)

    def __or__(cls, other):
        return cls

    __ror__ = __getitem__ = __or__


def _placeholder(name):
    return _Placeholder(name, (), {"_left_out": True})
