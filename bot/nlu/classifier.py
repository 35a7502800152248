"""Which question a message asks: logistic regression over the sentence vector, two middle layers and character n-grams,
times the likeness to the nearest training phrase; docs/understanding.md tells why, and what each part is worth."""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional, Text, Tuple, Type

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
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import fmin_l_bfgs_b
from threadpoolctl import threadpool_limits

VECTOR = 384  # what a dense feature begins with: the sentence vector; layers of the same width follow
FOLDS = 5  # the thresholds come from scores of phrases, and of whole intents, that were left out of the training
SEED = 42


@dataclass(frozen=True)
class Model:
    """What training learns, all float32: `means` of the layers, the n-grams' `idf`, the weights of dense features and of
    n-grams ([features, intents]) and the `offset`; the vectors of all `phrases`, those of intent i from row `start[i]`;
    and `scale`, which makes a score a confidence (of no numbers: the score is the confidence)."""

    means: np.ndarray
    idf: np.ndarray
    dense: np.ndarray
    grams: np.ndarray
    offset: np.ndarray
    phrases: np.ndarray
    start: np.ndarray
    scale: np.ndarray


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class QuestionClassifier(GraphComponent, IntentClassifier):
    """Sets `intent` and `intent_ranking`, confidences in [0, 1]; a message without features gets intent None."""

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[Text]:
        return ["scipy", "safetensors", "threadpoolctl"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            # How much the sentence vector, each middle layer and the n-grams weigh, each of length 1 before that.
            "vector_weight": 1.5,
            "layer_weight": 0.7,
            "gram_weight": 0.7,
            # How much the words of an intent's name weigh as a phrase of it; 0 leaves them out.
            "name_weight": 1.0,
            # How strongly the regression is held to small weights.
            "regularisation": 0.1,
            # Phrases that span the space in which the regression is solved; more cost time (squared) and memory.
            "landmarks": 2048,
            "max_iterations": 40,
            # The share of messages that may be answered wrongly. Confidence 0.5 is put where the left-out phrases keep
            # it. None: the confidence is the plain score, the geometric mean of probability and likeness.
            "wrong_answers": None,
            # The share of messages, when that is computed, whose question no article has.
            "strangers": 0.1,
            # Threads of the linear algebra, in the whole process. With a second one on a busy machine each product waits
            # for both to get their turn: training then took ten times as long.
            "threads": 1,
            # How many intents the ranking lists.
            "ranking_length": 10,
        }

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource,
        model: Optional[Model] = None, intents: Tuple[Text, ...] = (),
    ) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._model, self._intents = model, intents
        threadpool_limits(config["threads"], user_api="blas")

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
            intents = json.loads((folder / "intents.json").read_text(encoding="utf-8"))["intents"]
            return cls(config, model_storage, resource, Model(**load_file(str(folder / "model.safetensors"))), intents)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples that have a text and an intent. `intents.json` of the resource tells what the
        left-out phrases showed: the threshold and the shares of messages above it."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        self._intents = sorted({e.get(INTENT) for e in examples})
        number = {intent: i for i, intent in enumerate(self._intents)}
        labels = np.array([number[e.get(INTENT)] for e in examples], dtype=np.int64)
        counts, dense = _features(examples)
        named = {e.get(INTENT): e.get_dense_features(INTENT)[1] for e in examples}
        names = np.concatenate([named[i].features if named[i] else np.zeros((1, dense.shape[1])) for i in self._intents])
        phrases = (counts, dense, labels, names.astype(np.float32))
        report = {}
        scale = np.zeros(0, dtype=np.float32)
        if self._config["wrong_answers"] is not None:
            scale, report = calibrate(*phrases, self._config)
        self._model = fit(*phrases, self._config, scale)
        with self._storage.write_to(self._resource) as folder:
            (folder / "intents.json").write_text(json.dumps({"intents": self._intents, **report}), encoding="utf-8")
            save_file(asdict(self._model), str(folder / "model.safetensors"))
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Ranks the intents for each message."""
        for message in messages:
            ranking, dense = [], message.get_dense_features(TEXT)[1]
            if dense:
                best, confidences = rank(self._model, *_grams(message), dense.features, self._config)
                ranking = [{"name": self._intents[i], "confidence": float(c)} for i, c in zip(best, confidences)]
            message.set("scale", [float(number) for number in self._model.scale])  # for whoever weighs the scores anew
            message.set("intent", ranking[0] if ranking else {"name": None, "confidence": 0.0}, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def fit(counts, dense, labels, names, config, scale) -> Model:
    """Learns from n-gram counts (sparse [n, grams]), dense features [n, d], labels [n] and the intents' names
    [intents, d]."""
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = (np.log((1 + len(labels)) / (1 + seen)) + 1).astype(np.float32)
    means = dense[:, VECTOR:].mean(axis=0)
    weights = np.ones(len(labels), dtype=np.float32)
    vectors, own = dense, labels
    grams = _weigh_grams(counts, idf, config)
    if config["name_weight"]:
        vectors, own = np.concatenate([dense, names]), np.concatenate([labels, np.arange(len(names))])
        weights = np.concatenate([weights, np.full(len(names), config["name_weight"], dtype=np.float32)])
        grams = scipy.sparse.vstack([grams, scipy.sparse.csr_matrix((len(names), len(idf)), dtype=np.float32)]).tocsr()
    order = np.argsort(own, kind="stable")
    learned = _regress(grams, _weigh_dense(vectors, means, config), own, weights, len(names), config)
    start = np.searchsorted(own[order], np.arange(len(names) + 1))
    return Model(means, idf, *learned, np.ascontiguousarray(vectors[order, :VECTOR]), start, scale)


def rank(model: Model, columns, counts, dense, config) -> Tuple[np.ndarray, np.ndarray]:
    """The likeliest intents of one message, best first, and their confidences. The message: `counts` of the n-grams
    `columns`, and dense features [1, d]."""
    logits = (_weigh_dense(dense, model.means, config) @ model.dense)[0] + model.offset
    if len(columns):
        grams = counts * model.idf[columns]
        logits += (config["gram_weight"] / np.sqrt(grams @ grams)) * (grams @ model.grams[columns])
    logits -= logits.max()
    log_probability = logits - np.log(np.exp(logits).sum())
    # Only the phrases of likely intents are compared: likeness never lifts one from far below.
    likely = np.argsort(-logits)[: 2 * config["ranking_length"]]
    vector = dense[0, :VECTOR]
    likeness = np.array([(model.phrases[model.start[i]:model.start[i + 1]] @ vector).max() for i in likely])
    scores = (log_probability[likely] + np.log(np.clip(likeness, 1e-6, 1))) / 2
    order = np.argsort(-scores)[: config["ranking_length"]]
    confidences = np.exp(scores[order])
    if len(model.scale):
        confidences = _squash(model.scale[0] * scores[order] + model.scale[1])
    return likely[order], confidences


def calibrate(counts, dense, labels, names, config) -> Tuple[np.ndarray, Dict[Text, float]]:
    """(scale, report): how a score becomes a confidence, measured on phrases that were left out of the training.

    Of each of FOLDS trainings, a fifth of the intents is left out, as strangers, and a fifth of the others' phrases.
    The confidence is a logistic function of the score, moved so that 0.5 is the lowest score above which the share of
    wrongly answered messages stays under `wrong_answers`.
    """
    random = np.random.RandomState(SEED)
    intent_fold = _deal(np.zeros(len(names), dtype=int), random)
    if len(names) < 2 * FOLDS:
        intent_fold[:] = -1  # too few intents to leave some out
    phrase_fold = _deal(labels, random)
    scores, right, strange = [], [], []
    for fold in range(FOLDS):
        kept = np.flatnonzero(intent_fold != fold)
        taught = np.flatnonzero((intent_fold[labels] != fold) & (phrase_fold != fold))
        asked = np.flatnonzero((intent_fold[labels] == fold) | (phrase_fold == fold))
        kept = kept[np.isin(kept, labels[taught])]
        renumbered = np.searchsorted(kept, labels[taught])
        model = fit(counts[taught], dense[taught], renumbered, names[kept],
                    {**config, "landmarks": config["landmarks"] // 2}, np.zeros(0, dtype=np.float32))
        for row in asked:
            own = slice(counts.indptr[row], counts.indptr[row + 1])
            best, confidences = rank(model, counts.indices[own], counts.data[own], dense[row:row + 1], config)
            scores.append(np.log(confidences[0]))
            right.append(kept[best[0]] == labels[row])
            strange.append(intent_fold[labels[row]] == fold)
    scores, right, strange = np.array(scores, dtype=np.float64), np.array(right), np.array(strange)
    shares = np.where(strange, config["strangers"] / max(strange.sum(), 1),
                      (1 - config["strangers"] * strange.any()) / (~strange).sum())
    slope, offset = _logistic(scores, right, shares)
    order = np.argsort(-scores, kind="stable")
    wrong = np.cumsum(np.where(right, 0, shares)[order])
    answered = np.searchsorted(wrong, config["wrong_answers"], side="right")  # so many of the best scores
    if answered == len(scores):
        threshold = scores.min()
    else:  # above the score of the first that would be too much, and of its equals
        threshold = np.nextafter(scores[order][answered], 0)
    above = scores >= threshold
    report = {
        "threshold": float(np.exp(threshold)), "answered": float(shares[above & ~strange].sum() / shares[~strange].sum()),
        "wrong": float(shares[above & ~right].sum()), "strangers_answered": float(strange[above].sum() / max(strange.sum(), 1)),
    }
    return np.array([slope, -slope * threshold], dtype=np.float32), report


def _regress(grams, dense, labels, weights, intents, config):
    """Multinomial logistic regression: (dense [d, intents], grams [g, intents], offset [intents]).

    Solved in the space that the landmarks span (a Nystroem approximation, exact where every phrase is one), by L-BFGS;
    the result is brought back to the features, so that a message costs two small products, however many phrases.
    """
    marks = _landmarks(labels, config["landmarks"])
    likeness = dense @ dense[marks].T + (grams @ grams[marks].T).toarray()
    lower = cholesky(likeness[marks] + 1e-3 * np.eye(len(marks), dtype=np.float32), lower=True)
    x = np.ones((len(labels), len(marks) + 1), dtype=np.float32)
    x[:, :-1] = solve_triangular(lower, likeness.T, lower=True).T
    rows, penalty = np.arange(len(labels)), config["regularisation"]

    def loss(flat):
        w = flat.reshape(-1, intents).astype(np.float32)
        z = x @ w
        z -= z.max(axis=1, keepdims=True)
        own = z[rows, labels]
        np.exp(z, out=z)
        total = z.sum(axis=1)
        value = float((weights * (np.log(total) - own)).sum()) + penalty / 2 * float((w * w).sum())
        z /= total[:, None]
        z[rows, labels] -= 1
        z *= weights[:, None]
        return value, (x.T @ z + penalty * w).ravel().astype(np.float64)

    flat, _, _ = fmin_l_bfgs_b(loss, np.zeros(x.shape[1] * intents), maxiter=config["max_iterations"], m=6, factr=1e10)
    w = flat.reshape(-1, intents).astype(np.float32)
    back = solve_triangular(lower.T, w[:-1], lower=False).astype(np.float32)
    return dense[marks].T @ back, np.ascontiguousarray(grams[marks].T @ back), w[-1].copy()


def _landmarks(labels, most):
    """Rows, at most `most`: as even a share of each label as can be."""
    random = np.random.RandomState(SEED)
    order = random.permutation(len(labels))
    place, met = np.empty(len(labels)), {}
    for row in order:
        met[labels[row]] = place[row] = met.get(labels[row], 0) + 1
    return np.sort(np.argsort(place, kind="stable")[:most])


def _deal(labels, random):
    """A fold for each row, so that the rows of a label are spread over all folds."""
    folds = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        folds[rows] = (random.permutation(len(rows)) + random.randint(FOLDS)) % FOLDS
    return folds


def _logistic(scores, right, shares):
    """(slope, offset) of the logistic function that gives the probability of `right`; the slope is at least 1."""
    y = right.astype(float)

    def loss(p):
        z = p[0] * scores + p[1]
        q = _squash(z)
        value = float((shares * (np.logaddexp(0, z) - y * z)).sum()) + 1e-3 * (p[0] - 4) ** 2
        return value, np.array([(shares * (q - y) * scores).sum() + 2e-3 * (p[0] - 4), (shares * (q - y)).sum()])

    found, _, _ = fmin_l_bfgs_b(loss, np.array([4.0, 4.0]), bounds=[(1, None), (None, None)])
    return found


def _squash(z):
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def _features(messages: List[Message]) -> tuple:
    """The messages' n-gram counts (sparse [n, grams]) and dense features ([n, d])."""
    columns, counts = zip(*map(_grams, messages))
    known = next((message.get_sparse_features(TEXT)[1] for message, own in zip(messages, columns) if len(own)), None)
    width = known.features.shape[1] if known else 0
    ends = np.cumsum([0, *map(len, columns)])
    grams = scipy.sparse.csr_matrix((np.concatenate(counts), np.concatenate(columns), ends), shape=(len(messages), width))
    return grams, np.concatenate([message.get_dense_features(TEXT)[1].features for message in messages])


def _grams(message: Message) -> Tuple[np.ndarray, np.ndarray]:
    """(columns, counts) of a message's n-grams; one without a letter or digit has none."""
    sparse = message.get_sparse_features(TEXT)[1]
    if not sparse:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    grams = sparse.features.tocoo()
    return grams.col, grams.data.astype(np.float32)


def _weigh_dense(dense, means, config):
    """The dense features as the regression takes them: each part of length 1, layers without their mean, weighed."""
    parts = [config["vector_weight"] * dense[:, :VECTOR]]
    layers = (dense[:, VECTOR:] - means).reshape(len(dense), -1, VECTOR)
    length = np.sqrt((layers * layers).sum(axis=2, keepdims=True))
    parts.append((config["layer_weight"] * layers / np.maximum(length, 1e-9)).reshape(len(dense), -1))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _weigh_grams(counts, idf, config):
    """Counts as TF-IDF rows of length `gram_weight`."""
    grams = counts.copy()
    grams.data = counts.data * idf[counts.indices]
    squares = np.add.reduceat(np.append(grams.data ** 2, 0), grams.indptr[:-1]) * (np.diff(grams.indptr) > 0)
    factor = config["gram_weight"] / np.sqrt(np.maximum(squares, 1e-12))
    grams.data = (grams.data * np.repeat(factor, np.diff(grams.indptr))).astype(np.float32)
    return grams
