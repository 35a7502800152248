"""What a message was probably meant to say, in place of what was typed: slips are mended before any
other component reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language import encoder, spelling
from bot.language.normal_form import make_normal_form
from bot.rasa import training_examples

LATIN = re.compile(r"[A-Za-z]")
WRAPPING = " \t\n\"'`*_~<>{}[]«»-"  # signs around a whole message that say nothing
ALIKE = 2  # typos by which a term's later name is a misspelling of an earlier one


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER,
        DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER,  # it reads training data, too
    ],
    is_trainable=True,
)
class SpellingCorrector(GraphComponent, IntentClassifier):
    """Learns which words the phrases and the terms hold, side by side; the conversation keeps what
    was typed."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {}

    def __init__(
        self,
        model_storage: ModelStorage,
        resource: Resource,
        read: Optional[Callable[[str], str]] = None,
    ) -> None:
        self._storage, self._resource, self._read = model_storage, resource, read

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SpellingCorrector:
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SpellingCorrector:
        with model_storage.read_from(resource) as folder:
            known = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        return cls(
            model_storage, resource, spelling.make_corrector(**known, real=encoder.known_words())
        )

    def train(self, training_data: TrainingData) -> Resource:
        phrases = [
            example.get(TEXT) for example in training_examples.editors_examples(training_data)
        ]
        names = drop_misspellings(training_data.entity_synonyms)
        words, pairs = spelling.count_words([*phrases, *names])
        with self._storage.write_to(self._resource) as folder:
            (folder / "words.json").write_text(
                json.dumps({"words": words, "pairs": pairs, "names": names}, sort_keys=True),
                encoding="utf-8",
            )
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """What other hands asked is read as a visitor's message is."""
        self.process(training_examples.asked_examples(training_data))
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            if message.get(TEXT) and self._read:
                message.set(TEXT, self._read(make_plain(message.get(TEXT))))
        return messages


def make_plain(text: str) -> str:
    """A text as the eye reads it: in the normal form of the screen, without quotes, backticks or
    brackets around all of it. What has no Latin letter stays as it is."""
    plain = make_normal_form(text).strip(WRAPPING)
    return plain if LATIN.search(plain) else text


def drop_misspellings(names: Mapping[str, str]) -> list[str]:
    """Those of {name: term} that are no misspelling of another name of their term."""
    kept: dict[str, list[str]] = {}
    for name, term in sorted(names.items(), key=lambda item: item[0] != item[1]):
        alike = (
            other
            for other in kept.get(term, ())
            if min(len(name), len(other)) > 5 and " " not in name + other
        )
        if not any(spelling.typing_distance(name, other) <= ALIKE for other in alike):
            kept.setdefault(term, []).append(name)
    return [name for many in kept.values() for name in many]
