"""Logistic regression of few inputs by Newton's method: what Platt's and the beta map are fitted with.

    minimise over theta  sum_i w_i logloss(y_i, sigmoid(theta x_i)) + prior/2 |theta - centre|^2

The weak prior towards `centre`, which stands for "no correction", makes the minimum unique, for separable data too.
"""

import numpy as np

from adcascade.calibration.maps import Floats
from adcascade.metrics.logistic import sigmoid

STEPS = 100
SHORT = 1e-10  # a step of this size in theta ends the search


def minimum(X: Floats, y: Floats, w: Floats, centre: Floats, prior: float) -> Floats:
    """theta [P] of least loss for inputs X [P, N], labels in [0, 1] and weights >= 0 [N].

    A step that does not descend is halved.
    """
    theta = centre.copy()
    loss = _loss(theta, X, y, w) + 0.5 * prior * float(np.sum((theta - centre) ** 2))
    for _ in range(STEPS):
        p = sigmoid(theta @ X)
        gradient = X @ (w * (p - y)) + prior * (theta - centre)
        hessian = (X * (w * p * (1 - p))) @ X.T + prior * np.eye(len(theta))
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > SHORT:
            trial = theta - size * step
            trial_loss = _loss(trial, X, y, w) + 0.5 * prior * float(np.sum((trial - centre) ** 2))
            if trial_loss <= loss:
                break
            size /= 2
        else:
            return theta
        theta, loss = trial, trial_loss
        if size * np.abs(step).max() < SHORT:
            return theta
    return theta


def _loss(theta: Floats, X: Floats, y: Floats, w: Floats) -> float:
    """Weighted log loss, sum over [N], from logits: log(1 + e^z) - y z."""
    z = theta @ X
    return float(w @ (np.logaddexp(0.0, z) - y * z))
