"""A message's sentence vector, as a Rasa dense featurizer that the other components of the pipeline can use.

The encoder takes a mistyped word to pieces that mean something else, so a word that nobody knows is read as the nearest
word of the training phrases first. What the other components see of the message is left as it was typed.
"""
from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Text, Tuple, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import encoder, terms
from bot.nlu import aspects

WORD = re.compile(r"[A-Za-z]+")

LONGEST = 24  # letters of a word that is corrected: the deletions of a longer one are very many


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentenceFeaturizer(DenseFeaturizer, GraphComponent):
    """Sets the sentence feature of a message's text: float32 [1, 1152], the sentence vector (the first 384, of length 1)
    and the means after two middle layers. There is no sequence feature.

    A message that names terms gets that of its masked text, too: the feature of the attribute `masked`. In training the
    words of an intent's name are a phrase, as are the texts of a question: the rows of the feature of `intent`.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return []

    @staticmethod
    def required_packages() -> List[Text]:
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            **DenseFeaturizer.get_default_config(),
            # The folder that `bot encoder build` makes; None: models/encoder in the project.
            "folder": None,
            # Threads that compute one sentence. A sentence is too short for a second one to pay.
            "threads": 1,
            # Words from this length on may be read as a training word with one typo, from the second with two.
            "one_typo": 4,
            "two_typos": 8,
        }

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        pass

    def __init__(
        self, config: Dict[Text, Any], name: Text, model_storage: ModelStorage, resource: Resource,
        words: Optional[Dict[Text, int]] = None,
    ) -> None:
        super().__init__(name, config)
        folder = Path(config["folder"]) if config["folder"] else encoder.FOLDER
        self._encoder = encoder.load(folder, config["threads"])
        self._real = encoder.vocabulary(folder)
        self._storage, self._resource = model_storage, resource
        self._learn(words or {})

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceFeaturizer:
        return cls(config, execution_context.node_name, model_storage, resource)

    @classmethod
    def load(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext, **kwargs: Any,
    ) -> SentenceFeaturizer:
        with model_storage.read_from(resource) as folder:
            words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        return cls(config, execution_context.node_name, model_storage, resource, words)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns the words of the phrases."""
        words = Counter(word for e in training_data.intent_examples for word in WORD.findall(e.get(TEXT).lower()))
        self._learn(words)
        with self._storage.write_to(self._resource) as folder:
            (folder / "words.json").write_text(json.dumps(words, sort_keys=True), encoding="utf-8")
        return self._resource

    def _learn(self, words: Dict[Text, int]) -> None:
        self._words, self._index = words, {}
        for word in sorted(words):
            for shorter in _deletions(word, self._typos(word)):
                self._index.setdefault(shorter, []).append(word)

    def _typos(self, word: Text) -> int:
        return (len(word) >= self._config["one_typo"]) + (len(word) >= self._config["two_typos"])

    def _read(self, text: Text) -> Text:
        """The text with each unknown word as the training word that it is probably a mistyping of."""
        return WORD.sub(lambda match: self._correct(match.group()), text)

    def _correct(self, typed: Text) -> Text:
        word = typed.lower()
        if word in self._words or word in self._real or not self._typos(word) or len(word) > LONGEST:
            return typed
        most, found = self._typos(word), []
        for near in {near for shorter in _deletions(word, most) for near in self._index.get(shorter, ())}:
            distance = _distance(word, near)
            if distance <= min(most, self._typos(near)):
                # Few mistype the first letter; of equals the commoner word is meant, and the alphabet settles the rest.
                found.append((distance, near[0] != word[0], -self._words[near], near))
        for i in range(2, len(word) - 1):  # a blank left out
            first, second = word[:i], word[i:]
            if first in self._words and second in self._words:
                found.append((1, 0, -min(self._words[first], self._words[second]), f"{first} {second}"))
        return min(found)[3] if found else typed

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds the sentence feature to each message that has a text."""
        for message in messages:
            named = [(e["start"], e["end"], e["kind"]) for e in message.get(ENTITIES, []) if e["entity"] == "term"]
            self._add(message, named)
        return messages

    def _add(self, message: Message, mentions: List[Tuple[int, int, Text]]) -> None:
        """The feature of the text; where it names terms, (start, end, kind), that of the masked text as well."""
        if message.get(TEXT):
            self.add_features_to_message(None, self._encode(message.get(TEXT)), TEXT, message)
            if mentions:
                masked = aspects.mask(message.get(TEXT), mentions)
                self.add_features_to_message(None, self._encode(masked), aspects.MASKED, message)

    def _encode(self, text: Text) -> np.ndarray:
        return self._encoder.encode_layers([self._read(text)])

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        kinds = {term: table["name"] for table in training_data.lookup_tables for term in table["elements"]}
        find = terms.make_finder(kinds, training_data.entity_synonyms) if kinds else lambda text: []
        for message in training_data.training_examples:
            self._add(message, [(mention.start, mention.end, mention.kind) for mention in find(message.get(TEXT) or "")])
        rows = {}
        for message in training_data.intent_examples:
            intent, known = message.get(INTENT), (message.get("metadata") or {}).get("intent") or {}
            if intent not in rows:
                rows[intent] = self._encoder.encode_layers([re.sub(r"[\W_]+", " ", intent).strip().lower(), *known.get("texts", ())])
            self.add_features_to_message(None, rows[intent], INTENT, message)
        return training_data


def _deletions(word: Text, most: int) -> Iterator[Text]:
    """The word without none, one, ... `most` of its letters: two words that are near share one of these."""
    found = {word}
    for _ in range(most):
        found |= {near[:i] + near[i + 1:] for near in found for i in range(len(near))}
    return iter(found)


def _distance(a: Text, b: Text) -> int:
    """Letters to insert, leave out, exchange, or swap with their neighbour, to make `b` of `a`."""
    before, row = [], list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
