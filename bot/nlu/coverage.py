"""Holds a question to what the message names: "can migraine be prevented" must never get myoclonus's answer.

Each question knows what it is about and which terms its section names. A term in the message makes the questions that
don't know it unlikely (Bayes, with the likelihoods below); where the term is foreign to all of them, their probability
goes to `not_covered`.
"""
from __future__ import annotations

import json
from typing import List

from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

NOT_COVERED = "not_covered"
MENTIONED = 0.5  # the likelihood of a term that a question's section only mentions; 1 for what the question is about


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CoverageFilter(GraphComponent, IntentClassifier):
    """Weighs the ranking of the classifier before it by the terms that the message names."""

    @staticmethod
    def get_default_config():
        return {
            # The likelihood that a message names a term which the question it asks doesn't know.
            "unrelated": 0.02,
        }

    def __init__(self, config, model_storage, resource, questions=None):
        self._unrelated, self._storage, self._resource = config["unrelated"], model_storage, resource
        self._questions = {name: (set(q["about"]), set(q["mentions"])) for name, q in (questions or {}).items()}
        self._covered = set().union(*(about for about, _ in self._questions.values()))

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config, model_storage, resource)

    @classmethod
    def load(cls, config, model_storage, resource, execution_context, **kwargs):
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, json.loads((folder / "questions.json").read_text(encoding="utf-8")))

    def train(self, training_data: TrainingData) -> Resource:
        """Takes what each question is about from the metadata that the importer gave its phrases."""
        questions = {}
        for example in training_data.intent_examples:
            about = (example.get("metadata") or {}).get("intent")
            if about:
                questions[example.get(INTENT)] = about
        with self._storage.write_to(self._resource) as folder:
            (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            ranking = message.get("intent_ranking") or []
            named = {e["value"]: e["kind"] for e in message.get(ENTITIES, []) if e["entity"] == "term"}
            if ranking and named:
                ranking = self.weigh(ranking, named)
                message.set(INTENT, ranking[0], add_to_output=True)
                message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def weigh(self, ranking, named):
        """The ranking, weighed by the terms in `named` ({term: kind}); its confidences still add up to at most 1."""
        foreign = set(named) - self._covered
        if set(named) - foreign:  # it names something covered: another condition beside it is no hindrance
            foreign = {term for term in foreign if named[term] != "condition"}
        held = {term for term in named if term in self._covered or term in foreign}
        weighed, lost = {}, 0.0
        for intent in ranking:
            name, confidence = intent["name"], intent["confidence"]
            if name not in self._questions:
                weighed[name] = weighed.get(name, 0.0) + confidence
                continue
            about, mentions = self._questions[name]
            likelihood = 1.0
            for term in held:
                likelihood *= 1.0 if term in about else MENTIONED if term in mentions else self._unrelated
            weighed[name] = confidence * likelihood
            if foreign - mentions:
                lost += confidence * (1 - likelihood)
        unknown = max(0.0, 1 - sum(intent["confidence"] for intent in ranking))
        if lost:
            weighed[NOT_COVERED] = weighed.get(NOT_COVERED, 0.0) + lost
        total = sum(weighed.values()) + unknown
        return sorted(({"name": name, "confidence": value / total} for name, value in weighed.items()),
                      key=lambda intent: -intent["confidence"])
