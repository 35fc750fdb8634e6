"""VCG over slates where ads do not move each other's clicks: P(click of i in slot k) = ctr_i * factor_k.

The rule of pages without organic items (blending.py says how it chooses and prices). Only the CANDIDATES ads of
the highest first-slot eCPM make up slates, one per owner, more of them where there are more slots. An owner's other ads
then neither win nor set its price.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.allocation import ranking
from adcascade.auction.blending import Longs, SlateLot, VirtualBids, vcg_slates
from adcascade.auction.lot import NEVER, Award, Lot
from adcascade.auction.slates import Places, once_a_group, slates_for
from adcascade.contracts.ecpm import parts_per_billion, share_of

CANDIDATES = 6  # N


class Field(NamedTuple):
    """Who takes part, and in which slates."""

    ad: NDArray[np.int64]  # [N] index into the lot
    slates: Places  # [S, K]


class Sale(NamedTuple):
    """What a page sold."""

    award: Award
    slate: int  # place in the field's slates


def vcg(lot: Lot) -> Award:
    """Sell the slots as one page; each winner pays what it takes from the others."""
    field = field_of(lot, CANDIDATES)
    return sell(lot, field, separable_clicks(lot, field)).award


def field_of(lot: Lot, candidates: int) -> Field:
    """The best of each owner by first-slot eCPM, at most `candidates` or one more than slots, and their slates."""
    ecpm, slots = lot.ecpm(), len(lot.floor)
    order = ranking(ecpm, lot.tie)
    order = order[ecpm[order] > 0]
    if lot.own is not None:
        order = order[(lot.own[order] < NEVER).any(axis=1)]
    if lot.owner is not None:
        order = order[_first_of_each(lot.owner[order])]
    ad = order[: max(candidates, slots + 1)]
    slates = slates_for(lot.ctr[ad], ecpm[ad], slots, gaps=lot.own is not None)
    return Field(ad, slates if lot.rival is None else once_a_group(slates, lot.rival[ad]))


def separable_clicks(lot: Lot, field: Field) -> Longs:
    """ctr times the slot's factor, parts per billion [S, K]; 0 where none stands."""
    parts = np.append(parts_per_billion(lot.ctr[field.ad]), 0)  # the last is nobody
    return share_of(parts[field.slates], lot.parts())


def sell(
    lot: Lot, field: Field, clicks: Longs, organic: Longs | None = None, virtual: VirtualBids | None = None
) -> Sale:
    """Choose and price by the clicks of ads [S, K] and of organic items [S, O], parts per billion."""
    if not len(field.ad):
        none = np.empty(0, np.int64)
        return Sale(Award(ad=none, slot=none.astype(np.int32), price=none), 0)
    nothing = np.zeros((len(field.slates), 0), np.int64)
    page = SlateLot(
        slates=field.slates,
        clicks=clicks[None],
        organic=(nothing if organic is None else organic)[None],
        bid=lot.bid[field.ad][None],
        per_click=lot.per_click[field.ad][None],
        floor=_floors(lot, field),
    )
    sold = vcg_slates(page, virtual or VirtualBids())
    slate = int(sold.slate[0])
    slot = np.flatnonzero(field.slates[slate] >= 0)
    ad = field.ad[field.slates[slate, slot]]
    return Sale(Award(ad=ad, slot=slot.astype(np.int32), price=sold.price[0, slot]), slate)


def _floors(lot: Lot, field: Field) -> Longs:
    """Of the slots [K], or of each ad where it stands [S, K]."""
    if lot.own is None:
        return lot.floor
    return np.asarray(lot.own[field.ad[field.slates], np.arange(field.slates.shape[1])], np.int64)


def _first_of_each(group: NDArray[np.integer]) -> NDArray[np.int64]:
    """Places [m] of the first member of each group [n], and of all that belong to none, in order."""
    _, first = np.unique(group, return_index=True)
    return np.union1d(first[group[first] >= 0], np.flatnonzero(group < 0))
