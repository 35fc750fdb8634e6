"""Offers in numbers: what an advertiser would pay, before anything is known of a request."""

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.nouns import Campaign
from adcascade.contracts.ecpm import parts_per_billion, share_of

GUESSED_CLICKS = 50  # for a conversion, where nothing is known
GUESSED_IMPRESSIONS = 5_000
UNKNOWN = -(2**63)  # nobody told; no amount is as low


def margin_limits(margin: NDArray[np.int64], share: float | None) -> NDArray[np.int64]:
    """floor(share * margin) in exact integers, int64 [M]; nothing where nothing is left, UNKNOWN where nobody tells.

    margin: micros [M], UNKNOWN or below zero too; share: of the margin that may be spent, None: there is no limit.
    """
    if share is None:
        return np.full(len(margin), UNKNOWN, np.int64)
    limits = share_of(np.maximum(margin, 0), parts_per_billion(share))
    return np.where(margin == UNKNOWN, UNKNOWN, limits)


def first_bid(campaign: Campaign) -> int:
    """Micros per billing event: the bid, or, where only a target was told, what it is worth by a guess.

    Early stages find ads by it, and it is bid until conversions are learned.
    """
    if campaign.bid_micros or campaign.target_micros is None:
        return campaign.bid_micros
    return campaign.target_micros // (GUESSED_CLICKS if campaign.billing == "click" else GUESSED_IMPRESSIONS)
