"""Exploration: a share of the requests is answered by chance, so that the log shows what was never chosen.

As many ads as there are slots are drawn uniformly, without replacement, from all eligible ads, in random order.
Each of n eligible ads is in a given slot with probability 1/n: that is the logged propensity. A winner pays the
least that the rules allow (the reserve or the slot's floor), never above its bid.

Before the first training, when every request is explored, a share s of them draws from the m ads that fit the page
(its category, the words of its query) alone: shoppers click those several times as often, and clicks are what
training lacks. Then the propensity of an ad is (1 - s) / n, plus s / m where it fits.
"""

from collections.abc import Callable, Collection
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.lot import NEVER
from adcascade.auction.stage import Sellers
from adcascade.auction.terms import own_floors
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.contracts.stage import Cap

Fits = Callable[[Opportunity, NDArray[np.uint8]], NDArray[np.int32]]  # of the eligible (packed bits), rows that fit


class Catalog(Protocol):
    """What exploration asks of the catalog's snapshot."""

    def eligible(self, request: AdRequest, now_us: int, capped: Collection[Cap] = ()) -> NDArray[np.uint8]:
        """Packed bits over rows, least significant first; without what is capped."""
        ...


class UniformRetrieval:
    """Draw an ad for every slot. fits: finds the ads that fit a request's page; share: s."""

    name = "uniform_retrieval"

    def __init__(self, catalog: Catalog, fits: Fits | None = None, *, share: float = 0.0) -> None:
        self.catalog, self.fits, self.share = catalog, fits, share

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  the first stage
        """n = min(slots, eligible ads) candidates with their propensity."""
        request, random = opportunity.request, opportunity.random
        bits = self.catalog.eligible(request, request.time_us, opportunity.capped)
        if opportunity.uncapped is not None:
            bits &= opportunity.uncapped
        rows = np.flatnonzero(np.unpackbits(bits, bitorder="little")).astype(np.int32)
        if not len(rows):
            return Candidates.of(rows)
        fitting = self.fits(opportunity, bits) if self.fits is not None else rows[:0]
        share = self.share if len(fitting) >= len(request.slots) else 0.0
        pool = fitting if random.random() < share else rows
        drawn = random.choice(pool, size=min(len(request.slots), len(pool)), replace=False).astype(np.int32)
        chance = np.full(len(drawn), (1.0 - share) / len(rows))
        if share:
            chance += share / len(fitting) * np.isin(drawn, fitting)
        return Candidates.of(drawn).with_(propensity=chance.astype(np.float32))


class UniformAuction:
    """Slots in random order, at the lowest price that the rules allow; empty where the drawn ad may not stand."""

    name = "uniform_auction"

    def __init__(self, catalog: Sellers, *, reserve_micros: int = 0) -> None:
        self.catalog = catalog
        self.reserve_micros = reserve_micros

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """All that bid above nothing win; price in micros per billing event, at most the bid."""
        slots = opportunity.request.slots
        winners = candidates.take(opportunity.random.permutation(len(candidates))[: len(slots)])
        winners = winners.take(winners.bid > 0)
        slot = np.arange(len(winners), dtype=np.int32)
        floors = np.array([max(s.floor_micros, self.reserve_micros) for s in slots], np.int64)[: len(winners)]
        own = own_floors(opportunity.request, winners.ad, self.catalog, self.reserve_micros)
        if own is not None:
            floors = own[slot, slot]
            stands = floors < NEVER
            winners, slot, floors = winners.take(stands), slot[stands], floors[stands]
        clicks = np.where(np.isnan(winners.ctr), 1.0, np.maximum(winners.ctr.astype(np.float64), 1e-6))
        events = np.where(self.catalog.billing_click[winners.ad], clicks, 1.0)  # billing events per impression
        price = np.minimum(np.ceil(floors / (1000.0 * events)).astype(np.int64), winners.bid)
        return winners.with_(price=price, slot=slot)
