"""Power: how many units it takes to see a difference.

    n = s^2 (z_0.975 + z_0.8)^2 / d^2       s^2 variance of the difference per unit, d the difference to be seen

At this size four of five experiments whose difference is d show one, and of those without any, one in twenty does. s is
read off an interval that was measured: its half width is z_0.975 s / sqrt(n).
"""

from collections.abc import Sequence
from statistics import NormalDist

from adcascade.experiments.intervals import Estimate, Z

POWER = 0.8
REACH = Z + NormalDist().inv_cdf(POWER)  # standard errors that a difference must have


def growth(gap: Estimate, change: float) -> float:
    """How many times the units behind `gap` it takes to see a difference of `change`, in the unit of the figure.

    >>> round(growth(Estimate(0.0, -2.0, 2.0), 2.0), 2)
    2.04
    """
    if change == 0:
        return float("inf")
    errors = (gap.high - gap.low) / (2 * Z) * REACH / change
    return errors * errors


def units_for(figure: Estimate, units: int, shares: Sequence[float], relative: float) -> float:
    """Units of all arms together to see a relative difference between the first and every other.

    figure: of one arm, measured over `units`; shares: of the arms to be. Infinite where the figure is not known or
    nothing, or where an arm gets nobody.

    >>> round(units_for(Estimate(0.1, 0.09, 0.11), 1000, (0.5, 0.5), 0.1))
    8173
    """
    if not figure.value > 0 or min(shares) <= 0:
        return float("inf")
    variance = units * ((figure.high - figure.low) / (2 * Z * figure.value)) ** 2  # of a unit's part, relative
    return variance * max(1 / shares[0] + 1 / share for share in shares[1:]) * (REACH / relative) ** 2
