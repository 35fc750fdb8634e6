"""Budgets: keeps the catalog's limits, the bank's promises, the control slot's tally and the pacer's plan in step."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.day_curve import planned_share
from adcascade.bidding.ended_slot import Pacing
from adcascade.cascade.slot_tally import SlotTally
from adcascade.cascade.spending import Spending, spending
from adcascade.catalog.nouns import Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.money.bank import Bank, Budget
from adcascade.money.day import DAY_US, day_of


class Budgets:
    """What each campaign spent today, and a control slot that moves the pacing factors.

    pacer: None bids as advertisers bid. spent_today: micros by campaign id, of a server that was restarted.
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
    ) -> None:
        self.snapshot, self.bank, self.pacer, self.control_us = snapshot, bank, pacer, control_us
        self.tally = SlotTally(snapshot)
        self.spending = Spending()  # as of the last control slot
        self._day, self._last_us = day_of(now_us), now_us
        self._spent: dict[str, int] = dict(spent_today or {})
        self._waiting: dict[str, Budget] = {}

    def changed(self, campaigns: Iterable[Campaign], now_us: int) -> None:
        """Campaigns are new or have other limits. Where the ledger refuses (StoreError) they wait for the next call."""
        self._waiting |= {c.id: Budget(c.daily_budget_micros, c.total_budget_micros) for c in campaigns}
        if self._waiting:
            self.bank.set_budgets(self._waiting, now_us)
            self._waiting = {}

    def charged(self, campaign: str, micros: int, now_us: int) -> None:
        """A charge was booked."""
        self._roll(now_us)
        self._spent[campaign] = self._spent.get(campaign, 0) + micros
        self.tally.charged(campaign, micros)

    def control(self, now_us: int) -> bool:
        """Once per control slot: release what expired, move the pacing factors. True when a slot has ended."""
        if now_us - self._last_us < self.control_us:
            return False
        self._last_us = now_us
        self._roll(now_us)
        ended = self.tally.end()
        if self.pacer is not None:
            campaigns = self.snapshot.campaigns
            spent = np.array([self._spent.get(c.id, 0) for c in campaigns], np.int64)
            budget = np.array([-1 if c.daily_budget_micros is None else c.daily_budget_micros for c in campaigns])
            even: NDArray[np.bool_] = np.array([c.pacing == "even" for c in campaigns], np.bool_)
            budget, part = budget.astype(np.int64), now_us % DAY_US / DAY_US
            self.pacer.update(spent, budget, part, even, ended)
            due = planned_share(self.pacer.curve, part)
            self.spending = spending(spent, budget, np.asarray(self.pacer.alpha), even, due)
        return True

    def spent_today(self) -> dict[str, int]:
        """Micros by campaign id, since the beginning of the UTC day."""
        return dict(self._spent)

    def _roll(self, now_us: int) -> None:
        if day_of(now_us) > self._day:
            self._day = day_of(now_us)
            self._spent.clear()
