"""Linear classifiers that are solved at once: multinomial logistic regression over dense features
and n-grams, and, for a large library, linear discriminants; docs/understanding.md tells why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, Tuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve, solve_triangular
from scipy.optimize import fmin_l_bfgs_b

Config = Mapping[str, Any]  # the classifier's part of config.yml
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]  # of intents or rows

SEED = 42
# of L-BFGS, in steps. With 311 intents, 6 leaves the regression far from its end after 60 steps: of
# 1,101 test phrases 80.6 % were understood, and 81.0 with 20 (2026-12-01)
MEMORY = 20
SHRINKAGE = 0.3  # of the shared covariance towards a sphere
MOST_COOLED = 2_000  # phrases that are left out to find how sure the discriminants are


def regress(
    grams: scipy.sparse.csr_matrix,
    dense: Floats,
    labels: Numbers,
    weights: Floats,
    intents: int,
    config: Config,
) -> Tuple[Floats, Floats, Floats]:
    """Multinomial logistic regression: (dense [d, intents], grams [g, intents], offset [intents]).

    Solved in the space that the landmarks span (a Nystroem approximation, exact where every phrase
    is one), by L-BFGS; the result is brought back to the features, so that a message costs two
    small products, however many phrases."""
    marks = _landmarks(labels, config["landmarks"])
    likeness = dense @ dense[marks].T + (grams @ grams[marks].T).toarray()
    lower = cholesky(likeness[marks] + 1e-3 * np.eye(len(marks), dtype=np.float32), lower=True)
    x = np.ones((len(labels), len(marks) + 1), dtype=np.float32)
    x[:, :-1] = solve_triangular(lower, likeness.T, lower=True).T
    rows, penalty = np.arange(len(labels)), config["regularisation"]

    def loss(flat: NDArray[np.float64]) -> Tuple[float, NDArray[np.float64]]:
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

    flat, _, _ = fmin_l_bfgs_b(
        loss,
        np.zeros(x.shape[1] * intents),
        maxiter=config["max_iterations"],
        m=MEMORY,
        factr=1e10,
    )
    w = flat.reshape(-1, intents).astype(np.float32)
    back = solve_triangular(lower.T, w[:-1], lower=False).astype(np.float32)
    return dense[marks].T @ back, np.ascontiguousarray(grams[marks].T @ back), w[-1].copy()


def discriminate(
    dense: Floats, labels: Numbers, weights: Floats, intents: int
) -> Tuple[Floats, Floats, Floats]:
    """Linear discriminants (Fisher 1936, with the covariance that all intents share): what
    `regress` gives, without n-grams.

    Where the regression's cost grows with phrases times intents, this grows with their sum. The
    discriminants take the phrases for a normal cloud, and are too sure of it: they are divided by
    what makes left-out phrases likeliest."""
    random = np.random.RandomState(SEED)
    asked = np.zeros(len(labels), dtype=bool)
    asked[random.choice(len(labels), min(MOST_COOLED, len(labels) // 5), replace=False)] = True
    asked &= np.isin(labels, labels[~asked])
    w, offset = _discriminants(dense[~asked], labels[~asked], weights[~asked], intents)
    logits = dense[asked] @ w + offset
    own = (np.arange(len(logits)), labels[asked])
    heat = max(
        (1, 2, 3, 4, 6, 8, 12, 16, 24, 32),
        key=lambda heat: np.mean(logits[own] / heat - np.logaddexp.reduce(logits / heat, axis=1)),
    )
    w, offset = _discriminants(dense, labels, weights, intents)
    cooled = np.float32(heat)
    return w / cooled, np.zeros((0, intents), dtype=np.float32), offset / cooled


def _discriminants(
    dense: Floats, labels: Numbers, weights: Floats, intents: int
) -> Tuple[Floats, Floats]:
    sums = scipy.sparse.csr_matrix(
        (weights, (labels, np.arange(len(labels)))), shape=(intents, len(labels))
    )
    masses = np.asarray(sums.sum(axis=1), dtype=np.float32)
    means = (sums @ dense) / np.maximum(masses, 1e-6)
    within = (dense * weights[:, None]).T @ dense - (means * masses).T @ means
    within /= weights.sum()
    within[np.diag_indices_from(within)] += SHRINKAGE * np.trace(within) / len(within)
    w = solve(within, means.T, assume_a="pos").astype(np.float32)
    offset = -(means * w.T).sum(axis=1) / 2
    offset[masses[:, 0] == 0] = -1e3  # an intent of which nothing was taught here
    return w, offset


def _landmarks(labels: Numbers, most: int) -> Numbers:
    """Rows, at most `most`: as even a share of each label as can be."""
    random = np.random.RandomState(SEED)
    order = random.permutation(len(labels))
    place = np.empty(len(labels))
    met: Dict[int, int] = {}
    for row in order:
        met[labels[row]] = place[row] = met.get(labels[row], 0) + 1
    return np.sort(np.argsort(place, kind="stable")[:most])
