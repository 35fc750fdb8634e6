"""The auction stage: ranked candidates in, winners with slot and price out."""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcascade.auction.lot import Award, Lot
from adcascade.auction.terms import Books, agreed_prices, deal_of, own_floors
from adcascade.auction.ties import tie_breaks
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.contracts.worth import ecpms_of

Rule = Callable[[Lot], Award]


class Sellers(Books, Protocol):
    """What the auction reads of the catalog, by row of an ad."""

    @property
    def billing_click(self) -> NDArray[np.bool_]:
        """True: pays per click, else per impression."""
        ...


class AuctionStage:
    """Sells the request's slots by `rule`; the winners leave in the order of their slots.

    reserve_micros: lowest eCPM in any slot, beside the slot's own floor; slot_factors [K]: clicks in slot k for
    one in slot 0, the last one holds for all further slots; one_per: "campaign" (and a campaign's other ads do
    not drive its price), "product" (at most one winner per product, one per campaign too) or "ad" (no rule).
    """

    name = "auction"

    def __init__(
        self,
        rule: Rule,
        catalog: Sellers,
        *,
        reserve_micros: int = 0,
        slot_factors: ArrayLike = (1.0,),
        one_per: Literal["campaign", "product", "ad"] = "campaign",
    ) -> None:
        self.rule = rule
        self.catalog = catalog
        self.reserve_micros = reserve_micros
        self.slot_factors = checked_factors(slot_factors)
        self.one_per = one_per

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """At most one winner per slot with slot, price (micros per billing event) and ecpm set."""
        request = opportunity.request
        if not len(candidates) or not request.slots:
            return candidates.take(np.empty(0, np.int64))
        lot = self.lot(request, candidates)
        award = self.rule(lot)
        winners = candidates.take(award.ad)
        ecpm = ecpms_of(winners.ctr, winners.bid, lot.per_click[award.ad])
        return winners.with_(slot=award.slot, price=self.prices(request, candidates, lot, award), ecpm=ecpm)

    def prices(self, request: AdRequest, candidates: Candidates, lot: Lot, award: Award) -> NDArray[np.int64]:
        """What the winners pay, int64 [m]: by the rule, or as a deal says."""
        slots = request.slots
        if not any(slot.deals for slot in slots):
            return award.price
        pairs = zip(candidates.ad[award.ad].tolist(), award.slot.tolist(), strict=True)
        deals = [deal_of(row, slots[slot], self.catalog) for row, slot in pairs]
        return agreed_prices(award.price, lot, award.ad, award.slot, deals)

    def lot(self, request: AdRequest, candidates: Candidates) -> Lot:
        """What is for sale in the request's slots to these candidates."""
        slots = request.slots
        floor = np.array([max(slot.floor_micros, self.reserve_micros) for slot in slots], np.int64)
        return Lot(
            ctr=candidates.ctr,
            bid=candidates.bid,
            per_click=self.catalog.billing_click[candidates.ad],
            floor=floor,
            factor=self.factors(len(slots)),
            owner=None if self.one_per == "ad" else self.catalog.campaign[candidates.ad],
            rival=self._products(candidates.ad) if self.one_per == "product" else None,
            tie=tie_breaks(candidates.ad, request.id),
            own=own_floors(request, candidates.ad, self.catalog, self.reserve_micros),
        )

    def factors(self, slots: int) -> NDArray[np.float32]:
        """The factor of each of so many slots, float32 [slots]; what a winner's ctr is worth in its slot."""
        known = self.slot_factors
        return known[:slots] if slots <= len(known) else np.append(known, known[-1:].repeat(slots - len(known)))

    def _products(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """A number per product, -1 for an ad that names none: int64 [n]."""
        numbers: dict[str, int] = {}
        ads = self.catalog.ads
        names = [ad.product if (ad := ads[row]) is not None else "" for row in rows.tolist()]
        return np.array([numbers.setdefault(name, len(numbers)) if name else -1 for name in names], np.int64)


def checked_factors(factors: ArrayLike) -> NDArray[np.float32]:
    """Slot factors as float32 [K]; ValueError unless they start with at most 1 and never rise or turn negative."""
    f = np.asarray(factors, np.float32)
    if f.ndim != 1 or not len(f) or not (f[0] <= 1.0 and f[-1] >= 0.0 and np.all(np.diff(f) <= 0)):
        raise ValueError(f"slot factors are {f}; expected some numbers in [0, 1] that never rise")
    return f
