"""Fitting Platt's map: logistic regression of the label on the logit of the prediction, by Newton's method.

    minimise  sum_i w_i logloss(y_i, sigmoid(a z_i + b)) + prior/2 ((a - 1)^2 + b^2),   z_i = logit(p_i)

The weak prior towards "no correction" makes the minimum unique, for separable data too. A map that would turn
the order around (a < 0) is refused: then a = 0 and only the mean is kept.
"""

import numpy as np

from adcascade.calibration.logistic import minimum
from adcascade.calibration.maps import Floats, Platt, logit


def fit_platt(predicted: Floats, clicked: Floats, weight: Floats, *, prior: float = 1e-3) -> Platt:
    """The map of least log loss: predictions, labels in [0, 1] and weights >= 0, [N] each."""
    z = logit(predicted)
    a, b = minimum(np.stack([z, np.ones_like(z)]), clicked, weight, np.array([1.0, 0.0]), prior)
    if a >= 0:
        return Platt(float(a), float(b))
    (b,) = minimum(np.ones((1, len(z))), clicked, weight, np.zeros(1), prior)
    return Platt(0.0, float(b))
