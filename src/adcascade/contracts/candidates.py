"""Candidates: the ads of one request on their way down the cascade, a struct of arrays of equal length n.

A request makes some twenty of them, so they are cheap: what no stage has said yet is a view of one array that all
share, which costs nothing to make and nothing to narrow.
"""

from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

SHARED = 2_048  # ads whose unknowns are shared


def _shared(value: float, kind: type[np.generic]) -> NDArray[Any]:
    array = np.full(SHARED, value, kind)
    array.flags.writeable = False
    return array


UNKNOWN, NOTHING, NONE = _shared(np.nan, np.float32), _shared(0, np.int64), _shared(-1, np.int32)


class Candidates(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """n ads with what is known of them so far; order is rank, best first.

    A stage returns a shorter or better-informed one and never writes into the arrays it received.
    What no stage has said yet is NaN (probabilities) or 0 (money) or -1 (slot, creative).
    """

    ad: NDArray[np.int32]  # [n] row in the catalog snapshot; a row is an ad's number for life
    score: NDArray[np.float32]  # [n] what the last stage ranked by
    ctr: NDArray[np.float32]  # [n] P(click | seen in the first slot)
    cvr: NDArray[np.float32]  # [n] P(conversion | click)
    bid: NDArray[np.int64]  # [n] micros per billing event of the campaign (click or impression)
    ecpm: NDArray[np.int64]  # [n] micros per thousand impressions in the first slot
    slot: NDArray[np.int32]  # [n] index into the request's slots
    price: NDArray[np.int64]  # [n] micros per billing event, decided by the auction
    creative: NDArray[np.int32]  # [n] index into the ad's creatives
    propensity: NDArray[
        np.float32
    ]  # [n] probability that the logging policy put this ad in this slot; NaN if not random

    @classmethod
    def of(cls, ad: NDArray[np.int32], score: NDArray[np.float32] | None = None) -> Self:
        """Candidates of whom only the rows, int32 [n], and perhaps a score, float32 [n], are known."""
        n = len(ad)
        unknown, nothing, none = _first(UNKNOWN, n), _first(NOTHING, n), _first(NONE, n)
        return cls(
            ad=np.asarray(ad, np.int32),
            score=unknown if score is None else np.asarray(score, np.float32),
            ctr=unknown,
            cvr=unknown,
            bid=nothing,
            ecpm=nothing,
            slot=none,
            price=nothing,
            creative=none,
            propensity=unknown,
        )

    def __len__(self) -> int:
        """The number of ads, n."""
        return len(self.ad)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Self:
        """The candidates at these places, in this order: an integer index [m] or a mask bool [n]."""
        places: NDArray[Any] = index.nonzero()[0] if index.dtype == np.bool_ else index
        return type(self)(
            ad=self.ad.take(places),
            score=_taken(self.score, places),
            ctr=_taken(self.ctr, places),
            cvr=_taken(self.cvr, places),
            bid=_taken(self.bid, places),
            ecpm=_taken(self.ecpm, places),
            slot=_taken(self.slot, places),
            price=_taken(self.price, places),
            creative=_taken(self.creative, places),
            propensity=_taken(self.propensity, places),
        )

    def top(self, n: int) -> Self:
        """The n best by score, best first; equal scores keep their order, and what has no score comes last."""
        rank = -self.score
        if 0 < n < len(rank):
            last = np.partition(rank, n - 1)[n - 1]
            if not np.isnan(last):  # a full sort puts what has no score last
                kept = (rank <= last).nonzero()[0]
                return self.take(kept[rank[kept].argsort(kind="stable")[:n]])
        return self.take(rank.argsort(kind="stable")[:n])

    def with_(self, **known: NDArray[np.float32] | NDArray[np.int64] | NDArray[np.int32]) -> Self:
        """The same ads, better informed: with_(ctr=..., score=...)."""
        return msgspec.structs.replace(self, **known)


def _first(shared: NDArray[Any], n: int) -> NDArray[Any]:
    """n of what all share."""
    return shared[:n] if n <= SHARED else np.full(n, shared[0], shared.dtype)


def _taken(values: NDArray[Any], places: NDArray[np.integer]) -> NDArray[Any]:
    """values[places], for nothing where all share them."""
    base = values.base
    if base is UNKNOWN or base is NOTHING or base is NONE:
        return _first(base, len(places))
    return values.take(places)
