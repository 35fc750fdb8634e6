"""The auction of one control slot: K places a PV, sold to the highest bids, seen by a cascade, paid by a rule.

    place k goes to the k-th highest bid; "next" pays the bid below (GSP; second price if K = 1), "own" pays its own
    a place is seen if its luck is below its coefficient and, from the third on, if the place above is seen
    charged per exposure, or per action at price / v, so that the expected charge is the same

leastWinningCost is the (K+1)-th bid, at least the reserve. It holds the agent's own bid where that is (K+1)-th: for
what another agent would have paid, ask `without`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from adcascade.errors import InputError
from adcascade.market.arrays import Flags, Floats, Ints
from adcascade.market.bidding.opportunities import Opportunities

NO_SLOT = 0  # places count from 1, as in AuctionNet's logs
_TIE = 1e-9  # bids nearer than this part count as equal


@dataclass(frozen=True, kw_only=True)
class AuctionRules:
    """How places are sold and paid."""

    exposure: tuple[float, ...] = (1.0, 0.8, 0.6)  # coefficient of each place, K of them
    price: Literal["next", "own"] = "next"
    charge: Literal["exposure", "action"] = "exposure"
    reserve: float = 1e-4
    sell_at_reserve: bool = False  # AuctionNet leaves a place unsold whose price would be the reserve
    overspend: Literal["rerun", "stop"] = "rerun"  # see overspend.py

    def __post_init__(self) -> None:
        """Raise InputError for coefficients that are no probabilities."""
        if not self.exposure or not all(0 <= x <= 1 for x in self.exposure):
            raise InputError("exposure", self.exposure, "at least one coefficient from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an auction brought each agent on each opportunity."""

    slot: Ints  # [N, n] place won, 1 is the best, 0 none
    price: Floats  # [N, n] per exposure, 0 if not won
    exposed: Flags  # [N, n]
    action: Flags  # [N, n] the conversion
    cost: Floats  # [N, n] what is paid
    least_winning_cost: Floats  # [N]


def hold_auction(bids: Floats, opportunities: Opportunities, rules: AuctionRules) -> Outcome:
    """The outcome of bids [N, n]; negative bids count as 0, and a bid of 0 wins nothing."""
    places = min(len(rules.exposure), bids.shape[1])
    order, ladder = _ladder(bids.clip(0), opportunities.tie_luck, places)
    price = (ladder[:, :places] if rules.price == "own" else ladder[:, 1:]).clip(rules.reserve)
    sold = ladder[:, :places] >= rules.reserve if rules.sell_at_reserve else price > rules.reserve
    sold &= ladder[:, :places] > 0
    seen = exposure_cascade(opportunities.exposure_luck[:, :places], rules.exposure[:places])
    rows = np.arange(len(bids))[:, None]
    slot = np.zeros(bids.shape, np.int32)
    slot[rows, order] = np.where(sold, np.arange(1, places + 1), NO_SLOT)
    paid, exposed = np.zeros(bids.shape), np.zeros(bids.shape, bool)
    paid[rows, order] = np.where(sold, price, 0.0)
    exposed[rows, order] = sold & seen
    action = exposed & (opportunities.action_luck < opportunities.realised)
    return Outcome(
        slot=slot,
        price=paid,
        exposed=exposed,
        action=action,
        cost=_charge(paid, exposed, action, opportunities.value) if rules.charge == "action" else paid * exposed,
        least_winning_cost=ladder[:, places].clip(rules.reserve),
    )


def exposure_cascade(luck: Floats, coefficients: tuple[float, ...]) -> Flags:
    """Which places are seen, [N, K]: the first two by their own luck, each further one only if the one above is."""
    seen = luck < np.array(coefficients)
    for k in range(2, seen.shape[1]):
        seen[:, k] &= seen[:, k - 1]
    return np.asarray(seen)


def without(bids: Floats, agent: int, places: int, reserve: float) -> Floats:
    """The lowest bid that would have won against the other agents, [N]: their `places`-th highest bid."""
    others = np.delete(bids, agent, axis=1)
    if others.shape[1] < places:
        return np.full(len(bids), reserve)
    kth = others.shape[1] - places
    return np.asarray(np.partition(others, kth, axis=1)[:, kth].clip(reserve))


def _ladder(bids: Floats, tie_luck: Floats, places: int) -> tuple[Ints, Floats]:
    """The highest bidders of each row, best first, [N, places]; their bids and the next one, [N, places + 1]."""
    top = min(places + 1, bids.shape[1])
    key = -bids * (1 + _TIE * tie_luck)
    order = np.argpartition(key, top - 1, axis=1)[:, :top]
    order = np.take_along_axis(order, np.argsort(np.take_along_axis(key, order, axis=1), axis=1), axis=1)
    ladder = np.zeros((len(bids), places + 1))  # where nobody stands below the last place, the next bid is 0
    ladder[:, :top] = np.take_along_axis(bids, order, axis=1)
    return order[:, :places].astype(np.int32), ladder


def _charge(price: Floats, exposed: Flags, action: Flags, value: Floats) -> Floats:
    """What is paid per action: price / v when it happens, [N, n]."""
    per_action = np.divide(price, value, out=np.zeros_like(price), where=value > 0)
    return np.asarray(per_action * (exposed & action))
