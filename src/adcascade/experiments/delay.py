"""The delay law: how much of a young click's chance to convert is already behind it.

    C ~ Bernoulli(theta)      whether a unit will ever convert, by its arm
    D ~ Exponential(lambda)   when, if so;  F(e) = 1 - exp(-lambda e)

A unit of age e has converted by now with probability theta F(e). So each unit counts for F(e) of one only:

    N~ = sum over units of F(e),    theta = S / N~        with S the conversions seen

which is unbiased where lambda is known. Where it is not, EM finds both, arm by arm:

    E   w = theta exp(-lambda e) / (1 - theta + theta exp(-lambda e))     an open unit is a late converter
    M   lambda = S / (sum of delays + sum over open units of w e),    N~ and theta as above

(Wang, Carrion, Lin, Ji, Bao, Yan, "Adaptive Experimentation with Delayed Binary Feedback", 2022, arXiv 2202.00846.)

On few conversions EM drifts towards "everybody converts, very late". A conversion is only counted within the
attribution window W, so the mean delay is at most W here: lambda >= 1 / W; and a unit older than W counts in full,
F(e) = 1. Of an arm without any conversion nothing is known: its theta and lambda stay what they were, and its units
count by the slowest law that is allowed (by none at all where the window is endless), so that it is not given up early.

Letters in shapes: ... any number of replicas, K arms, B cohorts (cohorts.py).
"""

from dataclasses import dataclass

import numpy as np

from adcascade.experiments.cohorts import Cohorts, Floats

LEAST = 1e-6  # theta stays within (LEAST, 1 - LEAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayConfig:
    """window: W, in the unit of age; cycles: of EM per decision; theta, rate: where EM starts the first time."""

    window: float = np.inf
    cycles: int = 10
    theta: float = 0.2
    rate: float = 0.01

    def __post_init__(self) -> None:
        if not (self.window > 0 and self.cycles >= 1 and 0 < self.theta < 1 and self.rate > 0):
            raise ValueError(f"{self}: window, cycles and rate must be above 0, theta between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What is believed of each arm, [..., K]: its conversion rate, 1 / its mean delay, and N~."""

    theta: Floats
    rate: Floats
    exposure: Floats


def elapsed_share(age: Floats, rate: Floats, window: float = np.inf) -> Floats:
    """F(e): the part of the delay law that is over at age e; 1 from the window on.

    >>> elapsed_share(np.array([0.0, 1.0, 9.0]), np.array(1.0), window=9.0).round(3).tolist()
    [0.0, 0.632, 1.0]
    """
    return np.where(age >= window, 1.0, -np.expm1(-rate * age))


def corrected(cohorts: Cohorts, share: Floats) -> tuple[Floats, Floats]:
    """theta and N~ [..., K], where each unit of a cohort counts for `share` [..., K, B] of one.

    theta is clipped into (0, 1): early on S may exceed N~.
    """
    exposure = (cohorts.units * share).sum(-1)
    rate = np.divide(cohorts.seen, exposure, out=np.zeros_like(exposure), where=exposure > 0)
    return np.clip(rate, LEAST, 1 - LEAST), exposure


def start(shape: tuple[int, ...], config: DelayConfig) -> Law:
    """The belief before the first unit, of so many replicas and arms."""
    return Law(theta=np.full(shape, config.theta), rate=np.full(shape, config.rate), exposure=np.zeros(shape))


def expectation_maximisation(cohorts: Cohorts, before: Law, config: DelayConfig) -> Law:
    """`config.cycles` cycles from what was believed before."""
    theta, rate, slowest = before.theta, before.rate, 1.0 / config.window
    exposure, known = before.exposure, cohorts.seen > 0
    for _ in range(config.cycles):
        late = _late(cohorts.age, theta, rate, config.window)
        at_risk = cohorts.delays + (cohorts.open * late * cohorts.age).sum(-1)
        found = np.divide(cohorts.seen, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
        rate = np.where(known, np.maximum(found, slowest), before.rate)
        share = elapsed_share(cohorts.age, np.where(known, rate, slowest)[..., None], config.window)
        found, exposure = corrected(cohorts, share)
        theta = np.where(known, found, before.theta)
    return Law(theta=theta, rate=rate, exposure=exposure)


def _late(age: Floats, theta: Floats, rate: Floats, window: float) -> Floats:
    """w: P(an open unit converts later), [..., K, B]; 0 from the window on."""
    later = theta[..., None] * (1.0 - elapsed_share(age, rate[..., None], window))
    return np.asarray(later / (1.0 - theta[..., None] + later))
