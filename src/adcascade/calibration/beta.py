"""Fitting the beta map: logistic regression on the two logarithms of the prediction (Kull et al., AISTATS 2017).

    minimise  sum_i w_i logloss(y_i, sigmoid(a ln p_i - b ln(1 - p_i) + c)) + prior/2 ((a - 1)^2 + (b - 1)^2 + c^2)

Platt on the logit is the case a = b; two slopes bend the ends of the scale by themselves. An a or b below 0 would turn
the order around: then that one is 0 and the others are fitted without it.
"""

import numpy as np

from adcascade.calibration.logistic import minimum
from adcascade.calibration.maps import Beta, Floats, log_odds


def fit_beta(predicted: Floats, clicked: Floats, weight: Floats, *, prior: float = 1e-3) -> Beta:
    """The map of least log loss: predictions, labels in [0, 1] and weights >= 0, [N] each."""
    yes, no = log_odds(predicted)  # ln p, -ln(1 - p)
    inputs = {"a": yes, "b": no, "c": np.ones_like(yes)}
    while True:
        centre = np.array([0.0 if name == "c" else 1.0 for name in inputs])
        theta = minimum(np.stack(list(inputs.values())), clicked, weight, centre, prior)
        found = dict(zip(inputs, theta.tolist(), strict=True))
        falling = [name for name in ("a", "b") if found.get(name, 0.0) < 0]
        if not falling:
            return Beta(**{"a": 0.0, "b": 0.0, **found})
        del inputs[falling[0]]
