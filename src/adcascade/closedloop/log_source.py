"""LogSource: an installation's own auctions as a world in which bidders learn.

Every logged request of the cascade is one auction: its ranked candidates at today's bids, the best ad a campaign, the
m best of them; the value of one is what an impression is worth at the advertiser's bid. Groups are kinds of billing.
Auctions are drawn with replacement, so a day's order is lost: time in an episode is traffic. One place is for sale;
what a page's further places bring is left out, and so is their share of the budgets.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts.ecpm import THOUSAND, ecpm_of
from adcascade.errors import DataMissingError
from adcascade.events.records import AuctionRecord, Ranked
from adcascade.money.day import DAY_US

GROUPS = ("click", "impression")
BIDDERS = 8  # m, of an auction
LEAST = 100  # auctions, below which nothing can be learned
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """L logged auctions."""

    value: Floats  # [L, m] micros an impression, 0 where fewer took part
    group: NDArray[np.int32]  # [L, m]
    places_a_day: float  # that were sold

    @property
    def groups(self) -> int:
        """Kinds of billing."""
        return len(GROUPS)

    def draw(self, random: np.random.Generator, shape: tuple[int, int, int]) -> tuple[Floats, NDArray[np.int32]]:
        """Values and groups [T, E, N, m] of auctions of the log, with replacement."""
        rows = random.integers(0, len(self.value), shape)
        return self.value[rows], self.group[rows]


def log_source(records: Iterable[AuctionRecord], snapshot: Snapshot) -> LogSource:
    """The auctions of these records; DataMissingError where they are too few to learn from."""
    values, groups, times, sold = [], [], [], 0
    for record in records:
        if record.policy != "cascade" or record.ranked is None:
            continue
        value, group = _bidders(record.ranked, snapshot)
        if value[0] > 0:
            values.append(value)
            groups.append(group)
            times.append(record.time_us)
            sold += len(record.winners)
    if len(values) < LEAST:
        raise DataMissingError(
            f"the log holds {len(values)} auctions of a trained cascade; at least {LEAST} are needed: serve for longer"
        )
    days = max((times[-1] - times[0]) / DAY_US, 1e-3)
    return LogSource(value=np.stack(values), group=np.stack(groups), places_a_day=max(sold, 1) / days)


def _bidders(ranked: Ranked, snapshot: Snapshot) -> tuple[Floats, NDArray[np.int32]]:
    """Values and groups [m] of an auction's best campaigns, best first."""
    ad, ctr = np.frombuffer(ranked.ad, "<i4"), np.frombuffer(ranked.ctr, "<f4")
    here = snapshot.campaign[ad] >= 0
    ad, ctr = ad[here], ctr[here]
    worth = ecpm_of(ctr, snapshot.bid[ad], snapshot.billing_click[ad]) / THOUSAND
    order = np.argsort(-worth, kind="stable")
    _, first = np.unique(snapshot.campaign[ad[order]], return_index=True)
    best = order[np.sort(first)][:BIDDERS]
    value, group = np.zeros(BIDDERS), np.zeros(BIDDERS, np.int32)
    value[: len(best)], group[: len(best)] = worth[best], np.where(snapshot.billing_click[ad[best]], 0, 1)
    return value, group


def daily_budgets(snapshot: Snapshot) -> Floats:
    """Micros a day of each group's active campaigns, [G]; infinite where one of them has no limit."""
    budgets = np.zeros(len(GROUPS))
    for campaign in snapshot.campaigns:
        if campaign.status == "active":
            limit = campaign.daily_budget_micros
            budgets[GROUPS.index(campaign.billing)] += np.inf if limit is None else limit
    return budgets
