"""Blend: how far to trust the towers beside the ads' past clicks, learned where the towers have not learned.

A clicked ad is picked out of the ads shown at the same time with

    P(j | i) = softmax_j ( a l_j + b s_ij ),      l_j = log prior CTR of ad j, s_ij = score of the towers

The weights (a, b) maximise the likelihood of held-out clicks times a normal prior around (1, 0) with
standard deviation 1: with nothing held out the past clicks alone decide, and towers that learned noise get
a b near 0. A convex problem in two unknowns, solved by Newton's method.

Letters: P clicked samples, B columns of one chunk.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import InternalError

STEPS = 50
START = np.array([1.0, 0.0])  # past clicks alone


class Chunk(NamedTuple):
    """Held-out clicks and the ads among which they are picked."""

    scores: NDArray[np.float64]  # [P, B] of the towers
    log_prior: NDArray[np.float64]  # [B]
    own: NDArray[np.int64]  # [P] the column of the clicked ad
    ads: NDArray[np.int64]  # [B] a number that equal ads share; other columns of the clicked ad do not count


def fit_blend(chunks: Sequence[Chunk]) -> tuple[float, float]:
    """The weights (a, b), neither below 0."""
    weights = START.copy()
    value, gradient, curvature = _loss(weights, chunks)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < 1e-9:
            break
        size = 1.0
        while (tried := _loss(weights - size * step, chunks))[0] > value and size > 1e-6:
            size /= 2
        weights = weights - size * step
        value, gradient, curvature = tried
    if not np.isfinite(weights).all():
        raise InternalError(f"the blend of {len(chunks)} chunks came to {weights}")
    a, b = np.maximum(weights, 0.0).tolist()
    return float(a), float(b)


def _loss(
    weights: NDArray[np.float64], chunks: Sequence[Chunk]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Negative log posterior, its gradient [2] and its curvature [2, 2]."""
    apart = weights - START
    value, gradient, curvature = 0.5 * float(apart @ apart), apart.copy(), np.eye(2)
    for chunk in chunks:
        rows = np.arange(len(chunk.own))
        x = np.stack((np.broadcast_to(chunk.log_prior, chunk.scores.shape), chunk.scores))  # [2, P, B]
        z = np.tensordot(weights, x, 1)  # [P, B]
        same = chunk.ads[chunk.own][:, None] == chunk.ads[None, :]
        same[rows, chunk.own] = False
        z[same] = -np.inf
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        value += float((np.log(total[:, 0]) - z[rows, chunk.own]).sum())
        mean = (x * p).sum(axis=2)  # [2, P]
        gradient += (mean - x[:, rows, chunk.own]).sum(axis=1)
        centred = x - mean[:, :, None]
        curvature += np.einsum("apb,cpb,pb->ac", centred, centred, p)
    return value, gradient, curvature
