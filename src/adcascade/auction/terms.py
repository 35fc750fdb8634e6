"""Terms: on what terms each candidate may take each slot.

Candidates are eligible for the request: they fit one of its slots, at least. Where slots differ, or deals, seats and
codes restrict who may stand in them, an ad has a floor of its own in every slot: the deal's under which it buys, else
the slot's, and NEVER where it may not stand.

Letters in shapes: n candidates, K slots.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.lot import NEVER, Lot
from adcascade.auction.price import least_to_reach
from adcascade.catalog.deals import usable_deal
from adcascade.catalog.formats import fits
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.words import parents
from adcascade.contracts.request import AdRequest, Deal, Rules, Slot

ANY = Rules()


class Books(Protocol):
    """Who stands behind the rows of the catalog."""

    @property
    def campaign(self) -> NDArray[np.int32]:
        """Number of the ad's campaign, by row."""
        ...

    @property
    def ads(self) -> Sequence[Ad | None]:
        """The ads; None where a row is no longer taken."""
        ...

    @property
    def campaigns(self) -> Sequence[Campaign]:
        """By number."""
        ...

    @property
    def advertiser(self) -> NDArray[np.int32]:
        """Number of the ad's advertiser, by row."""
        ...

    @property
    def advertisers(self) -> Sequence[Advertiser]:
        """By number."""
        ...


def own_floors(
    request: AdRequest, rows: NDArray[np.int32], books: Books, reserve_micros: int
) -> NDArray[np.int64] | None:
    """The lowest eCPM at which each ad may take each slot, int64 [n, K]; None where the slots' floors say it all."""
    slots, alike = request.slots, _alike(request.slots)
    if alike and request.rules == ANY:
        return None
    floors = np.full((len(rows), len(slots)), NEVER, np.int64)
    for i, row in enumerate(rows.tolist()):
        ad = books.ads[row]
        if ad is None or not admitted(ad, books.advertisers[books.advertiser[row]], request.rules):
            continue
        for k, slot in enumerate(slots):
            floor = _floor(row, slot, books)
            if floor is not None and (alike or _stands(ad, slot)):
                floors[i, k] = max(floor, reserve_micros)
    return floors


def deal_of(row: int, slot: Slot, books: Books) -> Deal | None:
    """The deal under which the ad of this row takes the slot; None on the open market."""
    if not slot.deals:
        return None
    return usable_deal(books.campaigns[books.campaign[row]], books.advertisers[books.advertiser[row]], slot)


def agreed_prices(
    price: NDArray[np.int64], lot: Lot, ad: NDArray[np.int64], slot: NDArray[np.int32], deals: Sequence[Deal | None]
) -> NDArray[np.int64]:
    """What each winner pays where a deal says how: price, ad (places in the lot), slot and deals are [m]."""
    agreed = price.copy()
    for i, deal in enumerate(deals):
        if deal is None:
            continue
        if deal.first_price:
            agreed[i] = lot.bid[ad[i]]
        elif deal.fixed:
            floor = np.array([lot.least(int(slot[i]))[ad[i]]], np.int64)
            agreed[i] = least_to_reach(lot, ad[i : i + 1], slot[i : i + 1], floor)[0]
    return agreed


def admitted(ad: Ad, advertiser: Advertiser, rules: Rules) -> bool:
    """Whether the seller's rules let the ad in."""
    if rules.seats and advertiser.id not in rules.seats:
        return False
    if rules.blocked_apps and str(ad.attributes.get("bundle", "")) in rules.blocked_apps:
        return False
    codes = [name for code in ad.iab for name in {code, code.partition("-")[0]}]
    if rules.blocked_codes and any(code in rules.blocked_codes for code in codes):
        return False
    return not rules.categories or any(name in rules.categories for name in (*codes, *parents(ad.category)))


def _floor(row: int, slot: Slot, books: Books) -> int | None:
    """The deal's floor, the slot's, or None where the ad may not buy."""
    campaign = books.campaigns[books.campaign[row]]
    if not campaign.deals:
        return None if slot.private else slot.floor_micros
    deal = usable_deal(campaign, books.advertisers[books.advertiser[row]], slot)
    return None if deal is None else deal.floor_micros


def _alike(slots: Sequence[Slot]) -> bool:
    """Whether an ad that fits one slot fits and may buy all of them, on the same terms."""
    first = slots[0]
    return not any(
        slot.deals
        or slot.private
        or slot.video is not None
        or (slot.format, slot.width, slot.height, slot.also) != (first.format, first.width, first.height, first.also)
        or any(look.video is not None for look in slot.also)
        for slot in slots
    )


def _stands(ad: Ad, slot: Slot) -> bool:
    """Whether one of the ad's looks fits; an ad without creatives shows its product."""
    if not ad.creatives:
        return slot.format == "product" or any(look.format == "product" for look in slot.also)
    return any(fits(creative, slot) for creative in ad.creatives)
