"""Temperature-regularised credit (TRCA): who is paid for the total depends on how high he bids, as softly as tau says.

    alpha_i = exp(b_i / tau) / sum_j exp(b_j / tau)          r_i = alpha_i * r^tot,   r^tot = sum_j r_j

tau -> 0 pays the highest bidder alone (competition), tau -> infinity pays all the same (cooperation). tau is in units
of the highest bid b_max: the paper's 4 on bids from 0 to 5 is 0.8 here.

Two agents with values v1 > v2 and bids in [b_min, b_max]: the second one yields if v1 >= 2 v2, else if and only if

    tau >= (b_max - b_min) / ln( v1 / (2 v2 - v1) )

for then half of v1 is worth more to it than its share of v2 at the highest bid against the lowest.
(Wen et al., "A Cooperative-Competitive Multi-Agent Framework for Auto-bidding in Online Advertising", WSDM 2022.)

Letters in shapes: n agents; `...` whatever stands before.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Credit = Literal["own", "total", "shared"]  # CM-IL, CO-IL, TRCA


def shares(bid: Floats, tau: float) -> Floats:
    """The softmax of bids [..., n] at a temperature in the same units: [..., n], sum 1; tau = 0 is its limit.

    >>> shares(np.array([1.0, 1.0, 0.0]), 0.0)
    array([0.5, 0.5, 0. ])
    """
    if tau < 0:
        raise ValueError(f"tau is {tau}; give a temperature from 0 (competition) upward")
    gap = bid - bid.max(axis=-1, keepdims=True)  # <= 0, so that exp cannot overflow
    weight = np.exp(gap / tau) if tau > 0 else (gap == 0).astype(np.float64)
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def credited(credit: Credit, gained: Floats, bid: Floats, tau: float) -> Floats:
    """What each agent learns from, [..., n], of what it gained and bid, [..., n] each."""
    if credit == "own":
        return gained
    total = gained.sum(axis=-1, keepdims=True)
    return np.broadcast_to(total, gained.shape) if credit == "total" else shares(bid, tau) * total


def yield_threshold(v1: float, v2: float, b_min: float, b_max: float) -> float:
    """The temperature from which on the agent with the lower value v2 leaves the item to the other; 0: always.

    >>> yield_threshold(1.0, 0.5, 0.0, 1.0)
    0.0
    """
    if not 0 < v2 < v1 or b_min >= b_max:
        raise ValueError(f"v1 {v1}, v2 {v2}, bids {b_min} to {b_max}: give 0 < v2 < v1 and b_min < b_max")
    return 0.0 if v1 >= 2 * v2 else float((b_max - b_min) / np.log(v1 / (2 * v2 - v1)))
