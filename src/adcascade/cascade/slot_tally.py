"""SlotTally: what each campaign did since the last control slot, so that a bidder's state is true in the server.

    an answered request   every campaign among the ranked took part once, with its best ad; some won
    an impression         its value is the reward
    a click, a charge     an action, money

The value of an opportunity is what an impression is worth at the advertiser's own bid: ctr * bid per click, or the bid;
in the first slot where it was not won, in its own slot where it was seen. Requests that chance answered are no auctions
and are left out; what was seen, clicked and charged counts whoever chose it.
"""

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.ended_slot import EndedSlot
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.contracts.ecpm import THOUSAND, ecpm_of

COUNTS = ("opportunities", "won", "seen", "actions", "spent")
SUMS = ("bid", "value", "reward")


class SlotTally:
    """Sums by campaign number of a snapshot; campaigns may be added at any time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._begin(0)

    def _begin(self, campaigns: int) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {name: np.zeros(campaigns) for name in (*COUNTS, *SUMS)}

    def _grow(self) -> None:
        new = len(self.snapshot.campaigns) - len(self._sums["spent"])
        if new > 0:
            self._sums = {name: np.append(sums, np.zeros(new)) for name, sums in self._sums.items()}

    def answered(self, ranked: Candidates, winners: NDArray[np.int32]) -> None:
        """A request's ranked candidates, best first, and the rows of the ads that won."""
        self._grow()
        snapshot = self.snapshot
        campaign, best = np.unique(snapshot.campaign[ranked.ad], return_index=True)
        ad = ranked.ad[best]
        worth = ecpm_of(ranked.ctr[best], snapshot.bid[ad], snapshot.billing_click[ad])
        self._sums["opportunities"][campaign] += 1
        self._sums["bid"][campaign] += ranked.ecpm[best] / THOUSAND
        self._sums["value"][campaign] += worth / THOUSAND
        np.add.at(self._sums["won"], snapshot.campaign[winners], 1)

    def seen(self, row: int, slot_ctr: float) -> None:
        """An impression of the ad in this row, in a slot where it is clicked with this probability."""
        self._grow()
        snapshot = self.snapshot
        campaign, bid = snapshot.campaign[row], float(snapshot.bid[row])
        if campaign >= 0:
            self._sums["seen"][campaign] += 1
            self._sums["reward"][campaign] += bid * np.nan_to_num(slot_ctr) if snapshot.billing_click[row] else bid

    def clicked(self, campaign: str) -> None:
        """A click on an ad of this campaign."""
        self._add("actions", campaign, 1)

    def charged(self, campaign: str, micros: int) -> None:
        """Money was booked."""
        self._add("spent", campaign, micros)

    def _add(self, name: str, campaign: str, amount: int) -> None:
        """A token may name a campaign that left the catalog: nobody bids for it any more."""
        self._grow()
        number = self.snapshot.campaign_index_of.get(campaign)
        if number is not None:
            self._sums[name][number] += amount

    def end(self) -> EndedSlot:
        """The slot that ends now, [C] of all campaigns; the next one begins with nothing."""
        self._grow()
        sums = self._sums
        self._begin(len(sums["spent"]))
        opportunities, won, seen, actions, spent = (sums[name].astype(np.int64) for name in COUNTS)
        bid, value, reward = (sums[name] for name in SUMS)
        return EndedSlot(
            opportunities=opportunities,
            won=won,
            seen=seen,
            actions=actions,
            spent=spent,
            bid=bid,
            value=value,
            reward=reward,
        )
