"""Which question a message asks, as a component of Rasa's pipeline: what is learned stands in
bot/rasa/question_model.py, how sure it is in bot/rasa/calibration.py."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Text, Tuple, Type

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import ENTITIES, INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits

from bot.rasa import decision, facet_features, training_examples
from bot.rasa.calibration import Calibration, Meant, provide_calibration
from bot.rasa.question_model import (
    VECTOR,
    Model,
    Phrases,
    fit_model,
    measure_message,
    phrase_likeness,
    rank_intents,
    score_texts,
    take_part,
)
from bot.rasa.regression import Floats


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class QuestionClassifier(GraphComponent, IntentClassifier):
    """Sets `intent` and `intent_ranking`, confidences in [0, 1]; a message without features gets
    intent None."""

    @classmethod
    def required_components(cls) -> List[Type[Any]]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[Text]:
        return ["scipy", "safetensors", "threadpoolctl"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            # How much the sentence vector, each middle layer and the n-grams weigh, each of length
            # 1 before that.
            "vector_weight": 1.5,
            "layer_weight": 0.7,
            "gram_weight": 0.7,
            # How much the words of an intent's name weigh as a phrase of it; 0 leaves them out.
            "name_weight": 1.0,
            # How much each sentence of a question's own wording, title and lead weighs as a phrase
            # of it.
            "text_weight": 0.5,
            # How much a question's facet, learned over all articles from phrases whose terms are
            # masked, weighs beside the question itself; 0 leaves it out. Questions without a facet
            # have none.
            "facet_weight": 0.5,
            # How strongly the regression is held to small weights.
            "regularisation": 0.1,
            # Phrases that span the space in which the regression is solved; more cost time
            # (squared) and memory.
            "landmarks": 2048,
            "max_iterations": 40,
            # The share of messages that may be answered wrongly: with a confidence over 0.5 the
            # left-out phrases keep it. None: the confidence is the plain score, the geometric mean
            # of probability and likeness.
            "wrong_answers": None,
            # The share of messages, when that is computed, whose intent was never taught. 0 where
            # such messages have phrases of their own, as not_covered and out_of_scope have.
            "strangers": 0.1,
            # Threads of the linear algebra, in the whole process. With a second one on a busy
            # machine each product waits for both to get their turn: training then took ten times as
            # long.
            "threads": 1,
            # What a reply costs where something else was wanted; the wrong answer costs most.
            "costs": dict(decision.COSTS),
            # How many intents the ranking lists.
            "ranking_length": 10,
        }

    def __init__(
        self,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[Model] = None,
        intents: Sequence[Text] = (),
        kinds: Optional[decision.Kinds] = None,
        decider: Optional[decision.Decider] = None,
    ) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._model, self._intents = model, intents
        self._kinds, self._decider = kinds, decider
        try:
            self._costs = decision.make_costs(config["costs"])
        except ValueError as error:
            raise InvalidConfigException(f"config.yml: QuestionClassifier: {error}") from error
        threadpool_limits(config["threads"], user_api="blas")

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> QuestionClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> QuestionClassifier:
        with model_storage.read_from(resource) as folder:
            known = json.loads((folder / "intents.json").read_text(encoding="utf-8"))
            decides = folder / "decision.safetensors"
            return cls(
                config,
                model_storage,
                resource,
                Model(**load_file(str(folder / "model.safetensors"))),
                known["intents"],
                decision.know_intents(known["intents"], known["abouts"]),
                decision.Decider(**load_file(str(decides))) if decides.is_file() else None,
            )

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples that have a text and an intent. `intents.json` of the resource
        tells what the left-out phrases showed: the threshold and the shares of messages above
        it."""
        examples = [
            e
            for e in training_data.training_examples
            if e.get(TEXT) and (e.get(INTENT) or training_examples.known_of(e))
        ]
        self._intents = sorted({e.get(INTENT) for e in examples if e.get(INTENT)})
        abouts = {
            e.get(INTENT): training_examples.example_facts(e)
            for e in examples
            if "article" in training_examples.example_facts(e)
        }
        phrases = self._gather(examples)
        meant = self._gather_meant(examples, abouts)
        sure = Calibration(np.zeros(0, dtype=np.float32), None, {})
        if self._config["wrong_answers"] is not None:
            folder = os.environ.get("RASA_CACHE_DIRECTORY")
            sure = provide_calibration(
                phrases, meant, self._intents, self._config, Path(folder) if folder else None
            )
        taught = np.flatnonzero(phrases.labels >= 0)
        self._model = fit_model(
            take_part(phrases, taught, np.arange(len(self._intents))), self._config, sure.scale
        )
        known = {
            name: {key: about[key] for key in ("article", "subject", "about", "mentions")}
            for name, about in abouts.items()
        }
        with self._storage.write_to(self._resource) as folder:
            (folder / "intents.json").write_text(
                json.dumps({"intents": self._intents, "abouts": known, **sure.report}),
                encoding="utf-8",
            )
            save_file(asdict(self._model), str(folder / "model.safetensors"))
            if sure.decider:
                save_file(asdict(sure.decider), str(folder / "decision.safetensors"))
        return self._resource

    def _gather(self, examples: List[Message]) -> Phrases:
        first = {e.get(INTENT): e for e in examples}
        number = {intent: i for i, intent in enumerate(self._intents)}
        labels = np.array([number.get(e.get(INTENT), -1) for e in examples], dtype=np.int64)
        facets = [facet_features.facets_of(first[intent]) for intent in self._intents]
        known = sorted({facet for facet in facets if facet})
        own = [first[intent].get_dense_features(INTENT)[1] for intent in self._intents]
        own = [each.features if each else np.zeros((0, 3 * VECTOR)) for each in own]
        weights = [
            [self._config["name_weight" if row == 0 else "text_weight"] for row in range(len(each))]
            for each in own
        ]
        counts, dense, masked = _features(examples)
        return Phrases(
            counts,
            dense,
            masked,
            labels,
            np.concatenate(own).astype(np.float32),
            np.repeat(np.arange(len(own)), [len(each) for each in own]),
            np.concatenate(weights).astype(np.float32),
            np.array([known.index(facet) if facet else -1 for facet in facets]),
        )

    def _gather_meant(self, examples: List[Message], abouts: Dict[Text, Any]) -> Meant:
        """Without what other hands asked nothing is decided: phrases that were written to differ
        tell too little of how sure an answer is."""
        number = {intent: i for i, intent in enumerate(self._intents)}
        known = [training_examples.known_of(e) or {} for e in examples]
        names = sorted({each["hand"] for each in known if each and each["hand"]})
        pages = sorted({about["article"] for about in abouts.values()}) or [None]
        said: List[decision.Said] = []
        wanted: List[frozenset[int]] = []
        ways: List[Optional[int]] = []
        for row, (example, asked) in enumerate(zip(examples, known, strict=True)):
            own = training_examples.example_facts(example).get("article") or pages[row % len(pages)]
            said.append(_said(example, asked["page"] if asked else own))
            answers = asked.get("asks") or ([example.get(INTENT)] if not asked else [])
            answers = [name for name in answers if name in abouts]
            wanted.append(frozenset(number[name] for name in answers if name in number))
            ways.append(None if answers else _way(example, asked.get("gets")))
        return Meant(
            tuple(said),
            tuple(wanted),
            tuple(ways),
            np.array([_number_hand(each, names) for each in known]),
            decision.know_intents(self._intents, abouts) if names else None,
        )

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Ranks the intents for each message."""
        for message in messages:
            ranking: List[Dict[Text, Any]] = []
            if message.get_dense_features(TEXT)[1] and self._model:
                dense, masked = _sentence(message)
                logits, asked = score_texts(self._model, dense, masked, self._config)
                measured = measure_message(
                    self._model, logits[0], asked[0], *_grams(message), self._config
                )
                vector = dense[0, :VECTOR]
                best, confidences = rank_intents(self._model, measured[0], vector, self._config)
                ranking = [
                    {"name": self._intents[i], "confidence": float(c)}
                    for i, c in zip(best, confidences, strict=False)
                ]
                if self._decider and self._kinds:
                    evidence = self._look(self._model, self._kinds, message, measured, vector)
                    message.set("decision", self._decide(self._decider, evidence))
            message.set(
                "intent",
                ranking[0] if ranking else {"name": None, "confidence": 0.0},
                add_to_output=True,
            )
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _look(
        self,
        model: Model,
        kinds: decision.Kinds,
        message: Message,
        measured: Tuple[Floats, Floats],
        vector: Floats,
    ) -> decision.Evidence:
        """The Evidence of a message on the page of the article that is spoken of, or of its own.

        One that names nothing is about the medicine that was spoken of last: the side effects of
        clonazepam are not those of another one."""
        metadata = message.get(METADATA) or {}
        topic = metadata.get("topic") or {}
        said = _said(message, topic.get("article") or metadata.get("article"))
        if not said.terms:
            about = topic.get("about") or ()
            said = replace(said, terms=tuple(term for term in about if term not in kinds.subjects))
        return decision.gather_evidence(
            kinds,
            said,
            *measured,
            lambda intents: phrase_likeness(model, vector, intents),
        )

    def _decide(self, decider: decision.Decider, evidence: decision.Evidence) -> Dict[Text, Any]:
        """{action, ways, borne_out, talk, beside, ranking}: what a message should get that stands
        for itself; `borne_out`: action and ways where a sentence of the article bears it out."""
        action, ways = decision.decide_reply(decider, evidence, self._costs)
        return {
            "action": action,
            "ways": ways,
            "borne_out": decision.decide_borne_out(ways, evidence, self._costs),
            "talk": self._intents[evidence.talk],
            "beside": [self._intents[i] for i in evidence.neighbours],
            "ranking": [
                {"name": self._intents[i], "confidence": float(share)}
                for i, share in zip(evidence.order, evidence.shares, strict=True)
            ],
        }


def _number_hand(asked: Mapping[str, Any], names: Sequence[str]) -> int:
    """Who wrote a message, as Meant.hand has it; `asked`: {} for one of the editors."""
    if not asked:
        return -1
    return names.index(asked["hand"]) if asked["hand"] else -2


def _said(message: Message, page: Optional[str]) -> decision.Said:
    """The decision.Said of a message on the page of an article."""
    terms = dict.fromkeys(
        entity["value"] for entity in message.get(ENTITIES, []) if entity["entity"] == "term"
    )
    return decision.Said(message.get(TEXT), tuple(terms), page)


def _way(example: Message, gets: Optional[str]) -> int:
    """The way in which a message is meant that no question answers: of its intent, or of what other
    hands' messages `gets` (bot/content/asked_messages.py)."""
    outcome = {"decision": "personal_advice", "not_health": "out_of_scope"}.get(
        gets or "",
        "not_covered" if gets in ("unanswered", "other_condition") else example.get(INTENT),
    )
    return next((way for way, name in decision.OUTCOMES.items() if name == outcome), decision.TALK)


def _features(messages: List[Message]) -> Tuple[scipy.sparse.csr_matrix, Floats, Floats]:
    """The messages' n-gram counts (sparse [n, grams]), dense features, and those of the masked
    texts (both [n, d])."""
    columns, counts = zip(*map(_grams, messages), strict=False)
    known = next(
        (
            message.get_sparse_features(TEXT)[1]
            for message, own in zip(messages, columns, strict=False)
            if len(own)
        ),
        None,
    )
    width = known.features.shape[1] if known else 0
    ends = np.cumsum([0, *map(len, columns)])
    grams = scipy.sparse.csr_matrix(
        (np.concatenate(counts), np.concatenate(columns), ends), shape=(len(messages), width)
    )
    dense, masked = zip(*map(_sentence, messages), strict=False)
    return grams, np.concatenate(dense), np.concatenate(masked)


def _sentence(message: Message) -> Tuple[Floats, Floats]:
    """The dense features [1, d] of a message's text and of its masked text, which is the same where
    no term is named."""
    dense, masked = (
        message.get_dense_features(TEXT)[1],
        message.get_dense_features(facet_features.MASKED)[1],
    )
    return dense.features, (masked or dense).features


def _grams(message: Message) -> Tuple[NDArray[np.int32], Floats]:
    """(columns, counts) of a message's n-grams; one without a letter or digit has none."""
    sparse = message.get_sparse_features(TEXT)[1]
    if not sparse:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    grams = sparse.features.tocoo()
    return grams.col, grams.data.astype(np.float32)
