"""Fitting the isotonic map: the non-decreasing steps nearest to the labels. Imports scikit-learn: learning only.

Equal predictions are averaged first. Blocks whose labels are all 0 would make ads that can never win and
are merged with the next block that has a click; blocks that are all 1 likewise downwards. Merged or not, a
block's value is the mean of its labels, so on the rows it was fitted on the sums of clicks and of
calibrated predictions agree.
"""

import numpy as np

from adcascade.calibration.maps import Floats, Isotonic


def fit_isotonic(predicted: Floats, clicked: Floats, weight: Floats) -> Isotonic:
    """The map of least squared error: predictions, labels in [0, 1] and weights > 0, [N] each, N >= 1."""
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415  takes a second, and workers never calibrate

    x, which = np.unique(np.asarray(predicted, np.float64), return_inverse=True)
    total = np.bincount(which, weights=weight).astype(np.float64)  # [X]
    mean = np.bincount(which, weights=weight * clicked) / total
    y = np.asarray(isotonic_regression(mean, sample_weight=total), np.float64)
    y = np.clip(_within_open_interval(y, mean, total), 0.0, 1.0)
    return Isotonic(*_ends_of_blocks(x, y))


def _within_open_interval(y: Floats, mean: Floats, total: Floats) -> Floats:
    """Merge the block at 0 with the next above and the block at 1 with the next below, where there is one."""
    inner = y[(y > 0) & (y < 1)]
    if not len(inner):
        return np.full_like(y, np.average(mean, weights=total))
    merged = y.copy()
    for block in (y <= inner[0], y >= inner[-1]):
        if y[block].min() == 0.0 or y[block].max() == 1.0:
            merged[block] = np.average(mean[block], weights=total[block])
    if inner[0] == inner[-1]:  # one block between a 0 and a 1: all three become one
        merged[:] = np.average(mean, weights=total)
    return merged


def _ends_of_blocks(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Keep the first and last point of each flat stretch: the same map with fewer knots."""
    step = np.diff(y) != 0
    keep = np.concatenate([[True], step]) | np.concatenate([step, [True]])
    return x[keep], y[keep]
