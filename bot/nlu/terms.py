"""The conditions, medicines and treatments that a message names, as entities `term` with their canonical name.

Under whatever name a term goes, what is learned of it is the same: "what sets off the zaps" has the n-grams of "what sets off
the myoclonus", and the sentence featurizer reads it so. But a name that tells two questions apart stays: "what is writer's
cramp" and "what is dystonia" have different answers.
"""
from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import terms
from bot.nlu import aspects


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER],
                          is_trainable=True)
class TermExtractor(GraphComponent, EntityExtractorMixin):
    """Learns the terms from the training data's lookup tables (kinds) and synonyms (names); finds them with spaCy.

    Of the tokens that name a term, the first has the term as its lemma, which Rasa counts n-grams of; the others have none.
    """

    @staticmethod
    def required_packages():
        return ["spacy"]

    @staticmethod
    def get_default_config():
        return {}

    def __init__(self, model_storage, resource, kinds=None, names=None, own=()):
        self._storage, self._resource = model_storage, resource
        self._learn(kinds, names, own)

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext, **kwargs: Any,
    ) -> TermExtractor:
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, **json.loads((folder / "terms.json").read_text(encoding="utf-8")))

    def _learn(self, kinds, names, own):
        self._find = terms.make_finder(kinds, names) if names else lambda text: []
        self._own = frozenset(own)

    def train(self, training_data: TrainingData) -> Resource:
        kinds = {term: table["name"] for table in training_data.lookup_tables for term in table["elements"]}
        names = training_data.entity_synonyms
        self._learn(kinds, names, ())
        own = self._telling([(example.get(TEXT), example.get(INTENT)) for example in training_data.intent_examples])
        self._learn(kinds, names, own)
        with self._storage.write_to(self._resource) as folder:
            (folder / "terms.json").write_text(json.dumps({"kinds": kinds, "names": names, "own": sorted(own)}), encoding="utf-8")
        return self._resource

    def _telling(self, phrases):
        """The names without which two intents would have a phrase in common."""
        alike = {}
        for text, intent in phrases:
            found = [self._entity(text, mention) for mention in self._find(text)]
            plain = re.sub(r"\W+", " ", aspects.unify(text, found)).strip().lower()
            alike.setdefault(plain, []).append((intent, [(text[slice(*each["core"])].lower(), each["value"]) for each in found]))
        return {name for many in alike.values() if len({intent for intent, _ in many}) > 1
                for _, named in many for name, term in named if name != term}

    def _entity(self, text, mention):
        own = text[slice(*mention.core)].lower() in self._own
        return {"entity": "term", "value": mention.term, "kind": mention.kind, "start": mention.start, "end": mention.end,
                "core": None if own else mention.core, "extractor": "TermExtractor"}

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            found = [self._entity(message.get(TEXT), mention) for mention in self._find(message.get(TEXT) or "")]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
            for entity in found:
                start, end = entity["core"] or (0, 0)
                named = [token for token in message.get(TOKENS_NAMES[TEXT]) or () if token.start < end and token.end > start]
                for token in named:
                    token.lemma = entity["value"] if token is named[0] else ""
        return messages
