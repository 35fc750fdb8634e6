"""No agent pays more than it has: what happens in the control slot in which a budget ends.

"rerun"  AuctionNet: an agent whose cost exceeds what remains loses, per place, a random share (cost - remaining) / cost
         of what it won (rounded up), and the whole slot is auctioned again
"stop"   the agent bids no more from the PV on at which its budget would be exceeded, and the slot is auctioned again

Both repeat until nobody overspends. They end: each round takes at least one bid away for good.
"""

import numpy as np

from adcascade.market.arrays import Flags, Floats
from adcascade.market.bidding.auction import AuctionRules, Outcome, hold_auction
from adcascade.market.bidding.opportunities import Opportunities


def auction_within_budgets(
    bids: Floats, opportunities: Opportunities, rules: AuctionRules, remaining: Floats, random: np.random.Generator
) -> tuple[Outcome, Floats]:
    """The final outcome, and the bids [N, n] that led to it; `remaining` [n] is what each agent has left."""
    bids = bids.clip(0)
    while True:
        outcome = hold_auction(bids, opportunities, rules)
        cost = outcome.cost.sum(axis=0)
        over = np.flatnonzero(cost > remaining)
        if not len(over):
            return outcome, bids
        bids = bids.copy()
        for agent in over:
            share = (cost[agent] - remaining[agent]) / cost[agent]
            if rules.overspend == "rerun":
                lost = _random_share(outcome, int(agent), share, random)
            else:
                lost = _from_the_end_on(outcome, int(agent), float(remaining[agent]))
            bids[lost, agent] = 0.0


def _random_share(outcome: Outcome, agent: int, share: float, random: np.random.Generator) -> Flags:
    """Of what the agent won and paid in each place, a random share, rounded up, [N]."""
    lost = np.zeros(len(outcome.slot), bool)
    for place in range(1, int(outcome.slot[:, agent].max()) + 1):
        won = np.flatnonzero(outcome.slot[:, agent] == place)
        count = int(np.ceil(share * len(won)))
        lost[random.choice(won, count, replace=False)] = True
    return lost


def _from_the_end_on(outcome: Outcome, agent: int, remaining: float) -> Flags:
    """The PVs from the first on at which the agent's running cost exceeds what remains, [N]."""
    end = int(np.argmax(np.cumsum(outcome.cost[:, agent]) > remaining))
    return np.arange(len(outcome.slot)) >= end
