"""Which question a message asks: logistic regression over the sentence vector and character n-grams, times the
likeness to the nearest training phrase."""
from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Text, Type

import numpy as np
import scipy.sparse
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class QuestionClassifier(GraphComponent, IntentClassifier):
    """Sets `intent` and `intent_ranking`, confidences in [0, 1]."""

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[Text]:
        return ["sklearn", "safetensors"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            # How much the sentence vector weighs against the n-grams.
            "vector_weight": 1.5,
            # Inverse strength of the regularisation.
            "C": 10.0,
            "max_iter": 200,
            # How many intents the ranking lists.
            "ranking_length": 10,
        }

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        model: Optional[Dict[Text, np.ndarray]] = None, intents: Optional[List[Text]] = None,
    ) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._model, self._intents = model, intents

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext,
    ) -> QuestionClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        execution_context: ExecutionContext, **kwargs: Any,
    ) -> QuestionClassifier:
        with model_storage.read_from(resource) as folder:
            intents = json.loads((folder / "intents.json").read_text(encoding="utf-8"))
            return cls(config, model_storage, resource, load_file(str(folder / "model.safetensors")), intents)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples that have a text and an intent."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        self._intents = sorted({e.get(INTENT) for e in examples})
        labels = np.array([self._intents.index(e.get(INTENT)) for e in examples])
        counts, vectors = _features(examples)
        idf = np.log((1 + counts.shape[0]) / (1 + np.bincount(counts.indices, minlength=counts.shape[1]))) + 1
        idf = idf.astype(np.float32)
        x = scipy.sparse.hstack([_tfidf(counts, idf), self._config["vector_weight"] * vectors], format="csr")
        regression = LogisticRegression(C=self._config["C"], max_iter=self._config["max_iter"])
        regression.fit(x, labels)
        self._model = {
            "idf": idf, "weights": np.ascontiguousarray(regression.coef_.T, dtype=np.float32),
            "offset": regression.intercept_.astype(np.float32), "phrases": vectors, "labels": labels,
        }
        with self._storage.write_to(self._resource) as folder:
            (folder / "intents.json").write_text(json.dumps(self._intents), encoding="utf-8")
            save_file(self._model, str(folder / "model.safetensors"))
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Ranks the intents for each message."""
        for message in messages:
            counts, vectors = _features([message]) if message.get(TEXT) else (None, None)
            ranking = [] if vectors is None else self._rank(counts, vectors)
            message.set("intent", ranking[0] if ranking else {"name": None, "confidence": 0.0}, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _rank(self, counts: scipy.sparse.csr_matrix, vectors: np.ndarray) -> List[Dict[Text, Any]]:
        model = self._model
        x = scipy.sparse.hstack([_tfidf(counts, model["idf"]), self._config["vector_weight"] * vectors], format="csr")
        logits = (x @ model["weights"])[0] + model["offset"]
        probability = np.exp(logits - logits.max())
        probability /= probability.sum()
        nearest = np.zeros(len(self._intents), dtype=np.float32)
        np.maximum.at(nearest, model["labels"], model["phrases"] @ vectors[0])
        scores = np.sqrt(probability * np.clip(nearest, 0, 1))
        best = np.argsort(-scores)[: self._config["ranking_length"]]
        return [{"name": self._intents[i], "confidence": float(scores[i])} for i in best]


def _features(messages: List[Message]) -> tuple:
    """The messages' n-gram counts (sparse [n, grams]) and sentence vectors ([n, 384])."""
    counts, vectors = [], []
    for message in messages:
        sparse, dense = message.get_sparse_features(TEXT)[1], message.get_dense_features(TEXT)[1]
        counts.append(sparse.features if sparse else None)
        vectors.append(dense.features)
    width = max((c.shape[1] for c in counts if c is not None), default=0)
    # A message without a letter or digit has no tokens, and so no counts.
    counts = [scipy.sparse.csr_matrix((1, width)) if c is None else c for c in counts]
    return scipy.sparse.vstack(counts).tocsr().astype(np.float32), np.concatenate(vectors).astype(np.float32)


def _tfidf(counts: scipy.sparse.csr_matrix, idf: np.ndarray) -> scipy.sparse.csr_matrix:
    if counts.shape[1] != len(idf):
        return scipy.sparse.csr_matrix((counts.shape[0], len(idf)), dtype=np.float32)
    weighed = counts @ scipy.sparse.diags(idf)
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return (scipy.sparse.diags(1 / np.maximum(length, 1e-9)) @ weighed).tocsr()
