"""The world of a trial: campaigns whose budgets and wallets run out all the time, and a clock that hurries.

Half of the campaigns have small daily budgets, some a small total, some a wallet that is filled up now and then; a
few are rich, so that billing never stops. All of it follows from the plan.
"""

import random
import time
from pathlib import Path

import msgspec

from adcascade.catalog.changes import Changes
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.money.bank import BankConfig
from adcascade.money.day import DAY_US
from adcascade.money.terms import Budget

FIRST_DAY = 20_400
CAMPAIGNS = 64
ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Asia/Kathmandu")
FEES = (0, 0, 250, 1_999)
RICH = 10**14


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A trial, by command. day_s: a day of the world lasts so many seconds; began: reading of the monotonic clock."""

    events: int
    processes: int
    seed: int
    store: str
    url: str  # of the books; "" where they lie in the journal
    folder: str
    day_s: float
    began: float
    kill_every_s: float
    skew_s: float

    def now_us(self, skew_s: float = 0.0) -> int:
        """The world's time."""
        elapsed_s = time.monotonic() - self.began + skew_s
        return FIRST_DAY * DAY_US + DAY_US // 2 + round(elapsed_s / self.day_s * DAY_US)

    @property
    def day_us(self) -> int:
        """Microseconds of the world in a day of it."""
        return DAY_US

    def bank(self) -> BankConfig:
        """Promises live a tenth of a day, leases a quarter; the grace is half a day, and 10 s at least."""
        grace_s = max(self.day_s / 2, 10.0)
        return BankConfig(
            ttl_us=DAY_US // 10,
            lease_us=DAY_US // 4,
            share=8,
            prices=12,
            retry_us=DAY_US // 6,
            grace_us=round(grace_s / self.day_s * DAY_US) if self.url else 0,
        )

    def journal(self, worker: int) -> Path:
        """One journal for all where they share the books in it; else each its own, as a machine of its own."""
        return Path(self.folder) / (f"journal-{worker}.db" if self.url else "journal.db")

    def acks(self, worker: int, life: int) -> Path:
        """Where the acknowledgements of one life of a worker are noted."""
        return Path(self.folder) / f"acks-{worker}-{life}.txt"


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns, what they pay for an event, and their budgets; by number of the campaign."""

    advertisers: list[Advertiser]
    campaigns: list[Campaign]
    prices: list[int]

    def budgets(self) -> dict[str, Budget]:
        """The terms that banks put in force."""
        by_name = {advertiser.id: advertiser for advertiser in self.advertisers}
        return {
            campaign.id: Budget(
                daily=campaign.daily_budget_micros,
                total=campaign.total_budget_micros,
                advertiser=campaign.advertiser,
                prepaid=by_name[campaign.advertiser].prepaid,
                fee_bp=by_name[campaign.advertiser].fee_bp,
                timezone=by_name[campaign.advertiser].timezone,
            )
            for campaign in self.campaigns
        }

    def prepaid(self) -> list[tuple[str, int]]:
        """(advertiser, micros of one top-up) of those who pay beforehand."""
        return [
            (advertiser.id, 60 * self.prices[number])
            for number, advertiser in enumerate(self.advertisers)
            if advertiser.prepaid
        ]

    def snapshot(self) -> Snapshot:
        """One ad a campaign, in the order of the campaigns."""
        ads = [
            (row, Ad(id=f"ad{row}", campaign=campaign.id, title="shoe", url="https://shop.example/"))
            for row, campaign in enumerate(self.campaigns)
        ]
        snapshot = Snapshot()
        snapshot.apply(
            Changes(version=1, advertisers=tuple(self.advertisers), campaigns=tuple(self.campaigns), ads=tuple(ads))
        )
        return snapshot


def world_of(plan: Plan) -> World:
    """Sixty-four campaigns of sixteen advertisers."""
    chance = random.Random(plan.seed)  # noqa: S311  not a secret
    advertisers = [
        Advertiser(
            id=f"v{number}",
            timezone=ZONES[number % len(ZONES)],
            prepaid=number % 4 == 3,
            fee_bp=FEES[chance.randrange(len(FEES))],
        )
        for number in range(CAMPAIGNS // 4)
    ]
    campaigns, prices = [], []
    share = max(8, plan.events // 40 // CAMPAIGNS)  # events that a tight campaign can pay in a day
    for number in range(CAMPAIGNS):
        price = chance.randrange(100_000, 2_000_000)
        daily: int | None = price * chance.randrange(3, 2 * share) + chance.randrange(price)
        total: int | None = None
        kind = number // len(advertisers)
        if kind == 1:  # a total, and every other one a day's limit beside it
            total = price * chance.randrange(3, 4 * share) + chance.randrange(price)
            daily = daily if number % 2 else None
        elif kind == 2 and not advertisers[number % len(advertisers)].prepaid:
            daily = None if number % 3 == 0 else RICH
        elif kind == 3:
            daily = None if advertisers[number % len(advertisers)].prepaid else daily
        prices.append(price)
        campaigns.append(
            Campaign(
                id=f"c{number}",
                advertiser=advertisers[number % len(advertisers)].id,
                billing="click" if number % 5 else "impression",
                bid_micros=price,
                daily_budget_micros=daily,
                total_budget_micros=total,
            )
        )
    return World(advertisers=advertisers, campaigns=campaigns, prices=prices)
