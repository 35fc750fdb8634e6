"""Histograms and the best split of a node: the inner loops of mbct_fit.py, compiled by numba.

A *cell* holds what is known of the samples of one node, feature, code and half: (Σw, Σw y, Σw p). A node's cells
[G, C, 2, 3] are all that a search needs, so samples are read once a level.

The search orders the codes of each feature by their residual ratio (Σy - k Σp) / (k Σp + prior) in the first half; the
score keeps its own order. Each prefix is a cut, and the first half chooses the best of them too. The second half only
judges: one cut a feature, by the contrast s = r_L - n_L r / n of its left part, which must have the sign that the first
half saw. Where nothing but noise is there, the variance of s is ȳ(1 - ȳ) n_L n_R / n, and z is s in such standard
deviations. A code that no sample of the node has goes where most samples go. The best feature lowers the loss most:

    mvce       s² (1 / n_L + 1 / n_R)           root mean square over views
    log_loss   s² (1 / k p_L + 1 / k p_R)       the deviance of a rate that is off by a factor
    ece        |s|                              mean absolute error

Letters in shapes: N samples, G features (the score last), C codes, S counted nodes, M nodes.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.calibration.mbct import LEAF, Codes, Floats, Ints, Trees, scaled

MVCE, LOG_LOSS, ECE = 0, 1, 2
LOSSES = {"mvce": MVCE, "log_loss": LOG_LOSS, "ece": ECE}


class Split(NamedTuple):
    """The codes of a feature that go left, and z; feature LEAF where there is no cut."""

    feature: int
    z: float
    goes_left: NDArray[np.bool_]  # [C]
    left: Floats  # [3] (Σw, Σw y, Σw p) of the second half
    right: Floats  # [3]


def best_split(cells: Floats, loss: str, leaf_events: float, prior: float) -> Split:
    """The best cut of a node with these cells [G, C, 2, 3] whose parts hold `leaf_events` each."""
    return Split(*_best_split(cells, LOSSES[loss], leaf_events, prior))


class Rows(NamedTuple):
    """N samples while a tree grows."""

    codes: Codes  # [N, G] the score's bin last
    mass: Floats  # [N, 3] w, w y, w p
    half: Codes  # [N] 0 orders codes, 1 measures gains
    place: Ints  # [N] the node that a sample is in


@njit(cache=True)
def count(rows: Rows, slot: Ints, slots: int, width: int) -> Floats:
    """Cells [S, G, C, 2, 3] of the samples whose node has a slot: slot[node] in 0..S-1, else negative; width: C."""
    codes, mass, half, place = rows
    cells = np.zeros((slots, codes.shape[1], width, 2, 3))
    for i in range(len(place)):
        s = slot[place[i]]
        if s < 0:
            continue
        h, w, y, p = half[i], mass[i, 0], mass[i, 1], mass[i, 2]
        for g in range(codes.shape[1]):
            cell = cells[s, g, codes[i, g], h]
            cell[0] += w
            cell[1] += y
            cell[2] += p
    return cells


@njit(cache=True)
def settle(place: Ints, codes: Codes, nodes: Trees) -> None:
    """Move each sample [N] one level down, where its node was split."""
    for i in range(len(place)):
        node = place[i]
        f = nodes.feature[node]
        if f != LEAF:
            place[i] = nodes.left[node] if nodes.goes_left[node, codes[i, f]] else nodes.right[node]


@njit(cache=True)
def correct(p: Floats, mass: Floats, place: Ints, k: Floats) -> None:
    """Multiply each probability [N] by the factor of its leaf, and mend mass[:, 2] = w p."""
    for i in range(len(p)):
        p[i] = scaled(p[i], k[place[i]])
        mass[i, 2] = mass[i, 0] * p[i]


@njit(cache=True)
def bin_scores(p: Floats, edges: Floats, codes: Codes) -> None:
    """Write the bin of each score [N] into the last column of codes [N, G]."""
    for i in range(len(p)):
        codes[i, -1] = np.searchsorted(edges, p[i], side="right")


@njit(cache=True)
def _order(cells: Floats, k: float, prior: float) -> NDArray[np.int64]:
    """The codes of one feature [C, 2, 3] by their residual ratio in the first half."""
    ratio = np.zeros(len(cells))
    for c in range(len(cells)):
        expected = k * cells[c, 0, 2]
        if expected > 0:
            ratio[c] = (cells[c, 0, 1] - expected) / (expected + prior)
    return np.argsort(ratio, kind="mergesort")


@njit(cache=True)
def _contrast(left: Floats, whole: Floats, k: float) -> float:
    """s of a cut, from masses [3] of its left part and of the node, both of one half; 0 where a part is empty."""
    if left[0] <= 0 or left[0] >= whole[0]:
        return 0.0
    return float(left[1] - k * left[2] - (whole[1] - k * whole[2]) * left[0] / whole[0])


@njit(cache=True)
def _gain(loss: int, s: float, left: Floats, whole: Floats, k: float) -> float:
    """What a cut with the contrast s lowers the loss by; masses [3] as for _contrast."""
    if s == 0:
        gain = 0.0
    elif loss == MVCE:
        gain = s * s * (1.0 / left[0] + 1.0 / (whole[0] - left[0]))
    elif loss == LOG_LOSS:
        gain = s * s / k * (1.0 / left[2] + 1.0 / (whole[2] - left[2]))
    else:
        gain = abs(s)
    return float(gain)


@njit(cache=True)
def _fewest(left: Floats, total: Floats, k: float) -> float:
    """Expected events or non-events, whichever are fewer, in the part that has fewer; masses [3] of both halves."""
    rest = total - left
    return float(min(k * left[2], left[0] - k * left[2], k * rest[2], rest[0] - k * rest[2]))


@njit(cache=True)
def _best_cut(
    cells: Floats, order: NDArray[np.int64], whole: Floats, loss: int, leaf_events: float
) -> tuple[int, Floats]:
    """How many codes of the order go left, and their masses [2, 3], by the gain in the first half; 0 for no cut."""
    total = whole[0] + whole[1]
    k = total[1] / total[2]
    found, best, left, left_best = 0, 0.0, np.zeros((2, 3)), np.zeros((2, 3))
    for j in range(len(order) - 1):
        left += cells[order[j]]
        if _fewest(left[0] + left[1], total, k) < leaf_events:
            continue
        gain = _gain(loss, _contrast(left[0], whole[0], k), left[0], whole[0], k)
        if gain > best:
            found, best, left_best = j + 1, gain, left.copy()
    return found, left_best


@njit(cache=True)
def _best_split(
    cells: Floats, loss: int, leaf_events: float, prior: float
) -> tuple[int, float, NDArray[np.bool_], Floats, Floats]:
    """The fields of Split."""
    width = cells.shape[1]
    whole = cells[0].sum(axis=0)  # [2, 3]
    total = whole[0] + whole[1]  # [3]
    found, best, z, goes_left, second = LEAF, 0.0, 0.0, np.zeros(width, np.bool_), np.zeros(3)
    if total[2] <= 0 or min(total[1], total[0] - total[1]) < 2 * leaf_events:
        return found, z, goes_left, second, whole[1] - second
    k, rate = total[1] / total[2], total[1] / total[0]
    for g in range(len(cells)):
        order = np.arange(width) if g == len(cells) - 1 else _order(cells[g], k, prior)
        cut, left = _best_cut(cells[g], order, whole, loss, leaf_events)
        s = _contrast(left[1], whole[1], k)
        gain = _gain(loss, s, left[1], whole[1], k)
        if gain > best and s * _contrast(left[0], whole[0], k) > 0:
            found, best, second = g, gain, left[1].copy()
            share = left[1, 0] / whole[1, 0]
            z = abs(s) / np.sqrt(rate * (1 - rate) * share * (1 - share) * whole[1, 0])
            goes_left[:] = False
            goes_left[order[:cut]] = True
            if g < len(cells) - 1:
                goes_left[cells[g, :, 0, 0] + cells[g, :, 1, 0] <= 0] = share > 0.5
    return found, z, goes_left, second, whole[1] - second
