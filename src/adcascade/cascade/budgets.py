"""Budgets: keeps the catalog's limits, the bank's promises, the control slot's tally and the pacer's plan in step.

A day is the campaign's own, of its advertiser's zone. Here a change of zone counts at once; the ledger's day may last
longer (see money/day.py), and then the plan of that one day is not kept, while its budget is.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.day_curve import planned_share
from adcascade.bidding.ended_slot import Pacing
from adcascade.cascade.slot_tally import SlotTally
from adcascade.cascade.spend_watch import SpendWatch
from adcascade.cascade.spending import Spending, spending
from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.money.bank import Bank, Budget
from adcascade.money.day import DAY_US, Day, local_day


def budget_of(campaign: Campaign, snapshot: Snapshot) -> Budget:
    """The campaign's limits, and the rules of its advertiser."""
    return _budget(campaign, snapshot.advertisers[snapshot.advertiser_index_of[campaign.advertiser]])


def budgets_of(snapshot: Snapshot) -> dict[str, Budget]:
    """Of all campaigns, by id."""
    payers = {advertiser.id: advertiser for advertiser in snapshot.advertisers}
    return {campaign.id: _budget(campaign, payers[campaign.advertiser]) for campaign in snapshot.campaigns}


def _budget(campaign: Campaign, advertiser: Advertiser) -> Budget:
    return Budget(
        campaign.daily_budget_micros,
        campaign.total_budget_micros,
        advertiser.id,
        advertiser.prepaid,
        advertiser.fee_bp,
        advertiser.timezone,
    )


class Budgets:
    """What each campaign spent today, and a control slot that moves the pacing factors.

    pacer: None bids as advertisers bid. spent_today: micros by campaign id, of a server that was restarted. spent_of:
    asks the ledger for the same as of a time; once per control slot, so that what other processes charged is known.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        bank: Bank,
        pacer: Pacing | None,
        *,
        control_us: int,
        now_us: int,
        spent_today: Mapping[str, int] | None = None,
        spent_of: Callable[[int], Mapping[str, int]] | None = None,
    ) -> None:
        self.snapshot, self.bank, self.pacer, self.control_us = snapshot, bank, pacer, control_us
        self.tally = SlotTally(snapshot)
        self.watch = SpendWatch()
        self.spending = Spending()  # as of the last control slot
        self._last_us = self._seen_us = now_us
        self._days: dict[str, Day] = {}  # by zone
        self._spent = {name: (self._today(name, now_us).number, micros) for name, micros in (spent_today or {}).items()}
        self._waiting: dict[str, Budget] = {}
        self._spent_of, self._asked_us = spent_of, now_us
        self._heard: tuple[int, Mapping[str, int]] | None = None  # when the ledger was asked, and what it said

    def prepare(self, now_us: int) -> None:
        """Ask the ledger, once per control slot; may be called from a thread beside the requests."""
        if self._spent_of is not None and now_us - self._asked_us >= self.control_us:
            self._asked_us = now_us
            self._heard = now_us, self._spent_of(now_us)

    def changed(self, campaigns: Iterable[Campaign], now_us: int) -> None:
        """Campaigns are new or have other terms. Where the ledger refuses (StoreError) they wait for the next call."""
        self._waiting |= {campaign.id: budget_of(campaign, self.snapshot) for campaign in campaigns}
        if self._waiting:
            self.bank.set_budgets(self._waiting, now_us)
            self._waiting = {}

    def charged(self, campaign: str, micros: int, now_us: int) -> None:
        """A charge was booked."""
        self._seen_us = max(self._seen_us, now_us)
        day = self._today(campaign, now_us).number
        self._spent[campaign] = (day, self._spent_on(campaign, day) + micros)
        self.tally.charged(campaign, micros)

    def control(self, now_us: int) -> bool:
        """Once per control slot: release what expired, move the pacing factors. True when a slot has ended."""
        if now_us - self._last_us < self.control_us:
            return False
        self._last_us = self._seen_us = now_us
        self._listen()
        ended = self.tally.end()
        if self.pacer is not None:
            campaigns = self.snapshot.campaigns
            days = [self._today(c.id, now_us) for c in campaigns]
            begins = np.array([day.begins_us for day in days], np.int64)
            fraction = (now_us - begins) / np.maximum(np.array([day.ends_us for day in days], np.int64) - begins, 1)
            spent = np.array(
                [self._spent_on(c.id, day.number) for c, day in zip(campaigns, days, strict=True)], np.int64
            )
            budget = np.array(
                [-1 if c.daily_budget_micros is None else c.daily_budget_micros for c in campaigns], np.int64
            )
            even: NDArray[np.bool_] = np.array([c.pacing == "even" for c in campaigns], np.bool_)
            midnight = begins % DAY_US / DAY_US
            planned = np.broadcast_to(planned_share(self.pacer.curve, fraction, midnight), len(campaigns))
            self.watch.slot(spent, np.where(even, budget, -1), planned, now_us)
            self.pacer.update(spent, budget, fraction, even, ended, begins=midnight)
            self.spending = spending(spent, budget, np.asarray(self.pacer.alpha), even, planned)
        return True

    def spent_today(self) -> dict[str, int]:
        """Micros by campaign id, since the beginning of its day."""
        spent = {name: self._spent_on(name, self._today(name, self._seen_us).number) for name in self._spent}
        return {name: micros for name, micros in spent.items() if micros}

    def pacing_error(self) -> dict[str, float | None]:
        """The spend error, see SpendWatch.errors; None where nothing is known yet."""
        return self.watch.errors()

    def _listen(self) -> None:
        """What the ledger knows, where that is more than this process does; less is only older."""
        (asked_us, spent), self._heard = self._heard or (0, {}), None
        for name, micros in spent.items():
            day = self._today(name, asked_us).number
            if self._spent.get(name, (day, 0))[0] <= day:
                self._spent[name] = (day, max(micros, self._spent_on(name, day)))

    def _spent_on(self, campaign: str, day: int) -> int:
        known, micros = self._spent.get(campaign, (day, 0))
        return micros if known == day else 0

    def _today(self, campaign: str, now_us: int) -> Day:
        """The day that runs where the campaign's advertiser is."""
        place = self.snapshot.campaign_index_of.get(campaign)
        zone = "UTC"
        if place is not None:
            snapshot = self.snapshot
            payer = snapshot.campaigns[place].advertiser
            zone = snapshot.advertisers[snapshot.advertiser_index_of[payer]].timezone
        day = self._days.get(zone)
        if day is None or not day.holds(now_us):
            day = self._days[zone] = local_day(zone, now_us)
        return day
