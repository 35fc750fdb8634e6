"""eCPM: what a thousand impressions of an ad bring, in whole micros, computed without rounding errors.

    click:       ecpm = floor(ctr * bid * 1000)
    impression:  ecpm = bid * 1000

Money is never multiplied by a float. A probability is first counted in parts per billion (a float32
times 10^9 is exact in float64, so only the floor loses something), and from there on everything is
int64: `share_of` splits the amount so that no product leaves 63 bits. Bids up to 9 * 10^15 micros are safe.

Everything that ranks or charges uses these functions, so the order of two ads is the same wherever
it is asked, and `least_bid` inverts `ecpm_of` exactly: a price derived from it never exceeds the bid.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

BILLION = 1_000_000_000
THOUSAND = 1_000


def parts_per_billion(probability: ArrayLike) -> NDArray[np.int64]:
    """floor(10^9 p) of float32 [n] in [0, 1]: int64 [n]; NaN counts as 0, values outside are clipped."""
    p = np.fmin(np.fmax(np.asarray(probability, np.float64), 0.0), 1.0)  # fmax(NaN, 0) = 0
    return (p * BILLION).astype(np.int64)  # towards 0, which is down


def share_of(amount: NDArray[np.int64], parts: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """floor(amount * parts / 10^9), exact: amount int64 [n] >= 0, parts in 0..10^9 -> int64 [n]."""
    whole = amount // BILLION
    return np.asarray(whole * parts + (amount - whole * BILLION) * parts // BILLION, np.int64)


def least_amount(share: NDArray[np.int64], parts: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The smallest amount with share_of(amount, parts) >= share: ceil(share * 10^9 / parts), parts > 0."""
    whole, rest = np.divmod(share, parts)
    return np.asarray(whole * BILLION - (-rest * BILLION) // parts, np.int64)


def ecpm_of(ctr: NDArray[np.float32], bid: NDArray[np.int64], per_click: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Micros per thousand impressions in the first slot, int64 [n].

    ctr [n]: P(click | seen in the first slot); bid [n]: micros per click where `per_click`, else per
    impression. An ad whose ctr is NaN is worth 0, whatever it pays for: nobody knows it.
    """
    per_thousand = np.asarray(bid, np.int64) * THOUSAND
    by_click = share_of(per_thousand, parts_per_billion(ctr))
    return np.where(per_click, by_click, np.where(np.isnan(ctr), 0, per_thousand))


def least_bid(ecpm: NDArray[np.int64], parts: NDArray[np.int64], per_click: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The smallest bid that reaches `ecpm` [n]: int64 [n]; parts [n]: the ctr in parts per billion, > 0 per click."""
    needed = np.where(per_click, least_amount(ecpm, np.where(per_click, parts, BILLION)), ecpm)
    return np.asarray(-(-needed // THOUSAND), np.int64)
