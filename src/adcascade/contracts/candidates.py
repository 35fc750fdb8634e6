"""Candidates: the ads of one request on their way down the cascade, a struct of arrays of equal length n."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
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
        unknown = np.full(n, np.nan, np.float32)
        nothing = np.zeros(n, np.int64)
        none = np.full(n, -1, np.int32)
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
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def top(self, n: int) -> Self:
        """The n best by score, best first; equal scores keep their order."""
        rank = -self.score
        kept = np.arange(len(self))
        if 0 < n < len(self):
            last = np.partition(rank, n - 1)[n - 1]
            if not np.isnan(last):  # a full sort puts what has no score last
                ties = np.flatnonzero(rank == last)
                better = np.flatnonzero(rank < last)
                kept = np.sort(np.concatenate([better, ties[: n - len(better)]]))
        return self.take(kept[np.argsort(rank[kept], kind="stable")][:n])

    def with_(self, **known: NDArray[np.float32] | NDArray[np.int64] | NDArray[np.int32]) -> Self:
        """The same ads, better informed: with_(ctr=..., score=...)."""
        return replace(self, **known)  # type: ignore[arg-type]
