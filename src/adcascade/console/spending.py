"""Spending: what campaigns have spent on the day that runs for their advertiser, and ever, by the ledger."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from adcascade.catalog.nouns import Campaign


class Books(Protocol):
    """What is asked of `money.books.Books`."""

    @property
    def trouble(self) -> str:
        """Why they cannot be reached."""
        ...

    def today(self, advertiser: str, now_us: int) -> int:
        """Number of the day that runs for the advertiser."""
        ...

    def spent(self, campaign: str, day: int | None = None) -> int:
        """Micros of a day, or ever."""
        ...


class Spent(msgspec.Struct, frozen=True):
    """Micros charged, fees and refunds as the ledger books them."""

    today: int
    ever: int


def spent_today(books: Books, campaigns: Sequence[Campaign], now_us: int) -> dict[str, int]:
    """Micros by campaign; {} while the books cannot be reached, since a campaign can be paused without them."""
    if books.trouble:
        return {}
    days = {one: books.today(one, now_us) for one in dict.fromkeys(campaign.advertiser for campaign in campaigns)}
    return {campaign.id: books.spent(campaign.id, days[campaign.advertiser]) for campaign in campaigns}


def spent(books: Books, campaign: Campaign, now_us: int) -> Spent | None:
    """Of one campaign; None while the books cannot be reached."""
    if books.trouble:
        return None
    return Spent(spent_today(books, [campaign], now_us)[campaign.id], books.spent(campaign.id))
