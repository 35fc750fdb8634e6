"""Student: the 95 % interval of a mean of few paired differences, by Student's t.

    interval = mean(d) ± t(n - 1) sd(d) / sqrt(n)

P(|T| < t) has a closed form for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4), a sum over powers
of cos(theta) with theta = atan(t / sqrt(df)); t is found from it by bisection.
"""

import math
from collections.abc import Sequence

import numpy as np

INSIDE = 0.95  # probability of the interval
_HALVINGS = 60


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean of n differences; None for n = 1.

    >>> interval([0.1, 0.1, 0.1])
    (0.1, 0.1)
    >>> interval([0.1]) is None
    True
    """
    n = len(differences)
    if n < 2:
        return None
    d = np.asarray(differences, np.float64)
    half = 0.0 if np.ptp(d) == 0 else float(t_within(n - 1) * d.std(ddof=1) / np.sqrt(n))
    mean = float(d[0]) if half == 0 else float(d.mean())
    return mean - half, mean + half


def t_within(df: int, inside: float = INSIDE) -> float:
    """The t with P(|T| < t) = inside, for T with `df` degrees of freedom, at least 1.

    >>> round(t_within(1), 3), round(t_within(10), 3)
    (12.706, 2.228)
    """
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _inside(middle, df) < inside else (low, middle)
    return math.sqrt(df) * math.tan(low)


def _inside(theta: float, df: int) -> float:
    """P(|T| < sqrt(df) tan(theta))."""
    cosine, odd = math.cos(theta), df % 2
    term = cosine if odd else 1.0
    total = 0.0 if df == 1 else term
    for k in range(2 + odd, df - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    return 2 / math.pi * (theta + math.sin(theta) * total) if odd else math.sin(theta) * total
