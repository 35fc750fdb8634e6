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
    told = zip(rows.tolist(), books.campaign[rows].tolist(), books.advertiser[rows].tolist(), strict=True)
    nowhere = [NEVER] * len(slots)
    everywhere = [max(slot.floor_micros, reserve_micros) for slot in slots]
    floors = []
    for row, number, owner in told:
        ad, campaign, advertiser = books.ads[row], books.campaigns[number], books.advertisers[owner]
        if ad is None or not admitted(ad, advertiser, request.rules):
            floors.append(nowhere)
        elif alike:
            floors.append(nowhere if campaign.deals else everywhere)
        else:
            own = [_floor(campaign, advertiser, slot) if _stands(ad, slot) else None for slot in slots]
            floors.append([NEVER if floor is None else max(floor, reserve_micros) for floor in own])
    return np.array(floors, np.int64).reshape(len(rows), len(slots))


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
    if rules.blocked_codes and _any_within(ad.iab, rules.blocked_codes):
        return False
    wanted = rules.categories
    return not wanted or _any_within(ad.iab, wanted) or any(name in wanted for name in parents(ad.category))


def _any_within(codes: Sequence[str], named: Sequence[str]) -> bool:
    """Whether one of an ad's codes, or the code above it, is named."""
    return any(code in named or code.partition("-")[0] in named for code in codes)


def _floor(campaign: Campaign, advertiser: Advertiser, slot: Slot) -> int | None:
    """The deal's floor, the slot's, or None where the ad may not buy."""
    if not campaign.deals:
        return None if slot.private else slot.floor_micros
    deal = usable_deal(campaign, advertiser, slot)
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
