"""Exploration: a share of the requests is answered by chance, so that the log shows what was never chosen.

As many ads as there are slots are drawn uniformly, without replacement, from all eligible ads, in random order.
Each of n eligible ads is in a given slot with probability 1/n: that is the logged propensity. A winner pays the
least that the rules allow (the reserve or the slot's floor), never above its bid.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import AdRequest, Candidates, Opportunity


class Catalog(Protocol):
    """What exploration asks of the catalog's snapshot."""

    billing_click: NDArray[np.bool_]  # [rows or more] True: the campaign pays per click, else per impression

    def eligible(self, request: AdRequest, now_us: int) -> NDArray[np.uint8]:
        """Packed bits over rows, least significant first."""
        ...


class UniformRetrieval:
    """Draw an ad for every slot."""

    name = "uniform_retrieval"

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  the first stage
        """n = min(slots, eligible ads) candidates with their propensity."""
        request = opportunity.request
        bits = np.unpackbits(self.catalog.eligible(request, request.time_us), bitorder="little")
        rows = np.flatnonzero(bits).astype(np.int32)
        if not len(rows):
            return Candidates.of(rows)
        drawn = opportunity.random.choice(rows, size=min(len(request.slots), len(rows)), replace=False)
        chance = np.full(len(drawn), 1.0 / len(rows), np.float32)
        return Candidates.of(drawn).with_(propensity=chance)


class UniformAuction:
    """Slots in random order, at the lowest price that the rules allow."""

    name = "uniform_auction"

    def __init__(self, catalog: Catalog, *, reserve_micros: int = 0) -> None:
        self.catalog = catalog
        self.reserve_micros = reserve_micros

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """All that bid above nothing win; price in micros per billing event, at most the bid."""
        slots = opportunity.request.slots
        winners = candidates.take(opportunity.random.permutation(len(candidates))[: len(slots)])
        winners = winners.take(winners.bid > 0)
        slot = np.arange(len(winners), dtype=np.int32)
        floors = np.array([max(s.floor_micros, self.reserve_micros) for s in slots], np.int64)[: len(winners)]
        clicks = np.where(np.isnan(winners.ctr), 1.0, np.maximum(winners.ctr.astype(np.float64), 1e-6))
        events = np.where(self.catalog.billing_click[winners.ad], clicks, 1.0)  # billing events per impression
        price = np.minimum(np.ceil(floors / (1000.0 * events)).astype(np.int64), winners.bid)
        return winners.with_(price=price, slot=slot)
