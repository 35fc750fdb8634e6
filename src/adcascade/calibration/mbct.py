"""MBCT, serving: calibration trees over features, whose leaves multiply the probability (arXiv 2202.04348, WWW 2022).

    p^(0) = p,    p^(t) = clip(k_leaf · p^(t-1)),    leaf = where tree t sends (x, bin(p^(t-1)))

A leaf is a bin of samples that share features, and k says by which factor their probabilities are too low: k = 2,
twice as many clicks as promised. Inside a leaf the order of the scores is kept; across leaves it may change, which is
the point, for one score may be right on one page and wrong on another. The score itself is one more feature, cut at
stored edges.

Letters in shapes: n samples, F features as small numbers (codes), C codes at most, M nodes of all trees, T trees,
E edges. Trees are grown in mbct_fit.py; each path from a root to a leaf is a rule "if ... then multiply by k".
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from adcascade.calibration.maps import EDGE

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Codes = NDArray[np.uint8]
LEAF = -1  # stands for the feature of a node that has none


class Trees(NamedTuple):
    """T boosted calibration trees, their nodes end to end; feature F is the score."""

    roots: Ints  # [T]
    feature: Ints  # [M] LEAF in a leaf
    left: Ints  # [M] the node for the codes of `goes_left`; LEAF in a leaf
    right: Ints  # [M]
    k: Floats  # [M] the factor; only that of a leaf is used
    goes_left: NDArray[np.bool_]  # [M, C]
    edges: Floats  # [E] of the score's bins, rising; bin = how many edges are <= p

    def __call__(self, p: ArrayLike, codes: Codes) -> Floats:
        """Calibrated [n] of probabilities [n] and codes [n, F]; NaN stays NaN, and without a tree p stays p."""
        given = np.asarray(p, np.float64)
        if not len(self.roots):
            return given
        return _through(given, codes, self)[0]

    def leaves(self, p: ArrayLike, codes: Codes) -> Ints:
        """The node [n, T] that each tree led to, LEAF where p is NaN: which rule was applied."""
        return _through(np.asarray(p, np.float64), codes, self)[1]


@njit(cache=True)
def scaled(p: float, k: float) -> float:
    """k p within [EDGE, 1 - EDGE]."""
    return min(max(k * p, EDGE), 1.0 - EDGE)


@njit(cache=True)
def _through(p: Floats, codes: Codes, trees: Trees) -> tuple[Floats, Ints]:
    """Every sample through every tree: calibrated [n], leaves [n, T]."""
    roots, feature, left, right, k, goes_left, edges = trees
    score = codes.shape[1]
    out = p.copy()
    leaves = np.full((len(p), len(roots)), LEAF, np.int32)
    for i in range(len(p)):
        x = p[i]
        if np.isnan(x):
            continue
        for t in range(len(roots)):
            node = roots[t]
            while feature[node] != LEAF:
                f = feature[node]
                code = np.searchsorted(edges, x, side="right") if f == score else codes[i, f]
                node = left[node] if goes_left[node, code] else right[node]
            leaves[i, t] = node
            x = scaled(x, k[node])
        out[i] = x
    return out, leaves
