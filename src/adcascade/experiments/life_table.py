"""A delay law without a formula: the life table of conversions (Kaplan and Meier 1958, in grouped time).

    hazard of a span  h = conversions in it / units at risk      an open unit is at risk until its age
    seen by age e     I(e) = 1 - product of (1 - h) over the spans before e    = theta F(e), no F assumed
    counted           F(e) = I(e) / I(oldest age)

A unit whose age falls inside a span is at risk for half of it. Nothing is known beyond the oldest unit, so the
conversion rate is the one *within its age*: while an experiment is younger than its delays, slow arms are undervalued,
less than by counting open units as failures. It asks for no law and mends what a wrong law spoils.

Letters in shapes: ... any number of replicas, K arms, G spans between G + 1 edges.
"""

import numpy as np

from adcascade.experiments.cohorts import Floats


def incidence(conversions: Floats, censored: Floats) -> Floats:
    """I at the edges, [..., K, G + 1], from conversions by the span of their delay and open units by that of their age.

    >>> incidence(np.array([[1.0, 1.0]]), np.array([[0.0, 2.0]])).round(3).tolist()
    [[0.0, 0.25, 0.625]]
    """
    leaving = conversions + censored
    later = np.flip(np.cumsum(np.flip(leaving, -1), -1), -1) - leaving  # who lives beyond the span
    at_risk = later + conversions + censored / 2
    hazard = np.divide(conversions, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    alive = np.cumprod(1.0 - hazard, -1)
    return np.concatenate([np.zeros_like(alive[..., :1]), 1.0 - alive], -1)


def counted_share(seen_by: Floats) -> Floats:
    """F at the edges, [..., K, G + 1]: the incidence over its last value; 0 where nothing was seen."""
    last = seen_by[..., -1:]
    return np.divide(seen_by, last, out=np.zeros_like(seen_by), where=last > 0)
