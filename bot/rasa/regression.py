"""Linear classifiers that are solved at once: multinomial logistic regression over dense features
and n-grams, and, for a large library, linear discriminants; docs/understanding.md tells why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, Tuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh, solve, solve_triangular
from scipy.optimize import fmin_l_bfgs_b

Config = Mapping[str, Any]  # the classifier's part of config.yml
Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]  # of intents or rows

SEED = 42
MEMORY = 20  # of L-BFGS, in steps
# Of the directions of the space that the landmarks span, the share in which phrases differ most is
# kept: of 1,024 half hold 97.6 % of the differences. Of phrases that were left out 72.4 % are then
# understood, and 72.5 with all, at half the cost of a step (2026-12-01).
KEPT = 1 / 2
# What the loss curves by along a direction, as a share of what phrases differ by in it: of an
# intent's probability p, about p (1 - p). In directions that are stretched by it 25 steps find what
# 60 found in others.
CURVATURE = 0.01
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
    is one), in the directions in which phrases differ most there, by L-BFGS; the result is brought
    back to the features, so that a message costs two small products, however many phrases."""
    marks = _landmarks(labels, config["landmarks"])
    likeness = dense @ dense[marks].T + (grams @ grams[marks].T).toarray()
    lower = cholesky(likeness[marks] + 1e-3 * np.eye(len(marks), dtype=np.float32), lower=True)
    spanned = solve_triangular(lower, likeness.T, lower=True)  # [landmarks, phrases]
    penalty = config["regularisation"]
    axes, scale = _find_axes(spanned, weights, penalty)
    x = np.ones((len(labels), len(scale) + 1), dtype=np.float32)
    x[:, :-1] = spanned.T @ (axes * scale)
    held = penalty * np.append(scale * scale, 1).astype(np.float32)[:, None]
    rows = np.arange(len(labels))

    def loss(flat: NDArray[np.float64]) -> Tuple[float, NDArray[np.float64]]:
        w = flat.reshape(-1, intents).astype(np.float32)
        z = x @ w
        z -= z.max(axis=1, keepdims=True)
        own = z[rows, labels]
        np.exp(z, out=z)
        total = z.sum(axis=1)
        pull = held * w
        value = float((weights * (np.log(total) - own)).sum()) + float((w * pull).sum()) / 2
        z /= total[:, None]
        z[rows, labels] -= 1
        z *= weights[:, None]
        return value, (x.T @ z + pull).ravel().astype(np.float64)

    flat, _, _ = fmin_l_bfgs_b(
        loss,
        np.zeros(x.shape[1] * intents),
        maxiter=config["max_iterations"],
        m=MEMORY,
        factr=1e10,
    )
    w = flat.reshape(-1, intents).astype(np.float32)
    back = solve_triangular(lower.T, (axes * scale) @ w[:-1], lower=False).astype(np.float32)
    return dense[marks].T @ back, np.ascontiguousarray(grams[marks].T @ back), w[-1].copy()


def _find_axes(spanned: Floats, weights: Floats, penalty: float) -> Tuple[Floats, Floats]:
    """The directions in which phrases [landmarks, phrases] differ most ([landmarks, directions]),
    and by how much each is to be stretched for the loss to curve alike along all."""
    square = (spanned * weights) @ spanned.T
    least = int(len(square) * (1 - KEPT))
    strengths, axes = eigh(square, subset_by_index=[least, len(square) - 1])
    scale = 1 / np.sqrt(CURVATURE * np.maximum(strengths, 0) + penalty)
    return axes.astype(np.float32), scale.astype(np.float32)


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
