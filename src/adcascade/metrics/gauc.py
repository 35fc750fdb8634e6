"""GAUC: AUC within each user, averaged (Zhu et al., "Optimized Cost per Click in Taobao", KDD 2017)."""

import numpy as np
from numpy.typing import ArrayLike


def gauc(label: ArrayLike, score: ArrayLike, group: ArrayLike) -> float:
    """Mean AUC of the groups (users, say), weighted by their impressions; [n] each.

    Groups with clicks only, or without any, say nothing and are left out; NaN where all are.

    >>> gauc([0, 1, 1, 0, 0], [0.1, 0.9, 0.2, 0.8, 0.5], ["a", "a", "b", "b", "c"])
    0.5
    """
    y = np.asarray(label, np.float64)
    _, g = np.unique(np.asarray(group), return_inverse=True)
    _, s = np.unique(np.asarray(score), return_inverse=True)
    order = np.lexsort((s, g))
    y, g, s = y[order], g[order], s[order]
    groups = int(g[-1]) + 1 if len(g) else 0
    won = np.bincount(g, y * _below_in_group(y, g, s), groups)  # pairs in the right order, ties one half
    clicks, shown = np.bincount(g, y, groups), np.bincount(g, minlength=groups)
    pairs = clicks * (shown - clicks)
    used = pairs > 0
    if not used.any():
        return float("nan")
    return float(np.average(won[used] / pairs[used], weights=shown[used]))


def _below_in_group(
    y: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    g: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    s: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """How many non-clicks of its own group lie below each sample, ties one half; samples sorted by group and score."""
    before = np.cumsum(1 - y) - (1 - y)  # non-clicks at earlier places
    total = np.append(before, (1 - y).sum())
    starts_group = np.flatnonzero(np.diff(g, prepend=-1))
    starts_tie = np.flatnonzero((np.diff(g, prepend=-1) != 0) | (np.diff(s, prepend=-1) != 0))
    group_of = np.searchsorted(starts_group, np.arange(len(y)), side="right") - 1
    tie_of = np.searchsorted(starts_tie, np.arange(len(y)), side="right") - 1
    tie_end = np.append(starts_tie[1:], len(y))
    low, high = total[starts_tie[tie_of]], total[tie_end[tie_of]]
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = (low + high) / 2 - total[starts_group[group_of]]
    return found
