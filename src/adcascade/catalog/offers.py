"""Offers in numbers: what an advertiser would pay for one conversion at most, from the margin of the product."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.ecpm import parts_per_billion, share_of

UNKNOWN = -(2**63)  # nobody told; no amount is as low


def margin_limits(margin: NDArray[np.int64], share: float | None) -> NDArray[np.int64]:
    """floor(share * margin) in exact integers, int64 [M]; nothing where nothing is left, UNKNOWN where nobody tells.

    margin: micros [M], UNKNOWN or below zero too; share: of the margin that may be spent, None: there is no limit.
    """
    if share is None:
        return np.full(len(margin), UNKNOWN, np.int64)
    limits = share_of(np.maximum(margin, 0), parts_per_billion(share))
    return np.where(margin == UNKNOWN, UNKNOWN, limits)
