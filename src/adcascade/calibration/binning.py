"""Fitting the maps by bins of equal mass: histogram binning and scaling-binning.

    histogram        g(p) = mean label of p's bin                     (Zadrozny and Elkan, ICML 2001)
    scaling_binning  g(p) = mean of h(p) in p's bin, h fitted first   (Kumar et al., NeurIPS 2019), h: Platt

A bin's mean label is noisy, so a histogram may change the order of two bins; a mean of a fitted h is not, and keeps it.
Both make the scores of a bin equal. Bins have the same rows as h: it has two numbers, and bins see no label.
"""

import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.maps import Floats, Steps
from adcascade.calibration.platt import fit_platt

BINS = 50


def fit_histogram(predicted: Floats, clicked: Floats, weight: Floats) -> Steps:
    """Predictions, labels in [0, 1] and weights > 0, [N] each, N >= 1; each bin gets one row of the mean label."""
    edges, place = _bins(predicted)
    total = np.bincount(place, weight, len(edges) + 1)
    mean = np.average(clicked, weights=weight)
    return Steps(edges, (np.bincount(place, weight * clicked, len(edges) + 1) + mean) / (total + 1.0))


def fit_scaling_binning(predicted: Floats, clicked: Floats, weight: Floats) -> Steps:
    """As fit_histogram; without the added rows."""
    edges, place = _bins(predicted)
    scaled = fit_platt(predicted, clicked, weight)(predicted)
    total = np.bincount(place, weight, len(edges) + 1)
    return Steps(edges, np.bincount(place, weight * scaled, len(edges) + 1) / total)


def _bins(p: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Edges that cut [N] predictions into at most BINS bins of about equal mass, none empty; and each one's bin."""
    edges = np.unique(np.quantile(p, np.arange(1, BINS) / BINS, method="higher"))
    edges = edges[edges > p.min()]
    return edges, np.searchsorted(edges, p, side="right")
