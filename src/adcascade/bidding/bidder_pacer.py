"""BidderPacer: lets any Bidder move the pacing factors of the server, one campaign at a time.

Once per control slot each campaign's bidder is asked with the campaign's own state and the day's earlier slots, just as
the market asks it; its answer is held within [LOWEST, 1], so nobody pays above the advertiser's bid. Campaigns that
share a bidder are asked at once where it can be (`GroupBidder`); a question costs 10 to 30 microseconds a campaign.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.day_curve import flat_curve, planned_share
from adcascade.bidding.ended_slot import EndedSlot
from adcascade.contracts.bidder import Bidder, BidState, GroupBidder, PastSlot

LOWEST = 0.01  # who bids nothing at all sees nothing of its market either


class BidderPacer:
    """alpha [C] by campaign number; `bidder_of(number)` is asked for a campaign's bidder when it first appears.

    slots: control slots of a day; kept: so many of the day's earlier slots are shown to a bidder, each costs some 300
    bytes a campaign. Until its bidder is first asked a campaign bids in full, and that slot is not shown. After a
    restart the earlier slots are not known, but what was spent is. `alpha` is replaced as a whole and never written
    into, so a reader in another thread sees one state or the other.
    """

    def __init__(self, bidder_of: Callable[[int], Bidder], *, slots: int, kept: int = 48) -> None:
        self.curve: NDArray[np.float64] = flat_curve()
        self.alpha: NDArray[np.float64] = np.ones(0)
        self._bidder_of, self._slots, self._kept = bidder_of, slots, kept
        self._bidders: list[Bidder] = []
        self._states: list[BidState] = []  # as each campaign stood before the slot that ends now
        self._histories: list[list[PastSlot]] = []
        self._fraction: NDArray[np.float64] = np.zeros(0)  # of each campaign's day, at the last slot

    def update(
        self,
        spent_micros: NDArray[np.int64],
        budget_micros: NDArray[np.int64],
        day_fraction: float | NDArray[np.float64],
        even: NDArray[np.bool_] | None = None,
        ended: EndedSlot | None = None,
        *,
        begins: float | NDArray[np.float64] = 0.0,
    ) -> NDArray[np.float64]:
        """A control slot has ended; arrays [C] as in `Pacer.update`. Without `ended` nothing is known of the slot.

        Who has no budget, or wants it spent fast, keeps alpha 1 and is not asked. Returns the new alpha.
        """
        campaigns = len(spent_micros)
        fraction = np.broadcast_to(day_fraction, campaigns)
        self._remember(EndedSlot.nothing(campaigns) if ended is None else ended, fraction)
        limited = budget_micros >= 0 if even is None else (budget_micros >= 0) & even
        planned = np.broadcast_to(planned_share(self.curve, fraction, begins), campaigns)
        self._states = [
            BidState(
                time_left=1.0 - time,
                planned=due,
                budget=budget if budget >= 0 else None,
                spent=spent,
                slots=self._slots,
            )
            for budget, spent, time, due in zip(
                budget_micros.tolist(), spent_micros.tolist(), fraction.tolist(), planned.tolist(), strict=True
            )
        ]
        self.alpha = np.clip(self._answers(np.flatnonzero(limited).tolist()), LOWEST, 1.0)
        return self.alpha

    def _answers(self, asked: list[int]) -> NDArray[np.float64]:
        """What the bidders of the campaigns `asked` say, and 1 for the others, [C]; a group is asked at once."""
        alpha = np.ones(len(self._bidders))
        groups: dict[int, list[int]] = defaultdict(list)
        for number in asked:
            groups[id(self._bidders[number])].append(number)
        for numbers in groups.values():
            bidder = self._bidders[numbers[0]]
            states, histories = [self._states[n] for n in numbers], [self._histories[n] for n in numbers]
            if isinstance(bidder, GroupBidder):
                alpha[numbers] = bidder.alphas(states, histories)
            else:
                alpha[numbers] = [bidder.alpha(state, past) for state, past in zip(states, histories, strict=True)]
        return alpha

    def _remember(self, ended: EndedSlot, fraction: NDArray[np.float64]) -> None:
        """Append the slot to each history; a new day begins without any, and so does a new campaign."""
        for number, state in enumerate(self._states):
            history = self._histories[number]
            if fraction[number] < self._fraction[number]:
                history.clear()
                continue
            history.append(past_slot(ended, number, state, float(self.alpha[number])))
            del history[: -self._kept]
        self._fraction = fraction
        for number in range(len(self._bidders), len(fraction)):
            self._bidders.append(self._bidder_of(number))
            self._histories.append([])


def past_slot(ended: EndedSlot, number: int, state: BidState, alpha: float) -> PastSlot:
    """One campaign's part of a control slot, as the contract tells it."""
    opportunities = int(ended.opportunities[number])
    return PastSlot(
        state=state,
        alpha=alpha,
        reward=float(ended.reward[number]),
        spent=float(ended.spent[number]),
        opportunities=opportunities,
        won=int(ended.won[number]),
        seen=int(ended.seen[number]),
        actions=int(ended.actions[number]),
        mean_bid=float(ended.bid[number]) / max(opportunities, 1),
        mean_value=float(ended.value[number]) / max(opportunities, 1),
    )
