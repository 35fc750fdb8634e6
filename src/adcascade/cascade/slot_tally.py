"""SlotTally: what each campaign did since the last control slot, so that a bidder's state is true in the server.

    an answered request   every campaign among the ranked took part once, with its best ad; some won
    an impression         its value is the reward
    a click, a charge     an action, money

The value of an opportunity is what an impression is worth at the advertiser's own bid: ctr * bid per click, or the bid;
in the first slot where it was not won, in its own slot where it was seen. Requests that chance answered are no auctions
and are left out; what was seen, clicked and charged counts whoever chose it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.bidding.ended_slot import EndedSlot
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.contracts.ecpm import THOUSAND
from adcascade.contracts.worth import Longs, worth_of

COUNTS = ("opportunities", "won", "seen", "actions", "spent")
SUMS = ("bid", "value", "reward")
PLACE = {name: place for place, name in enumerate((*COUNTS, *SUMS))}
OPPORTUNITIES, WON, BID, VALUE = (PLACE[name] for name in ("opportunities", "won", "bid", "value"))
UNPACED: NDArray[np.float64] = np.empty(0)  # pacing factors that leave every bid as it is


class SlotTally:
    """Sums by campaign number of a snapshot; campaigns may be added at any time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._begin(0)

    def _begin(self, campaigns: int) -> None:
        self._sums: NDArray[np.float64] = np.zeros((campaigns, len(PLACE)))  # a campaign's lie side by side
        self._last: NDArray[np.int64] = np.zeros(campaigns, np.int64)  # number of the request it last took part in
        self._requests = 0

    def _grow(self) -> None:
        new = len(self.snapshot.campaigns) - len(self._sums)
        if new > 0:
            self._sums = np.append(self._sums, np.zeros((new, len(PLACE))), axis=0)
            self._last = np.append(self._last, np.zeros(new, np.int64))

    def answered(self, ranked: Candidates, winners: NDArray[np.int32]) -> None:
        """A request's ranked candidates, best first, and the rows of the ads that won."""
        self._grow()
        self._requests += 1
        _, worth = worth_of(ranked.ad, ranked.ctr, self.snapshot, UNPACED)
        told = ranked.ad, ranked.ecpm, worth, winners
        _add_up(told, self.snapshot.campaign, self._sums, self._last, self._requests)

    def seen(self, row: int, slot_ctr: float) -> None:
        """An impression of the ad in this row, in a slot where it is clicked with this probability."""
        self._grow()
        snapshot = self.snapshot
        campaign, bid = snapshot.campaign[row], float(snapshot.bid[row])
        if campaign >= 0:
            self._sums[campaign, PLACE["seen"]] += 1
            reward = bid * np.nan_to_num(slot_ctr) if snapshot.billing_click[row] else bid
            self._sums[campaign, PLACE["reward"]] += reward

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
            self._sums[number, PLACE[name]] += amount

    def end(self) -> EndedSlot:
        """The slot that ends now, [C] of all campaigns; the next one begins with nothing."""
        self._grow()
        sums = {name: self._sums[:, place].copy() for name, place in PLACE.items()}
        self._begin(len(self._sums))
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


@njit(cache=True)
def _add_up(
    told: tuple[NDArray[np.int32], Longs, Longs, NDArray[np.int32]],
    campaign_of: NDArray[np.int32],
    sums: NDArray[np.float64],
    last: Longs,
    request: int,
) -> None:
    """Add a request to sums [C, PLACE]. told: rows, eCPM and worth [n] of the ranked, best first; rows that won [m]."""
    ad, ecpm, worth, winners = told
    for i in range(len(ad)):
        campaign = campaign_of[ad[i]]
        if campaign < 0 or last[campaign] == request:
            continue
        last[campaign] = request
        sums[campaign, OPPORTUNITIES] += 1
        sums[campaign, BID] += ecpm[i] / THOUSAND
        sums[campaign, VALUE] += worth[i] / THOUSAND
    for i in range(len(winners)):
        if campaign_of[winners[i]] >= 0:
            sums[campaign_of[winners[i]], WON] += 1
