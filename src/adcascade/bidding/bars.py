"""Bar agents: a second learner per bidder sets the bar that its bid must clear to be paid, and earns the revenue.

    z_i = 1[b_i >= bar_i]       bidder's reward  z_i * r_i^TRCA       bar's reward  z_i * p / n,   p the step's payments

The bar wants to be high, but earns only where the bidder clears it; the bidder wants to bid low, but is paid only where
it clears the bar. So the bar becomes the greatest lower bound that the bidder still honours, one that depends on the
state. Without the gate in its reward a bar would rise to the maximum. Bars exist while learning alone: at serving
they would be a reserve price. (Wen et al. 2022; the public code divides p by n.)

Letters in shapes: n agents; `...` whatever stands before.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gates(bid: Floats, bar: Floats) -> Floats:
    """1.0 where the bid clears its bar, else 0.0: [..., n] each."""
    return np.asarray((bid >= bar).astype(np.float64))


def bar_rewards(gate: Floats, paid: Floats) -> Floats:
    """What the bar agents earn, [..., n], of gates and payments [..., n] each."""
    return np.asarray(gate * paid.mean(axis=-1, keepdims=True))
