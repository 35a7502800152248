"""Which question a message asks: logistic regression over the sentence vector, two middle layers
and character n-grams, times the likeness to the nearest training phrase, and, where questions have
facets, the facet that all articles' phrases teach (bot/rasa/facet_features.py);
docs/understanding.md tells why, and what each part is worth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, NamedTuple, Optional, Text, Tuple, Type

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
from scipy.optimize import fmin_l_bfgs_b
from threadpoolctl import threadpool_limits

from bot.rasa import decision, facet_features, regression, training_examples
from bot.rasa.regression import Config, Floats, Numbers

# what a dense feature begins with: the sentence vector; layers of the same width follow
VECTOR = 384
# the thresholds come from scores of phrases, and of whole intents, that were left out of the
# training
FOLDS = 5
SEED = 42
FACET_LANDMARKS = 1024  # the masked texts have few dimensions, and no n-grams
# phrases times intents up to which the regression is solved; beyond, discriminants are computed
MOST_WORK = 6_000_000
NEVER = -30.0  # the log probability of an intent that was not taught
BLOCK = 256  # left-out phrases that are scored together
MOST_ASKED = 4_000  # left-out phrases that are asked then: enough to tell 4 % from 3


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


@dataclass(frozen=True)
class Meant:
    """How the rows of Phrases are meant: what was said, the questions (numbers of intents) that
    answer it, or where none does the way (bot/rasa/decision.py); and who wrote each [n], -1 for the
    editors. `kinds` is None where nothing is to be decided."""

    said: Tuple[decision.Said, ...]
    wanted: Tuple[frozenset[int], ...]
    ways: Tuple[Optional[int], ...]
    hand: Numbers
    kinds: Optional[decision.Kinds]


@dataclass(frozen=True)
class Folds:
    """Which training of the calibration leaves out what, -1 for none: each intent, the intent of
    each row of Phrases, and each row itself."""

    intents: Numbers
    labels: Numbers
    rows: Numbers


class Understood(NamedTuple):
    """How a model that was not taught a message ranks it: the logarithms of the confidences, which
    of them are the right intent's, whether that was left out, and whether the best is a
    question."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    strange: bool
    answer: bool


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
            "max_iterations": 60,
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
        report: Dict[Text, float] = {}
        decider: Optional[decision.Decider] = None
        scale: Floats = np.zeros(0, dtype=np.float32)
        if self._config["wrong_answers"] is not None:
            scale, decider, report = calibrate_model(phrases, meant, self._config)
        taught = np.flatnonzero(phrases.labels >= 0)
        self._model = fit_model(
            _part(phrases, taught, np.arange(len(self._intents))), self._config, scale
        )
        known = {
            name: {key: about[key] for key in ("article", "subject", "about", "mentions")}
            for name, about in abouts.items()
        }
        with self._storage.write_to(self._resource) as folder:
            (folder / "intents.json").write_text(
                json.dumps({"intents": self._intents, "abouts": known, **report}), encoding="utf-8"
            )
            save_file(asdict(self._model), str(folder / "model.safetensors"))
            if decider:
                save_file(asdict(decider), str(folder / "decision.safetensors"))
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
        """{action, ways, talk, ranking}: what a message should get if it stands for itself."""
        action, ways = decision.decide_reply(decider, evidence.numbers, self._costs)
        return {
            "action": action,
            "ways": ways,
            "talk": self._intents[evidence.talk],
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
    if _is_large(phrases):
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


def calibrate_model(
    phrases: Phrases, meant: Meant, config: Config
) -> Tuple[Floats, Optional[decision.Decider], Dict[Text, float]]:
    """(scale, decider, report): how a score becomes a confidence, and what a message should get,
    measured on messages that were left out of the training.

    Of each of FOLDS trainings, a fifth of the editors' phrases is left out, one in FOLDS of the
    other hands with all that they asked, and, where there are to be `strangers`, a fifth of the
    intents first. The confidences are shares: of the intents' scores, sharpened, and of one more
    for "none of these". That is as strong as it must be for the editors' messages that are answered
    wrongly with a confidence over 0.5 to stay under `wrong_answers`, and no weaker than to ask back
    the same share of the phrases that are understood rightly: where the intents are easily told
    apart, a stranger's message would else get the nearest one's answer. A large library is trained
    once more, not five times: one fold holds phrases enough."""
    random = np.random.RandomState(SEED)
    folds = _deal_folds(phrases, meant, config, random)

    def ask(fold: int) -> Tuple[List[Understood], List[Tuple[Floats, int]]]:
        return _ask_left_out(phrases, meant, folds, fold, config, random)

    # most of it is products, which are computed outside of Python's lock
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = list(pool.map(ask, range(1 if _is_large(phrases) else FOLDS)))
    found = [each for one, _ in asked for each in one]
    decided = [each for _, one in asked for each in one]
    decider = decision.fit_decider(*map(np.array, zip(*decided, strict=True))) if decided else None
    scale, report = _fit_confidence(found, config)
    return scale, decider, report


def _deal_folds(
    phrases: Phrases, meant: Meant, config: Config, random: np.random.RandomState
) -> Folds:
    labels, intents = phrases.labels, len(phrases.facet_of)
    edited = np.flatnonzero(meant.hand == -1)
    intent_fold = _deal(np.zeros(intents, dtype=int), random)
    if intents < 2 * FOLDS or not config["strangers"]:
        intent_fold[:] = -1  # too few intents to leave some out, or none wanted
    row_fold = meant.hand % FOLDS
    row_fold[meant.hand < -1] = -1
    row_fold[edited] = _deal(labels[edited], random)
    return Folds(intent_fold, np.where(labels >= 0, intent_fold[labels], -1), row_fold)


def _ask_left_out(
    phrases: Phrases,
    meant: Meant,
    folds: Folds,
    fold: int,
    config: Config,
    random: np.random.RandomState,
) -> Tuple[List[Understood], List[Tuple[Floats, int]]]:
    """Of the messages that a fold leaves out: how the editors' are understood, and [(numbers, way)]
    for the decision."""
    asked = np.flatnonzero((folds.labels == fold) & (meant.hand < 0) | (folds.rows == fold))
    if _is_large(phrases) and len(asked) > MOST_ASKED:
        asked = random.choice(asked, MOST_ASKED, replace=False)
    model, kept = _fit_without(phrases, folds, fold, config)
    is_question = phrases.facet_of >= 0
    if not is_question.any():
        is_question[:] = True  # nothing tells them from outcomes
    found: List[Understood] = []
    decided: List[Tuple[Floats, int]] = []
    for row, measured in _measure_rows(model, phrases, asked, config):
        vector = phrases.dense[row, :VECTOR]
        if meant.kinds:
            decided += _look_left_out(meant, meant.kinds, row, model, kept, measured, vector)
        if meant.hand[row] >= 0:
            continue
        best, confidences = rank_intents(model, measured[0], vector, config)
        missing = config["ranking_length"] - len(best)  # in a library with few intents
        found.append(
            Understood(
                np.append(np.log(confidences), [np.log(1e-30)] * missing),
                np.append(kept[best] == phrases.labels[row], [False] * missing).astype(bool),
                folds.intents[phrases.labels[row]] == fold,
                is_question[kept[best[0]]],
            )
        )
    return found, decided


def _fit_without(
    phrases: Phrases, folds: Folds, fold: int, config: Config
) -> Tuple[Model, Numbers]:
    """(a Model that was not taught what a fold leaves out, the intents that it knows)."""
    labels = phrases.labels
    taught = np.flatnonzero((labels >= 0) & (folds.labels != fold) & (folds.rows != fold))
    kept = np.flatnonzero(folds.intents != fold)
    kept = kept[np.isin(kept, labels[taught])]
    halved = {**config, "landmarks": config["landmarks"] // 2}
    model = fit_model(_part(phrases, taught, kept), halved, np.zeros(0, dtype=np.float32))
    return model, kept


def _measure_rows(
    model: Model, phrases: Phrases, rows: Numbers, config: Config
) -> Iterator[Tuple[int, Tuple[Floats, Floats]]]:
    """What `measure_message` gives for each of these rows of Phrases."""
    for block in (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK)):
        scores = score_texts(model, phrases.dense[block], phrases.masked[block], config)
        for row, logits, facet_logits in zip(block, *scores, strict=False):
            own = slice(phrases.counts.indptr[row], phrases.counts.indptr[row + 1])
            columns, counts = phrases.counts.indices[own], phrases.counts.data[own]
            yield row, measure_message(model, logits, facet_logits, columns, counts, config)


def _fit_confidence(
    found: Sequence[Understood], config: Config
) -> Tuple[Floats, Dict[Text, float]]:
    """(scale, report) of `calibrate_model`."""
    scores, right, strange, answer = map(np.array, zip(*found, strict=False))
    shares = np.where(
        strange,
        config["strangers"] / max(strange.sum(), 1),
        (1 - config["strangers"] * strange.any()) / (~strange).sum(),
    )
    power = _sharpen(scores, right, shares)
    # The confidence of the first is over 0.5 where "none of these" is weaker than what it has more
    # than all the others.
    sharp = np.exp(power * scores)
    lead = 2 * sharp[:, 0] - sharp.sum(axis=1)
    # Of all messages, so many may get another question's answer; of those that would get none, so
    # many are misunderstood.
    most = config["wrong_answers"] * np.array([shares[~answer].sum(), shares.sum()])
    none = np.array(
        [
            max(
                _strength(lead[kind], ~right[kind, 0], shares[kind], most[i]),
                np.quantile(np.append(lead[kind & right[:, 0]], 0), config["wrong_answers"]),
            )
            for i, kind in enumerate((~answer, answer))
        ]
    )
    above = lead > none[answer.astype(int)]
    report = {
        "answered": float(shares[above & ~strange].sum() / shares[~strange].sum()),
        "wrong": float(shares[above & answer & ~right[:, 0]].sum()),
        "strangers_answered": float(strange[above].sum() / max(strange.sum(), 1)),
        "power": float(power),
        "threshold": float(none[1]),
        "outcome_threshold": float(none[0]),
    }
    return np.array([power, *np.log(none)], dtype=np.float32), report


def _look_left_out(
    meant: Meant,
    kinds: decision.Kinds,
    row: int,
    model: Model,
    kept: Numbers,
    measured: Tuple[Floats, Floats],
    vector: Floats,
) -> List[Tuple[Floats, int]]:
    """[(numbers, way)] of a message that `model` was not taught, on its page and without
    one (of the editors' many phrases, either); the model's intents are `kept`."""
    place = np.full(len(kinds.articles), -1)
    place[kept] = np.arange(len(kept))

    def liken_kept(intents: Numbers) -> NDArray[np.float64]:
        likeness = np.full(len(intents), 1e-6)
        known = place[intents] >= 0
        likeness[known] = phrase_likeness(model, vector, place[intents][known])
        return likeness

    log_probability, plain = (np.full(len(place), NEVER) for _ in measured)
    log_probability[kept], plain[kept] = measured
    said = meant.said[row]
    looked: List[Tuple[Floats, int]] = []
    pages = (said.page, None) if meant.hand[row] >= 0 else ((said.page, None)[row % 2],)
    for page in dict.fromkeys(pages):
        evidence = decision.gather_evidence(
            kinds, replace(said, page=page), log_probability, plain, liken_kept
        )
        right = evidence.order[0] in meant.wanted[row]
        way = meant.ways[row]
        if way is None:
            way = decision.RIGHT if right else decision.OTHER
        looked.append((evidence.numbers, way))
    return looked


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


def _strength(
    lead: NDArray[np.float64], wrong: NDArray[np.bool_], shares: NDArray[np.float64], most: float
) -> float:
    """How strong "none of these" must be, for the messages that lead it wrongly to have a share of
    at most `most`."""
    order = np.argsort(-lead, kind="stable")
    # so many of the surest
    allowed = np.searchsorted(np.cumsum(np.where(wrong, shares, 0)[order]), most, side="right")
    # as strong as the first that would be too much
    return max(float(lead[order][allowed]) if allowed < len(lead) else 0.0, 1e-30)


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


def _is_large(phrases: Phrases) -> bool:
    return len(phrases.labels) * len(phrases.facet_of) > MOST_WORK


def _part(phrases: Phrases, rows: Numbers, kept: Numbers) -> Phrases:
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


def _deal(labels: Numbers, random: np.random.RandomState) -> Numbers:
    """A fold for each row, so that the rows of a label are spread over all folds."""
    folds = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        folds[rows] = (random.permutation(len(rows)) + random.randint(FOLDS)) % FOLDS
    return folds


def _sharpen(
    scores: NDArray[np.float64], right: NDArray[np.bool_], shares: NDArray[np.float64]
) -> float:
    """The power of the scores, 1 or more, that makes the right intents' shares, and those of "none
    of these", likeliest."""

    def loss(p: NDArray[np.float64]) -> Tuple[float, NDArray[np.float64]]:
        z = np.column_stack([p[0] * scores, np.full(len(scores), p[1])])
        true = np.column_stack([right, ~right.any(axis=1)])
        q = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
        value = (
            -float((shares * np.log(np.maximum((q * true).sum(axis=1), 1e-30))).sum())
            + 1e-3 * (p[0] - 2) ** 2
        )
        rest = shares[:, None] * (q - true)
        return value, np.array(
            [(rest[:, :-1] * scores).sum() + 2e-3 * (p[0] - 2), rest[:, -1].sum()]
        )

    found, _, _ = fmin_l_bfgs_b(loss, np.array([2.0, -2.0]), bounds=[(1, None), (None, None)])
    return float(found[0])


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
