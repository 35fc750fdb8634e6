"""Smoothed click rates of an ad's variants: a variant borrows from its ad, an ad from all ads.

    ad        m_a  = (clicks_a + S g) / (shows_a + S)         g the click rate of all
    variant   m_v  = (clicks_v + s m_a) / (shows_v + s)

Both are posterior means of a binomial rate under a beta prior; the strengths S and s (in impressions) are
estimated from the spread of the rates themselves: empirical Bayes by moments (Kleinman, "Proportions with
extraneous variance", 1973). A click more never lowers a variant among its siblings.

Letters in shapes: V variants (or ads).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
WEAKEST, STRONGEST = 1.0, 1e6  # bounds of an estimated strength, impressions


def smoothed_rate(clicks: ArrayLike, shows: ArrayLike, prior_mean: ArrayLike, strength: float) -> Floats:
    """(clicks + strength * prior_mean) / (shows + strength): [V] each -> [V]."""
    pulled = np.asarray(clicks, np.float64) + strength * np.asarray(prior_mean, np.float64)
    return pulled / (np.asarray(shows, np.float64) + strength)


def smoothed(clicks: float, shows: float, prior_mean: float, strength: float) -> float:
    """What `smoothed_rate` says of one."""
    return (clicks + strength * prior_mean) / (shows + strength)


def beta_strength(clicks: ArrayLike, shows: ArrayLike, prior_mean: ArrayLike) -> float:
    """The prior's strength a + b that explains how far rates [V] scatter about their prior means [V].

    With v = m (1 - m): E[sum n (p - m)^2] = sum v (1 + (n - 1) / (a + b + 1)). No more scatter than chance
    gives the STRONGEST prior, more than any rate can have the WEAKEST.
    """
    c, n = np.asarray(clicks, np.float64), np.asarray(shows, np.float64)
    m = np.broadcast_to(np.asarray(prior_mean, np.float64), n.shape)
    seen = (n > 0) & (m > 0) & (m < 1)
    c, n, m = c[seen], n[seen], m[seen]
    chance = m * (1 - m)
    possible = float(np.sum(chance * (n - 1)))
    beyond = float(np.sum(n * (c / n - m) ** 2) - np.sum(chance))
    if possible <= 0 or beyond <= 0:
        return STRONGEST
    return float(np.clip(possible / beyond - 1.0, WEAKEST, STRONGEST))


def thompson_shares(
    clicks: Floats, shows: Floats, prior: tuple[float, float], random: np.random.Generator, draws: int = 256
) -> Floats:
    """How often each variant has the highest of `draws` posterior samples: [V] -> shares [V] that sum to 1.

    prior: (mean, strength). Choosing by these shares is Thompson sampling whose propensity is known exactly: it is
    the share (Chapelle and Li, "An empirical evaluation of Thompson sampling", 2011).
    """
    mean, strength = prior
    a = np.maximum(clicks + strength * mean, 1e-9)
    b = np.maximum(shows - clicks + strength * (1 - mean), 1e-9)
    best = np.argmax(random.beta(a, b, (draws, len(a))), axis=1)
    return np.bincount(best, minlength=len(a)) / draws
