"""Bids from goals: what a billing event is worth to a campaign that pays for conversions, or lives on a margin.

    target             bid = target * P(conversion | billing event)         instead of the bid that was told
    margin limit       bid <= limit * P(conversion | billing event)         limit: the share of the margin, in micros

P(conversion | click) = cvr and P(conversion | impression) = ctr * cvr. Every product is rounded down to whole micros,
in integers (contracts/ecpm.py). Where a probability is unknown (NaN), the bid that was told stands, without a limit.
This comes before pacing: alpha lowers what is bid here.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.ecpm import parts_per_billion, share_of

Micros = NDArray[np.int64]


class Goals(Protocol):
    """What the catalog says of goals, by row of an ad; a negative number stands for "nothing was told"."""

    @property
    def target(self) -> Micros:
        """[N] micros that a conversion may cost."""
        ...

    @property
    def margin_limit(self) -> Micros:
        """[N] most micros for a conversion, by the product's margin."""
        ...


def goal_bids(  # noqa: PLR0917  six columns of the same ads
    bid: Micros,
    target: Micros,
    limit: Micros,
    per_click: NDArray[np.bool_],
    ctr: NDArray[np.float32],
    cvr: NDArray[np.float32],
) -> Micros:
    """What each of n ads bids for its billing event: all [n], micros int64; target and limit below 0: none."""
    wanted = (target >= 0) | (limit >= 0)
    if not wanted.any():
        return bid
    known = wanted & ~np.isnan(cvr) & (per_click | ~np.isnan(ctr))
    of_click, of_sale = parts_per_billion(ctr), parts_per_billion(cvr)
    told = np.where(known & (target >= 0), _worth(target, per_click, of_click, of_sale), bid)
    return np.where(known & (limit >= 0), np.minimum(told, _worth(limit, per_click, of_click, of_sale)), told)


def _worth(amount: Micros, per_click: NDArray[np.bool_], of_click: Micros, of_sale: Micros) -> Micros:
    """The amount for one conversion as micros for one billing event, rounded down after each factor."""
    amount = np.maximum(amount, 0)
    return share_of(np.where(per_click, amount, share_of(amount, of_click)), of_sale)
