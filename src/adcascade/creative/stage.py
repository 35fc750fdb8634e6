"""The creative stage: which of its looks a winner shows."""

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from adcascade.catalog.formats import fits
from adcascade.catalog.nouns import Ad
from adcascade.contracts import Candidates, Opportunity, Slot
from adcascade.contracts.stage import Cap
from adcascade.creative.counts import VariantCounts
from adcascade.creative.smoothed import Floats, smoothed, thompson_shares


class Shelf(Protocol):
    """What the stage reads of the catalog."""

    @property
    def ads(self) -> Sequence[Ad | None]:
        """The ads by row; None where a row is no longer taken."""
        ...


class CreativeStage:
    """Sets `creative`: of those that fit the winner's slot, the one with the best smoothed click rate.

    A look that the user has seen too often is left out while there is another. Equal ones (nothing known): the
    first. An ad without a creative that fits keeps -1: it shows its product.
    explore: choose by Thompson sampling instead; then `propensity` becomes the probability of the ad in its slot
    *with this look* (the probability of the look alone where the ad itself was not left to chance).
    """

    name = "creative"

    def __init__(self, counts: VariantCounts, catalog: Shelf, *, explore: bool = False) -> None:
        self.counts = counts
        self.catalog = catalog
        self.explore = explore

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """The same winners with their creative."""
        slots = opportunity.request.slots
        creative, propensity = candidates.creative.copy(), candidates.propensity.copy()
        for place, (row, slot) in enumerate(zip(candidates.ad.tolist(), candidates.slot.tolist(), strict=True)):
            ad = self.catalog.ads[row]
            usable = fitting(ad, slots[slot] if 0 <= slot < len(slots) else None)
            usable = _fresh(ad, usable, opportunity.capped) or usable
            if ad is None or not usable:
                continue
            if not self.explore:
                creative[place] = self.best(ad, usable)
                continue
            value = self.shares(ad, usable, opportunity.random)
            chosen = int(np.argmax(value))
            if len(usable) > 1:
                chosen = int(opportunity.random.choice(len(usable), p=value))
                known = 1.0 if np.isnan(propensity[place]) else propensity[place]
                propensity[place] = known * value[chosen]
            creative[place] = usable[chosen]
        return candidates.with_(creative=creative, propensity=propensity)

    def best(self, ad: Ad, usable: Sequence[int]) -> int:
        """The usable creative of the best smoothed click rate, the first of equal ones."""
        counts = self.counts
        if len(usable) == 1 or ad.id not in counts.ads:
            return usable[0]
        mean, strength = counts.ad_mean(ad.id), counts.variant_strength
        seen = ((index, counts.of(ad.id, ad.creatives[index].id)) for index in usable)
        rate = {index: smoothed(clicks, shows, mean, strength) for index, (shows, clicks) in seen}
        return max(usable, key=rate.__getitem__)

    def shares(self, ad: Ad, usable: Sequence[int], random: np.random.Generator) -> Floats:
        """Thompson shares of the usable creatives [V]."""
        seen = [self.counts.of(ad.id, ad.creatives[index].id) for index in usable]
        shows, clicks = np.array(seen, np.float64).T
        return thompson_shares(clicks, shows, (self.counts.ad_mean(ad.id), self.counts.variant_strength), random)


def _fresh(ad: Ad | None, usable: list[int], capped: Collection[Cap]) -> list[int]:
    """Those of the usable creatives that the user has not seen too often."""
    if ad is None or not capped:
        return usable
    return [index for index in usable if ("creative", ad.creatives[index].id) not in capped]


def fitting(ad: Ad | None, slot: Slot | None) -> list[int]:
    """Indices of the ad's creatives that the slot takes; all of them where no slot is decided."""
    if ad is None:
        return []
    return [index for index, creative in enumerate(ad.creatives) if slot is None or fits(creative, slot)]
