"""Deals: under which of a slot's private deals a campaign may buy it.

A campaign that names deals answers these alone; one that names none buys on the open market. Of several deals that it
may use it takes the one with the lowest floor, the first of equal ones.
"""

from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.contracts.request import Deal, Slot


def usable_deal(campaign: Campaign, advertiser: Advertiser, slot: Slot) -> Deal | None:
    """The deal under which the campaign may take the slot; None where it may not, or needs none."""
    if not campaign.deals or not slot.deals:
        return None
    usable = [deal for deal in slot.deals if deal.id in campaign.deals and invites(deal, advertiser)]
    return min(usable, key=lambda deal: deal.floor_micros, default=None)


def invites(deal: Deal, advertiser: Advertiser) -> bool:
    """Whether the deal is for this advertiser."""
    named = not deal.seats or advertiser.id in deal.seats
    return named and (not deal.domains or advertiser.domain.casefold() in deal.domains)
