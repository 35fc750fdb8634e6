"""Thompson sampling on corrected counts: who gets the next units.

    alpha = 1 + S,    beta = max(1, 1 + N~ - S)
    every unit draws theta~ ~ Beta(alpha, beta) for each arm and goes to the largest

S conversions seen, N~ the exposure that the delay law leaves (delay.py); with N~ = N, every open unit counted as a
failure, it is the naive rule, which starves whichever arm converts late. One draw a unit, not a batch, keeps
exploration inside a batch. P(an arm is best) is the share of draws that it wins, and the share of traffic it gets.

Two rules beside it, which the paper compares: an upper bound, and a quantile of the same posterior (Bayes-UCB). Both
turn their index into shares by softmax(c index), c = 1 / sum over arms of (width / N~): nearly equal while little is
known, the best arm alone later.

Letters in shapes: ... any number of replicas, K arms, M draws.
(Wang et al. 2022, arXiv 2202.00846.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.experiments.cohorts import Floats

EPSILON = 0.1  # of D-UCB
QUANTILE = 0.9  # of D-BUCB
STOP = 0.95  # an arm that is best with this probability ends the question


@dataclass(frozen=True, slots=True)
class Posterior:
    """Beta laws of the arms' conversion rates, alpha and beta [..., K]."""

    alpha: Floats
    beta: Floats

    def draws(self, count: int, random: np.random.Generator) -> Floats:
        """Independent draws, [M, ..., K]."""
        return np.asarray(random.beta(self.alpha, self.beta, (count, *np.shape(self.alpha))))

    def best(self, draws: int, random: np.random.Generator) -> Floats:
        """P(the arm is the best), [..., K], by so many draws."""
        winner = self.draws(draws, random).argmax(-1)
        return np.asarray((winner[..., None] == np.arange(np.shape(self.alpha)[-1])).mean(0))

    def interval(self, draws: int, random: np.random.Generator, mass: float = 0.9) -> tuple[Floats, Floats, Floats]:
        """Mean, low and high end of the middle `mass` of each law, [..., K]; the ends by so many draws."""
        low, high = np.quantile(self.draws(draws, random), ((1 - mass) / 2, (1 + mass) / 2), axis=0)
        return self.alpha / (self.alpha + self.beta), low, high


def posterior(seen: Floats, exposure: Floats) -> Posterior:
    """The Beta laws of S and N~.

    >>> posterior(np.array([3.0]), np.array([2.0]))
    Posterior(alpha=array([4.]), beta=array([1.]))
    """
    return Posterior(1.0 + seen, np.maximum(1.0, 1.0 + exposure - seen))


def thompson(belief: Posterior, units: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The arm of each of the next units, [units, ...]."""
    return np.asarray(belief.draws(units, random).argmax(-1))


def with_floor(shares: Floats, floor: float) -> Floats:
    """The same shares [..., K] drawn up so that no arm has less than `floor`.

    >>> with_floor(np.array([1.0, 0.0]), 0.1).tolist()
    [0.9, 0.1]
    """
    arms = shares.shape[-1]
    if not 0 <= floor * arms <= 1:
        raise ValueError(f"a floor of {floor} for each of {arms} arms: give at most {1 / arms:.3f}")
    return np.asarray(floor + (1.0 - arms * floor) * shares)


def upper_bound_shares(seen: Floats, clicks: Floats, exposure: Floats) -> Floats:
    """D-UCB: softmax(c (theta + width)), [..., K].

    width = sqrt(N / N~) sqrt((1 + epsilon) ln t / (2 N~)), t the units of all arms.
    """
    counted = np.maximum(exposure, 1.0)
    t = np.maximum(clicks.sum(-1, keepdims=True), 2.0)
    width = np.sqrt(clicks / counted) * np.sqrt((1 + EPSILON) * np.log(t) / (2 * counted))
    return _softmax(np.minimum(seen / counted, 1.0) + width, width / counted)


def quantile_shares(belief: Posterior, exposure: Floats, draws: int, random: np.random.Generator) -> Floats:
    """D-BUCB: softmax(c times the posterior's 0.9 quantile), [..., K], the quantile by so many draws."""
    index = np.quantile(belief.draws(draws, random), QUANTILE, axis=0)
    width = np.maximum(index - belief.alpha / (belief.alpha + belief.beta), 1e-9)
    return _softmax(index, width / np.maximum(exposure, 1.0))


def _softmax(index: Floats, doubt: Floats) -> Floats:
    """softmax(index / sum of doubts), [..., K]."""
    scaled = index / doubt.sum(-1, keepdims=True)
    raised = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))
