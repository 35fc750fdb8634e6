"""Fitting Platt's map: logistic regression of the label on the logit of the prediction, by Newton's method.

    minimise  sum_i w_i logloss(y_i, sigmoid(a z_i + b)) + prior/2 ((a - 1)^2 + b^2),   z_i = logit(p_i)

The weak prior towards "no correction" makes the minimum unique, for separable data too. A map that would turn
the order around (a < 0) is refused: then a = 0 and only the mean is kept.
"""

import numpy as np

from adcascade.calibration.maps import Floats, Platt, logit, sigmoid

STEPS = 100
SHORT = 1e-10  # a step of this size in (a, b) ends the search


def fit_platt(predicted: Floats, clicked: Floats, weight: Floats, *, prior: float = 1e-3) -> Platt:
    """The map of least log loss: predictions, labels in [0, 1] and weights >= 0, [N] each."""
    z = logit(predicted)
    a, b = _newton(np.stack([z, np.ones_like(z)]), clicked, weight, np.array([1.0, 0.0]), prior)
    if a >= 0:
        return Platt(float(a), float(b))
    (b,) = _newton(np.ones((1, len(z))), clicked, weight, np.zeros(1), prior)
    return Platt(0.0, float(b))


def _newton(X: Floats, y: Floats, w: Floats, centre: Floats, prior: float) -> Floats:
    """The minimum over theta [P] for inputs X [P, N], halving steps that do not descend."""
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
