"""What a record of the delayed stream weighs: each method as two weights on log f and log(1 - f).

    loss = - Σ_records  w⁺ log f(x) + w⁻ log(1 - f(x))

With q = p(convert | x) and r = p(late | convert, x), what auxiliary models estimate is

    f_dp = q r                          converts, but late
    f_rn = (1 - q) / (1 - q + q r)      an observed negative is a real one;  z = 1 - f_rn

    Vanilla, Vanilla-Win, FNC     1 on the shown label; FNC learns b = q / (1 + q) and answers b / (1 - b)
    FNW        w⁺ = 1 + f              w⁻ = (1 - f)(1 + f)
    ES-DFM     w⁺ = 1 + f_dp           w⁻ = (1 + f_dp) f_rn
    DEFER      w⁺ = 1 / (1 - r/2)      w⁻ = (1 - f) / (1 - f + f r/2)
    DEFUSE     IP: w⁺ = 1 + f_dp       DP: w⁺ = 1
               negative: w⁺ = z f_dp,  w⁻ = (1 - z)(1 + f_dp)           a fake negative counts as a positive
    Bi-DEFUSE  f = F_IP + F_DP; F_IP learns "within w_o" as it is, F_DP by the weights of DEFUSE with z = f_dp = F_DP

Weights are constants to the gradient. Of FNW, ES-DFM, DEFER, DEFUSE and Bi-DEFUSE the expected loss has its minimum
at f = q when the auxiliaries are right (`fixed_point`, and the tests' table). The code that came with the paper does
not select by type: it sums the weights of IP and DP on every positive, which nearly doubles the odds.

Everything is elementwise; arrays of NumPy or tensors of torch go in and come out.
Source: arXiv 2202.06472; FNW and FNC 1907.06558, ES-DFM 2012.03245, DEFER 2104.14121.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.conversion.delayed_stream import IMMEDIATE, LATE, NEGATIVE

Array = Any  # of numpy or torch: the arithmetic is the same
EDGE = 1e-3  # auxiliary probabilities are kept in [EDGE, 1 - EDGE]


class Seen(NamedTuple):
    """R records: their kinds, and what the models say of their clicks."""

    kind: Array  # IMMEDIATE, NEGATIVE or LATE
    f: Array  # the main model's probability, as a constant
    f_dp: Array  # of the auxiliary model: converts, but late
    f_rn: Array  # of the auxiliary model: an observed negative is a real one
    late: Array  # r, of an auxiliary model fitted on those that convert

    @property
    def z(self) -> Array:
        """An observed negative is a fake one."""
        return 1 - self.f_rn


Weights = tuple[Array, Array]  # w⁺, w⁻
Rule = Callable[[Seen], Weights]


def plain(seen: Seen) -> Weights:
    """The shown label counts as it is."""
    negative = seen.kind == NEGATIVE
    return 1.0 - negative * 1.0, negative * 1.0


def fnw(seen: Seen) -> Weights:
    """Fake negative weighted: the duplicated stream, corrected by the model's own f."""
    positive, negative = plain(seen)
    return positive * (1 + seen.f), negative * (1 - seen.f) * (1 + seen.f)


def es_dfm(seen: Seen) -> Weights:
    """Elapsed-time sampling: a negative counts by its chance to be real."""
    positive, negative = plain(seen)
    return positive * (1 + seen.f_dp), negative * (1 + seen.f_dp) * seen.f_rn


def defer(seen: Seen) -> Weights:
    """Every click is there twice, the second time with its final label."""
    positive, negative = plain(seen)
    half = seen.late / 2
    return positive / (1 - half), negative * (1 - seen.f) / (1 - seen.f + seen.f * half)


def defuse(seen: Seen) -> Weights:
    """Label correction: an observed negative is in part a positive."""
    ip, negative, dp = (1.0 * (seen.kind == kind) for kind in (IMMEDIATE, NEGATIVE, LATE))
    positive = ip * (1 + seen.f_dp) + dp + negative * seen.z * seen.f_dp
    return positive, negative * (1 - seen.z) * (1 + seen.f_dp)


def defuse_own(seen: Seen) -> Weights:
    """Ablation z₂: z from the main model, f_dp / (f_dp + 1 - f), instead of the auxiliary one."""
    return defuse(seen._replace(f_rn=1 - seen.f_dp / (seen.f_dp + 1 - seen.f)))


def defuse_blind(seen: Seen) -> Weights:
    """Ablation z = 0: every observed negative is taken for a real one; predicts too little by design."""
    return defuse(seen._replace(f_rn=seen.f_rn * 0 + 1))


def released(seen: Seen) -> Weights:
    """Ablation: the loss as released with the paper, which sums the weights of IP and DP on every positive."""
    positive, negative = plain(seen)
    corrected = seen.z * seen.f_dp * negative
    return positive * (2 + seen.f_dp) + corrected, negative * (1 - seen.z) * (1 + seen.f_dp)


def in_window(seen: Seen) -> Weights:
    """F_IP of Bi-DEFUSE: the originals alone, "converts within the observation window"."""
    original = 1.0 * (seen.kind != LATE)
    ip = 1.0 * (seen.kind == IMMEDIATE)
    return ip, original - ip


def out_of_window(seen: Seen) -> Weights:
    """F_DP of Bi-DEFUSE, where `f` is F_DP itself: DEFUSE with z = f_dp = F_DP; every original is a negative here."""
    original, dp = 1.0 * (seen.kind != LATE), 1.0 * (seen.kind == LATE)
    return dp + original * seen.f * seen.f, original * (1 - seen.f) * (1 + seen.f)


def answer_of_fnc(b: Array) -> Array:
    """q of b = q / (1 + q), clipped below 1."""
    return (b / (1 - b)).clip(max=1 - EDGE)


def fixed_point(kinds: NDArray[np.float64], rule: Rule, at: Callable[[float], Seen], *, steps: int = 80) -> float:
    """The f at which the expected loss of a population is stationary: f = Σ m w⁺ / Σ m (w⁺ + w⁻), by bisection.

    kinds: mass m of each record of at(f); weights that depend on f are taken at f.
    """
    low, high = EDGE / 100, 1 - EDGE / 100
    for _ in range(steps):
        f = (low + high) / 2
        positive, negative = rule(at(f))
        share = float((kinds * positive).sum() / (kinds * (positive + negative)).sum())
        low, high = (f, high) if share > f else (low, f)
    return f
