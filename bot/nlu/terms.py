"""The conditions, medicines and treatments that a message names, as entities `term` with their canonical name."""
from __future__ import annotations

import json
import re
from typing import List

from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import encoder, terms


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class TermExtractor(GraphComponent, EntityExtractorMixin):
    """Learns the terms from the training data's lookup tables (kinds) and synonyms (names); finds them with spaCy.

    A word that the phrases or the encoder's vocabulary hold is no mistyped term.
    """

    @staticmethod
    def required_packages():
        return ["spacy"]

    @staticmethod
    def get_default_config():
        return {}

    def __init__(self, model_storage, resource, kinds=None, names=None, words=()):
        self._storage, self._resource = model_storage, resource
        self._find = terms.make_finder(kinds, names, encoder.vocabulary() | set(words)) if names else None

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(model_storage, resource)

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, **json.loads((folder / "terms.json").read_text(encoding="utf-8")))

    def train(self, training_data: TrainingData) -> Resource:
        kinds = {term: table["name"] for table in training_data.lookup_tables for term in table["elements"]}
        names = training_data.entity_synonyms
        with self._storage.write_to(self._resource) as folder:
            words = {word for example in training_data.intent_examples for word in re.findall("[a-z]+", example.get(TEXT).lower())}
            (folder / "terms.json").write_text(json.dumps({"kinds": kinds, "names": names, "words": sorted(words)}), encoding="utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            mentions = self._find(message.get(TEXT) or "") if self._find else []
            found = [{"entity": "term", "value": mention.term, "kind": mention.kind, "start": mention.start,
                      "end": mention.end, "extractor": "TermExtractor"} for mention in mentions]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages
