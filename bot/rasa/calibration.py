"""How sure a model is, measured on messages that were left out of its training: the confidence that
a score is worth, and the decision of what a message should get (bot/rasa/decision.py)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Text, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b

from bot.language import vector_cache
from bot.rasa import decision
from bot.rasa.question_model import (
    VECTOR,
    Model,
    Phrases,
    fit_model,
    is_large,
    measure_message,
    phrase_likeness,
    rank_intents,
    score_texts,
    take_part,
)
from bot.rasa.regression import Config, Floats, Numbers

# the thresholds come from scores of phrases, and of whole intents, that were left out of the
# training
FOLDS = 5
SEED = 42
NEVER = -30.0  # the log probability of an intent that was not taught
BLOCK = 256  # left-out phrases that are scored together
# the share of messages that may have changed since a calibration that is taken over
CHANGED = 0.01
MOST_ASKED = 4_000  # left-out phrases that are asked of a large library: enough to tell 4 % from 3


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


class Calibration(NamedTuple):
    """What left-out messages taught: the `scale` of a Model, the decider, where something is to be
    decided, and a report, {what: figure}."""

    scale: Floats
    decider: Optional[decision.Decider]
    report: Dict[Text, float]


class Understood(NamedTuple):
    """How a model that was not taught a message ranks it: the logarithms of the confidences, which
    of them are the right intent's, whether that was left out, and whether the best is a
    question."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    strange: bool
    answer: bool


def provide_calibration(
    phrases: Phrases, meant: Meant, intents: Sequence[Text], config: Config, folder: Optional[Path]
) -> Calibration:
    """What `calibrate_model` gives. Of a training before, whose calibration lies in `folder`, it is
    taken over where intents, options and all but CHANGED of the messages are the same: they decide
    how sure a score is, and a changed phrase among thousands tells nothing new of that."""
    known = repr((intents, phrases.facet_of.tolist(), sorted(config.items(), key=repr)))
    same, rows = hashlib.sha256(known.encode()).hexdigest(), _identify(phrases, meant)
    path = folder and folder / "calibration.npz"
    if path and (kept := _read_kept(path, same, rows)):
        return kept
    found = calibrate_model(phrases, meant, config)
    if path:
        decider = asdict(found.decider) if found.decider else {}
        learned = {f"decider_{name}": array for name, array in decider.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        vector_cache.save_arrays(
            path,
            same=np.array(same),
            rows=rows,
            scale=found.scale,
            report=np.array(json.dumps(found.report)),
            **learned,
        )
    return found


def _identify(phrases: Phrases, meant: Meant) -> NDArray[np.uint64]:
    """A hash of each message and of each text of a question."""
    messages = zip(
        meant.said,
        phrases.labels.tolist(),
        meant.wanted,
        meant.ways,
        meant.hand.tolist(),
        strict=True,
    )
    texts = zip(phrases.own, phrases.own_labels.tolist(), strict=True)
    rows = [
        *(
            repr((said, label, sorted(wanted), way, hand)).encode("utf-8", "replace")
            for said, label, wanted, way, hand in messages
        ),
        *(vector.tobytes() + repr(label).encode() for vector, label in texts),
    ]
    hashes = [hashlib.blake2b(row, digest_size=8).digest() for row in rows]
    return np.unique(np.frombuffer(b"".join(hashes), dtype=np.uint64))


def _read_kept(path: Path, same: str, rows: NDArray[np.uint64]) -> Optional[Calibration]:
    """The kept calibration, where it still holds."""
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            changed = np.setxor1d(file["rows"], rows, assume_unique=True)
            if str(file["same"]) != same or len(changed) > CHANGED * len(rows):
                return None
            names = [field.name for field in fields(decision.Decider)]
            known = {name: file[f"decider_{name}"] for name in names if f"decider_{name}" in file}
            return Calibration(
                file["scale"],
                decision.Decider(**known) if known else None,
                json.loads(str(file["report"])),
            )
    except vector_cache.BROKEN:
        return None


def calibrate_model(phrases: Phrases, meant: Meant, config: Config) -> Calibration:
    """How a score becomes a confidence, and what a message should get, measured on messages that
    were left out of the training.

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
        asked = list(pool.map(ask, range(1 if is_large(phrases) else FOLDS)))
    found = [each for one, _ in asked for each in one]
    decided = [each for _, one in asked for each in one]
    decider = decision.fit_decider(*map(np.array, zip(*decided, strict=True))) if decided else None
    scale, report = _fit_confidence(found, config)
    return Calibration(scale, decider, report)


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
    if is_large(phrases) and len(asked) > MOST_ASKED:
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
    model = fit_model(take_part(phrases, taught, kept), halved, np.zeros(0, dtype=np.float32))
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
