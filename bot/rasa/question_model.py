"""What the classifier learns of phrases, and says of a message: logistic regression over the
sentence vector, two middle layers and character n-grams, times the likeness to the nearest training
phrase, and, where questions have facets, the facet that all articles' phrases teach
(bot/rasa/facet_features.py); docs/understanding.md tells why, and what each part is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from bot.rasa import facet_features, regression
from bot.rasa.regression import Config, Floats, Numbers

# what a dense feature begins with: the sentence vector; layers of the same width follow
VECTOR = 384
FACET_LANDMARKS = 1024  # the masked texts have few dimensions, and no n-grams
# phrases times intents up to which the regression is solved; beyond, discriminants are computed
MOST_WORK = 6_000_000


@dataclass(frozen=True)
class Model:
    """What training learns, all float32: `means` of the layers, the n-grams' `idf`, the weights of
    dense features and of n-grams ([features, intents]) and the `offset`; the vectors of all
    `phrases`, those of intent i from row `start[i]`; `facet_of` each intent (-1: none; empty where
    no phrase has a facet), with the means, weights and offset of the facets' regression over the
    masked text; and `scale`, which makes a score a confidence (of no numbers: the score is the
    confidence)."""

    means: Floats
    idf: Floats
    dense: Floats
    grams: Floats
    offset: Floats
    phrases: Floats
    start: Numbers
    facet_of: Numbers
    facet_means: Floats
    facets: Floats
    facet_offset: Floats
    scale: Floats


@dataclass(frozen=True)
class Phrases:
    """What is learned from: n-gram counts (sparse [n, grams]), dense features of the texts and of
    the masked texts [n, d], and labels [n], -1 for what teaches no intent; dense features, labels
    and weights of the intents' `own` words, which have no n-grams; each intent's facet, -1 for
    none."""

    counts: scipy.sparse.csr_matrix
    dense: Floats
    masked: Floats
    labels: Numbers
    own: Floats
    own_labels: Numbers
    own_weights: Floats
    facet_of: Numbers


def fit_model(phrases: Phrases, config: Config, scale: Floats) -> Model:
    """Learns the questions, and their facets if they have any."""
    counts, intents, labels = phrases.counts, len(phrases.facet_of), phrases.labels
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = (np.log((1 + len(labels)) / (1 + seen)) + 1).astype(np.float32)
    means = phrases.dense[:, VECTOR:].mean(axis=0)
    used = phrases.own_weights > 0
    vectors, owner = (
        np.concatenate([phrases.dense, phrases.own[used]]),
        np.concatenate([labels, phrases.own_labels[used]]),
    )
    weights = np.concatenate([np.ones(len(labels), dtype=np.float32), phrases.own_weights[used]])
    wordless = scipy.sparse.csr_matrix((used.sum(), len(idf)), dtype=np.float32)
    grams = scipy.sparse.vstack([_weigh_grams(counts, idf, config), wordless]).tocsr()
    order = np.argsort(owner, kind="stable")
    if is_large(phrases):
        learned = regression.discriminate(
            _weigh_dense(vectors, means, config), owner, weights, intents
        )
    else:
        learned = regression.regress(
            grams, _weigh_dense(vectors, means, config), owner, weights, intents, config
        )
    dense, weighed_grams, offset = learned
    facet_of, facet_means, facet_weights, facet_offset = _fit_facets(phrases, config)
    return Model(
        means=means,
        idf=idf,
        dense=dense,
        grams=weighed_grams,
        offset=offset,
        phrases=np.ascontiguousarray(vectors[order, :VECTOR]),
        start=np.searchsorted(owner[order], np.arange(intents + 1)),
        facet_of=facet_of,
        facet_means=facet_means,
        facets=facet_weights,
        facet_offset=facet_offset,
        scale=scale,
    )


def score_texts(
    model: Model, dense: Floats, masked: Floats, config: Config
) -> Tuple[Floats, Floats]:
    """What dense features of texts and of masked texts ([n, d]) say for the intents [n, intents]
    and for the facets [n, facets], as logits."""
    logits = _weigh_dense(dense, model.means, config) @ model.dense + model.offset
    if not len(model.facet_of):
        return logits, np.zeros((len(logits), 0), dtype=np.float32)
    return logits, _weigh_dense(
        masked, model.facet_means, config
    ) @ model.facets + model.facet_offset


def measure_message(
    model: Model,
    logits: Floats,
    asked: Floats,
    columns: NDArray[np.int32],
    counts: Floats,
    config: Config,
) -> Tuple[Floats, Floats]:
    """The log probability of each intent [intents] for one message, with the facets and without:
    of its row of both `score`s, and of the `counts` of the n-grams `columns`."""
    if len(columns) and len(model.grams):
        grams = counts * model.idf[columns]
        logits = logits + (config["gram_weight"] / np.sqrt(grams @ grams)) * (
            grams @ model.grams[columns]
        )
    logits = logits - logits.max()
    plain = logits - np.log(np.exp(logits).sum())
    if not len(asked):
        return plain, plain
    return facet_features.add_facets(
        plain, facet_features.log_softmax(asked), model.facet_of, config["facet_weight"]
    ), plain


def phrase_likeness(model: Model, vector: Floats, intents: Numbers) -> Floats:
    """The likeness of a sentence `vector` to the nearest phrase of each of `intents` (numbers)."""
    return np.array(
        [(model.phrases[model.start[i] : model.start[i + 1]] @ vector).max() for i in intents]
    )


def rank_intents(
    model: Model, log_probability: Floats, vector: Floats, config: Config
) -> Tuple[Numbers, Floats]:
    """The likeliest intents of one message, best first, and their confidences: of what `measure`
    gives, and of its sentence `vector`."""
    # Only the phrases of likely intents are compared: likeness never lifts one from far below.
    likely = np.argsort(-log_probability)[: 2 * config["ranking_length"]]
    likeness = phrase_likeness(model, vector, likely)
    scores = (log_probability[likely] + np.log(np.clip(likeness, 1e-6, 1))) / 2
    order = np.argsort(-scores)[: config["ranking_length"]]
    confidences = np.exp(scores[order])
    if len(model.scale):
        power, *none = model.scale
        best = likely[order[0]]
        answers = not len(model.facet_of) or model.facet_of[best] >= 0
        sharp = np.exp(power * scores[order])
        confidences = sharp / (sharp.sum() + np.exp(none[int(answers)]))
    return likely[order], confidences


def _fit_facets(phrases: Phrases, config: Config) -> Tuple[Numbers, Floats, Floats, Floats]:
    """(facet_of, means, weights, offset) of a Model; empty where no question has a facet, or they
    weigh nothing."""
    faceted = np.flatnonzero(phrases.facet_of[phrases.labels] >= 0)
    if not len(faceted) or not config["facet_weight"]:
        none: Floats = np.zeros(0, dtype=np.float32)
        return np.zeros(0, dtype=np.int64), none, none.copy(), none.copy()
    masked, labels = phrases.masked[faceted], phrases.facet_of[phrases.labels[faceted]]
    means = masked[:, VECTOR:].mean(axis=0)
    weights, _, offset = regression.regress(
        scipy.sparse.csr_matrix((len(faceted), 0), dtype=np.float32),
        _weigh_dense(masked, means, config),
        labels,
        np.ones(len(faceted), dtype=np.float32),
        int(phrases.facet_of.max()) + 1,
        {**config, "landmarks": FACET_LANDMARKS},
    )
    return phrases.facet_of, means, weights, offset


def is_large(phrases: Phrases) -> bool:
    return len(phrases.labels) * len(phrases.facet_of) > MOST_WORK


def take_part(phrases: Phrases, rows: Numbers, kept: Numbers) -> Phrases:
    """The phrases of `rows`, whose intents are all in `kept` and get its numbers."""
    own = np.isin(phrases.own_labels, kept)
    return Phrases(
        phrases.counts[rows],
        phrases.dense[rows],
        phrases.masked[rows],
        np.searchsorted(kept, phrases.labels[rows]),
        phrases.own[own],
        np.searchsorted(kept, phrases.own_labels[own]),
        phrases.own_weights[own],
        phrases.facet_of[kept],
    )


def _weigh_dense(dense: Floats, means: Floats, config: Config) -> Floats:
    """The dense features as the regression takes them: each part of length 1, layers without their
    mean, weighed."""
    parts = [config["vector_weight"] * dense[:, :VECTOR]]
    layers = (dense[:, VECTOR:] - means).reshape(len(dense), -1, VECTOR)
    length = np.sqrt((layers * layers).sum(axis=2, keepdims=True))
    parts.append(
        (config["layer_weight"] * layers / np.maximum(length, 1e-9)).reshape(len(dense), -1)
    )
    return np.concatenate(parts, axis=1).astype(np.float32)


def _weigh_grams(
    counts: scipy.sparse.csr_matrix, idf: Floats, config: Config
) -> scipy.sparse.csr_matrix:
    """Counts as TF-IDF rows of length `gram_weight`."""
    grams = counts.copy()
    grams.data = counts.data * idf[counts.indices]
    squares = np.add.reduceat(np.append(grams.data**2, 0), grams.indptr[:-1]) * (
        np.diff(grams.indptr) > 0
    )
    factor = config["gram_weight"] / np.sqrt(np.maximum(squares, 1e-12))
    grams.data = (grams.data * np.repeat(factor, np.diff(grams.indptr))).astype(np.float32)
    return grams
