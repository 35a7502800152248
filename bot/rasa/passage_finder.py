"""Finds the sentence of the article that answers a message which no question answers.

It comes last: where a message will be asked back, or told that nothing is here about it, the
sentences of the article that is spoken of are compared with it. The reply is made of the release's
own content (actions/reply_actions.py); what is kept here only says which sentence is meant."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Text, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file

from bot.content import site_content
from bot.language import encoder, vector_cache
from bot.rasa import decision, follow_ups, passage_scores, training_examples
from bot.rasa.passage_scores import Asked, PassageIndex, Section, Sentence
from bot.rasa.question_model import VECTOR

ENDINGS = (site_content.FALLBACK, follow_ups.NOT_COVERED)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PassageFinder(GraphComponent, IntentClassifier):
    """Adds `passage` to a message's `context`: {mark, chance, sure} of the sentence that may answer
    it (bot/content/passages.py), or None. Where that stands in the section of the likeliest
    question, the question is answered in its place."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            # The folder that `bot encoder build` makes; None: models/encoder in the project.
            "folder": None,
        }

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        index: Optional[PassageIndex] = None,
    ) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._index = index

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PassageFinder:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PassageFinder:
        with model_storage.read_from(resource) as folder:
            known = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
            vectors = load_file(str(folder / "sentences.safetensors"))
        sections = [Section(**each) for each in known["sections"]]
        index = passage_scores.make_index(sections, known["spoken"], vectors)
        return cls(config, model_storage, resource, index)

    def train(self, training_data: TrainingData) -> Resource:
        """Keeps the sentences that the importer gave the first phrase of each question, with their
        vectors."""
        facts = {
            example.get(INTENT): about
            for example in training_data.intent_examples
            if "sentences" in (about := training_examples.example_facts(example))
        }
        kept = ("article", "subject", "ask", "mentions", "sentences")
        sections = [Section(name, *(facts[name][key] for key in kept)) for name in sorted(facts)]
        spoken = [
            example.get(TEXT)
            for example in training_examples.asked_examples(training_data)
            if (training_examples.known_of(example) or {}).get("hand")
        ]
        place = Path(self._config["folder"] or encoder.FOLDER)
        vectors = {
            name: vector_cache.encode_all(place, texts)[:, :VECTOR].astype(np.float16)
            for name, texts in passage_scores.list_texts(sections).items()
        }
        known = {
            "sections": [asdict(section) for section in sections],
            "spoken": passage_scores.count_spoken(spoken),
        }
        with self._storage.write_to(self._resource) as folder:
            (folder / "sentences.json").write_text(json.dumps(known), encoding="utf-8")
            save_file(vectors, str(folder / "sentences.safetensors"))
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Adds what was found to each message that has a context (bot/rasa/coverage.py)."""
        for message in messages:
            context = message.get("context")
            if context is None:
                continue
            found = self._find(self._index, message) if self._index else None
            passage = None
            if found and not _answer_borne_out(message, found[0].section.question):
                sentence, chance = found
                sure = chance >= passage_scores.SURE
                passage = {"mark": sentence.mark, "chance": round(chance, 4), "sure": sure}
            message.set("context", {**message.get("context"), "passage": passage}, True)
        return messages

    def _find(self, index: PassageIndex, message: Message) -> Optional[Tuple[Sentence, float]]:
        """The sentence that may answer a message, and the probability that it does, or None."""
        context, decided = message.get("context"), message.get("decision")
        is_open = (message.get(INTENT) or {}).get("name") in ENDINGS and not context["case"]
        article = self._find_article(index, message)
        feature = message.get_dense_features(TEXT)[1]
        if not (is_open and decided and article and feature):
            return None
        own = {
            each["name"]: each["confidence"]
            for each in decided["ranking"]
            if each["name"].startswith(f"{article}.")
        }
        total = sum(own.values()) or 1.0
        found = passage_scores.find_best(
            index,
            article,
            Asked(
                message.get(TEXT),
                feature.features[0, :VECTOR],
                {name: share / total for name, share in own.items()},
                frozenset(_terms(message)),
            ),
        )
        if not found:
            return None
        ways = dict(zip(decision.NAMES, map(float, decided["ways"]), strict=True))
        chance = passage_scores.find_chance(found.numbers, ways)
        return (found.sentence, chance) if chance >= passage_scores.QUOTED else None

    def _find_article(self, index: PassageIndex, message: Message) -> Optional[Text]:
        """The article that is spoken of, else the page's; None where nothing tells which."""
        metadata = message.get(METADATA) or {}
        places = ((metadata.get("topic") or {}).get("article"), metadata.get("article"))
        return next((place for place in places if place in index.rows), None)


def _answer_borne_out(message: Message, question: Text) -> bool:
    """Answers a message with a question, in whose section the best sentence stands, where it is the
    likeliest one and that makes it likely enough; whether it did."""
    decided = message.get("decision")
    likeliest, *others = decided["ranking"]
    action, ways = decided["borne_out"]
    if likeliest["name"] != question or action not in decision.ANSWERS:
        return False
    best = {**likeliest, "confidence": float(ways[decision.RIGHT])}
    rest = float(ways[decision.OTHER])
    others = [{**each, "confidence": each["confidence"] * rest} for each in others]
    instead = decided["beside"] if action == decision.UNSURE else []
    context = {**message.get("context"), "instead": instead, "ways": decision.name_ways(ways)}
    message.set(INTENT, best, add_to_output=True)
    message.set("intent_ranking", [best, *others], add_to_output=True)
    message.set("context", context, add_to_output=True)
    return True


def _terms(message: Message) -> List[Text]:
    """The terms that a message names, else those that were spoken of: what is quoted must be about
    them."""
    named = [each["value"] for each in message.get(ENTITIES, []) if each["entity"] == "term"]
    topic = (message.get(METADATA) or {}).get("topic") or {}
    return named or list(topic.get("about") or ())
