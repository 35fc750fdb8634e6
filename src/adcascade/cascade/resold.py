"""Resold: a request of the log with the ads' names, and sold once more by every rule of the auction.

The log keeps the ranked candidates with click probability and bid (events/records.py), so that another rule needs
nothing but these. It keeps no slots: what is sold again are as many as were filled, without floors, deals or rules of
their own, at the installation's reserve and slot factors. Another bundle is not asked: to open one, all ads of the
catalog are encoded anew; an experiment compares bundles instead.
"""

from collections.abc import Sequence
from math import isnan

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.auction import METHODS, AuctionStage
from adcascade.auction.lot import Award, Lot, value_in_slot
from adcascade.cascade.build import Loaded
from adcascade.cascade.exploration import UniformAuction
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Slot
from adcascade.contracts.worth import ecpms_of
from adcascade.events.records import AuctionRecord, Ranked, Winner

GONE = "row {} (no longer in the catalog)"


class RankedAd(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate of the auction as the log keeps it; None: the stage did not say."""

    ad: str
    retrieval: float | None
    preranking: float | None
    ctr: float | None
    cvr: float | None
    bid_micros: int
    ecpm_micros: int


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A slot, who has it, and what a click or an impression costs him."""

    slot: int
    ad: str
    price_micros: int
    billing: str


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule sells. revenue_micros: expected of a thousand such pages."""

    name: str
    sold: tuple[Sold, ...]
    revenue_micros: int


class Resold(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the log: winners, candidates, and what each rule would have sold; no rules without candidates."""

    winners: tuple[Sold, ...]
    revenue_micros: int | None  # expected of a thousand such pages; None: nobody knew the clicks
    ranked: tuple[RankedAd, ...]
    rules: tuple[Rule, ...]


def resold(record: AuctionRecord, loaded: Loaded) -> Resold:
    """The record with names, and under every rule."""
    snapshot = loaded.snapshot
    winners = tuple(
        Sold(slot=one.slot, ad=name_of(snapshot, one.ad), price_micros=one.price_micros, billing=one.billing)
        for one in record.winners
    )
    if record.ranked is None:
        return Resold(winners=winners, revenue_micros=earned(record.winners), ranked=(), rules=())
    candidates, stage = candidates_of(record.ranked), auction_of(loaded)
    here = candidates.take(candidates.ad < snapshot.n)  # another catalog stands here than when it was logged
    slots = max((one.slot for one in record.winners), default=0) + 1
    rules = tuple(sell(name, record, slots, here, stage) for name in METHODS) if len(here) else ()
    ranked = _ranked(record.ranked, candidates, snapshot)
    return Resold(winners=winners, revenue_micros=earned(record.winners), ranked=ranked, rules=rules)


def earned(winners: Sequence[Winner]) -> int | None:
    """Expected of a thousand pages with these winners, micros; None where the clicks of one are unknown."""
    total = sum(1000 * one.price_micros * (one.slot_ctr if one.billing == "click" else 1.0) for one in winners)
    return None if isnan(total) else round(total)


def name_of(snapshot: Snapshot, row: int) -> str:
    """The ad's id; a sentence where the catalog holds none any more."""
    known = snapshot.ad_ids[row] if row < snapshot.n else ""
    return known or GONE.format(row)


def candidates_of(ranked: Ranked) -> Candidates:
    """The logged bytes as candidates, in their order."""
    return Candidates.of(np.frombuffer(ranked.ad, "<i4").astype(np.int32)).with_(
        ctr=np.frombuffer(ranked.ctr, "<f4").astype(np.float32),
        cvr=np.frombuffer(ranked.cvr, "<f4").astype(np.float32),
        bid=np.frombuffer(ranked.bid, "<i8").astype(np.int64),
        ecpm=np.frombuffer(ranked.ecpm, "<i8").astype(np.int64),
    )


def auction_of(loaded: Loaded) -> AuctionStage:
    """The auction of the bundle that serves; before the first training, one with the same reserve."""
    stage = loaded.engine.close.places[0].stage
    if isinstance(stage, AuctionStage):
        return stage
    reserve = stage.reserve_micros if isinstance(stage, UniformAuction) else 0
    return AuctionStage(METHODS["gsp"], loaded.snapshot, reserve_micros=reserve)


def sell(name: str, record: AuctionRecord, slots: int, candidates: Candidates, stage: AuctionStage) -> Rule:
    """So many slots by the rule of this name; ties fall as they did."""
    request = AdRequest(
        id=record.id, time_us=record.time_us, slots=tuple(Slot(id=str(number)) for number in range(slots))
    )
    lot = stage.lot(request, candidates)
    award = METHODS[name](lot)
    revenue, catalog = revenue_of(lot, award), stage.catalog
    sold = tuple(
        Sold(
            slot=slot, ad=ad.id if (ad := catalog.ads[row]) is not None else GONE.format(row), price_micros=price,
            billing="click" if catalog.billing_click[row] else "impression",
        )
        for row, slot, price in zip(
            candidates.ad[award.ad].tolist(), award.slot.tolist(), award.price.tolist(), strict=True
        )
    )  # fmt: skip
    return Rule(name=name, sold=sold, revenue_micros=revenue)


def revenue_of(lot: Lot, award: Award) -> int:
    """Expected of a thousand pages, micros: each price as an eCPM in its slot."""
    per_click, parts = lot.per_click[award.ad], lot.parts()
    ecpm = ecpms_of(lot.ctr[award.ad], award.price, per_click)
    return sum(
        int(value_in_slot(ecpm[i : i + 1], per_click[i : i + 1], int(parts[slot]))[0])
        for i, slot in enumerate(award.slot.tolist())
    )


def _ranked(ranked: Ranked, candidates: Candidates, snapshot: Snapshot) -> tuple[RankedAd, ...]:
    retrieval, preranking = np.frombuffer(ranked.retrieval, "<f4"), np.frombuffer(ranked.preranking, "<f4")
    return tuple(
        RankedAd(
            ad=name_of(snapshot, row), retrieval=_known(retrieval, i), preranking=_known(preranking, i),
            ctr=_known(candidates.ctr, i), cvr=_known(candidates.cvr, i), bid_micros=int(candidates.bid[i]),
            ecpm_micros=int(candidates.ecpm[i]),
        )
        for i, row in enumerate(candidates.ad.tolist())
    )  # fmt: skip


def _known(values: NDArray[np.floating], place: int) -> float | None:
    return None if np.isnan(values[place]) else float(values[place])
