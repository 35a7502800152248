"""How sure a model is: measured once for nearly the same messages."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from bot.rasa import decision
from bot.rasa.calibration import Meant, provide_calibration
from bot.rasa.classifier import QuestionClassifier
from bot.rasa.question_model import VECTOR, Phrases

INTENTS = ["cause", "cure", "outlook", "tests"]
EACH = 60
CONFIG = {**QuestionClassifier.get_default_config(), "wrong_answers": 0.05}


def cluster(labels, random):
    """Dense features of phrases that lie near those of their intent."""
    centres = random.normal(size=(len(INTENTS), 3 * VECTOR))
    dense = centres[labels] + 1.2 * random.normal(size=(len(labels), 3 * VECTOR))
    return (dense / np.linalg.norm(dense, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def messages():
    """(phrases, meant) of four intents with sixty phrases each."""
    random = np.random.RandomState(0)
    labels = np.repeat(np.arange(len(INTENTS)), EACH)
    dense = cluster(labels, random)
    phrases = Phrases(
        scipy.sparse.csr_matrix((len(labels), 0), dtype=np.float32),
        dense,
        dense,
        labels,
        np.zeros((0, 3 * VECTOR), dtype=np.float32),
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.float32),
        np.full(len(INTENTS), -1),
    )
    texts = [f"{INTENTS[label]} {row}" for row, label in enumerate(labels)]
    return phrases, Meant(
        tuple(decision.Said(text, (), None) for text in texts),
        tuple(frozenset([int(label)]) for label in labels),
        (None,) * len(labels),
        np.full(len(labels), -1),
        None,
    )


def change(messages, count):
    """The messages with `count` others in the place of the first, which are hard to tell apart."""
    phrases, meant = messages
    dense = phrases.dense.copy()
    dense[:count] = dense[count : 2 * count][::-1] / 2 + dense[-count:] / 2
    said = tuple(
        replace(said, text=f"{said.text} now") if row < count else said
        for row, said in enumerate(meant.said)
    )
    return replace(phrases, dense=dense, masked=dense), replace(meant, said=said)


def scale(messages, folder, intents=INTENTS, **options):
    return provide_calibration(*messages, intents, CONFIG | options, folder).scale.tolist()


def test_of_a_phrase_among_hundreds_the_calibration_before_is_taken_over(messages, tmp_path):
    first = scale(messages, tmp_path)
    assert scale(change(messages, 1), tmp_path) == first
    assert scale(change(messages, 1), None) != first, "where nothing is kept it is measured anew"


def test_many_small_changes_are_counted_together(messages, tmp_path):
    first = scale(messages, tmp_path)
    for count in (1, 2):
        found = scale(change(messages, count), tmp_path)
    assert found != first


@pytest.mark.parametrize(
    "asked",
    [{"intents": [*INTENTS[:-1], "scans"]}, {"regularisation": 0.5}],
    ids=["another question", "another option"],
)
def test_of_what_changes_more_it_is_measured_anew(messages, tmp_path, asked):
    kept = tmp_path / "calibration.npz"
    scale(messages, tmp_path)
    before = kept.read_bytes()
    scale(messages, tmp_path, **asked)
    assert kept.read_bytes() != before


def test_a_broken_file_is_measured_anew(messages, tmp_path):
    first = scale(messages, tmp_path)
    for broken in (b"", b"nonsense", (tmp_path / "calibration.npz").read_bytes()[:200]):
        (tmp_path / "calibration.npz").write_bytes(broken)
        assert scale(messages, tmp_path) == first
