"""Choosing virtual bids: the business states a target, and a search moves the bids on live or replayed traffic.

One bid, golden section of a unimodal metric (Kiefer, 1953): keep [lo, hi] with probes at 0.382 and 0.618 of it, drop
the end beside the worse probe; each step asks once and leaves 0.618 of the width.

Several bids, SPSA (Spall, 1992): two questions a step whatever the number d of bids,

    a_k = a / (k + 1 + A)^0.602,   c_k = c / (k + 1)^0.101,   D ~ {-1, 1}^d
    g   = (F(v + c_k D) - F(v - c_k D)) / (2 c_k) / D
    v  <- clip(v + a_k g, lo, hi)

F is asked twice with the same k, so that both questions may be put to the same traffic: most of its noise is then in
both and cancels. Nothing here knows an auction: both are pure over the function they are given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcascade.errors import InputError

Floats = NDArray[np.float64]
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0  # 0.618


def golden_section(metric: Callable[[float], float], low: float, high: float, *, width: float) -> float:
    """The place in [low, high] where a unimodal metric is highest, within `width`; of equal probes the lower stays.

    >>> round(golden_section(lambda x: -(x - 0.3) ** 2, 0.0, 1.0, width=1e-4), 3)
    0.3
    """
    if not (low < high and width > 0):
        raise InputError("golden_section", (low, high, width), "low below high and a positive width")
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = metric(left), metric(right)
    while high - low > width:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = metric(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = metric(right)
    return 0.5 * (low + high)


@dataclass(frozen=True, kw_only=True)
class SPSAConfig:
    """The gains of SPSA, in units of the search box; a too small probe measures only noise."""

    steps: int = 60
    step: float = 0.1  # a times the box: how far the first step goes for a slope of 1 box over 1 box
    probe: float = 0.05  # c times the box
    delay: float = 0.1  # A over steps


def spsa(
    objective: Callable[[Floats, int], float],
    start: ArrayLike,
    box: Sequence[tuple[float, float]],
    random: np.random.Generator,
    config: SPSAConfig | None = None,
) -> Floats:
    """Climb `objective(bids [d], k)` within a box [d] of (low, high); the path [steps + 1, d], its last row the answer.

    The objective should be of the order of 1 over the box (divide it by its value at the start).
    """
    config = config or SPSAConfig()
    low, high = np.array(box, np.float64).T
    if not (low < high).all():
        raise InputError("box", list(box), "a low end below the high end for each bid")
    size = high - low
    bids = np.clip(np.asarray(start, np.float64), low, high)
    path = [bids]
    for k in range(config.steps):
        gain = config.step / (k + 1 + config.delay * config.steps) ** 0.602
        probe = config.probe / (k + 1) ** 0.101
        sign = random.choice([-1.0, 1.0], len(bids))
        up, down = (np.clip(bids + way * probe * size * sign, low, high) for way in (1.0, -1.0))
        slope = (objective(up, k) - objective(down, k)) / (2.0 * probe) / sign  # per box
        bids = np.clip(bids + gain * size * slope, low, high)
        path.append(bids)
    return np.array(path)
