"""Surprise: by how many standard deviations a count differs from what was to be expected.

Roots make the variance of counts constant (Anscombe, "The transformation of Poisson, binomial and negative-binomial
data", 1948), so that small counts are judged as soberly as large ones:

    Poisson    2 ( sqrt(k + 3/8) - sqrt(m + 3/8) )
    binomial   2 sqrt(n + 1/2) ( asin sqrt((k + 3/8) / (n + 3/4)) - asin sqrt((p n + 3/8) / (n + 3/4)) )
"""

from math import asin, sqrt


def poisson_surprise(count: float, mean: float) -> float:
    """Standard deviations of a Poisson count above its mean, below it where negative.

    >>> round(poisson_surprise(130, 100), 2)
    2.8
    """
    return 2.0 * (sqrt(count + 0.375) - sqrt(mean + 0.375))


def binomial_surprise(count: float, trials: float, rate: float) -> float:
    """Standard deviations of `count` successes in `trials` above those of a rate in [0, 1].

    >>> round(binomial_surprise(40, 100, 0.5), 2)
    -2.0
    """
    whole = trials + 0.75
    seen, due = (min(1.0, (k + 0.375) / whole) for k in (count, rate * trials))
    return 2.0 * sqrt(trials + 0.5) * (asin(sqrt(seen)) - asin(sqrt(due)))
