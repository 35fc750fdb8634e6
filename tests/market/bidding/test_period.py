"""A delivery period with bidders, what they see, and what they reach."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from adcascade.bidding import FixedBidder, OnlineLpBidder, PidBidder
from adcascade.contracts.bidder import BidState
from adcascade.errors import InputError
from adcascade.market.bidding import (
    AuctionNetConfig,
    AuctionNetPeriod,
    MarketSlot,
    MarketState,
    draw_agents,
    run_period,
)
from adcascade.market.bidding.training_view import training_view

CONFIG = AuctionNetConfig(pvs=6_000, categories=2, agents_per_category=4)
AGENTS = draw_agents(CONFIG, 0)
PERIOD = AuctionNetPeriod(CONFIG, 0)


@dataclass
class Witness:
    """Bids its CPA constraint and keeps what it saw."""

    states: list[MarketState] = field(default_factory=list)
    views: list[np.ndarray] = field(default_factory=list)
    history: Sequence[MarketSlot] = ()

    def alpha(self, state: MarketState, history: Sequence[MarketSlot]) -> float:
        """alpha = C."""
        self.states.append(state)
        self.views.append(training_view(state, history))
        self.history = history
        return state.cpa or 0.0


def test_the_same_period_runs_the_same() -> None:
    """Two runs agree exactly, though the over-spend rule is random."""
    a, b = (run_period(PERIOD, AGENTS, [FixedBidder(2 * cpa) for cpa in AGENTS.cpa]) for _ in range(2))
    assert np.array_equal(a.cost, b.cost)
    assert np.array_equal(a.score, b.score)
    assert (a.cost <= AGENTS.budget + 1e-9).all()


def test_a_bidder_sees_its_own_column_and_the_past_only() -> None:
    """State and history of tick t hold what was its own, t past ticks, and the budget less the costs so far."""
    witness = Witness()
    result = run_period(PERIOD, AGENTS, [witness, *(FixedBidder(c) for c in AGENTS.cpa[1:])])
    assert [state.slot for state in witness.states] == list(range(48))
    spent = np.cumsum([log.outcome.cost[:, 0].sum() for log in result.ticks])
    for state in witness.states[1:]:
        assert state.budget is not None
        assert state.remaining == pytest.approx(state.budget - spent[state.slot - 1])
    assert np.array_equal(witness.history[3].value, result.ticks[3].opportunities.value[:, 0])


def test_a_censored_view_hides_the_prices_of_lost_auctions() -> None:
    """leastWinningCost is NaN exactly where the agent lost."""
    witness = Witness()
    run_period(PERIOD, AGENTS, [witness, *(FixedBidder(c) for c in AGENTS.cpa[1:])], censored=True)
    for tick in witness.history:
        assert np.array_equal(np.isnan(tick.lowest), tick.place == 0)
    assert all(np.isfinite(view).all() for view in witness.views)


def test_the_training_view_has_sixteen_numbers_that_count_down() -> None:
    """Time left falls from 1, budget left never rises, and the counts of PVs add up."""
    witness = Witness()
    run_period(PERIOD, AGENTS, [witness, *(FixedBidder(c) for c in AGENTS.cpa[1:])])
    table = np.array(witness.views)
    assert table.shape == (48, 16)
    assert np.allclose(table[:, 0], 1 - np.arange(48) / 48)
    assert (np.diff(table[:, 1]) <= 0).all()
    assert np.array_equal(table[1:, 15], np.cumsum(table[:-1, 13]))
    assert not table[0, 2:12].any()


def test_pacing_spends_more_evenly_than_a_high_fixed_bid() -> None:
    """A bidder that would be broke early spends in more ticks when it paces."""

    def last_spend(bidder: FixedBidder | PidBidder) -> int:
        rivals = [FixedBidder(0.3 * c) for c in AGENTS.cpa[1:]]
        result = run_period(PERIOD, AGENTS, [bidder, *rivals])
        return max(t for t, log in enumerate(result.ticks) if log.outcome.cost[:, 0].sum() > 0)

    assert last_spend(PidBidder(600.0)) > last_spend(FixedBidder(600.0))


def test_online_lp_learns_from_a_past_period() -> None:
    """Its alpha is positive, at most 1.5 C, and larger with a larger budget."""
    past = run_period(AuctionNetPeriod(CONFIG, 0, 1), AGENTS, [FixedBidder(c) for c in AGENTS.cpa]).ticks
    lp = OnlineLpBidder(
        [log.opportunities.value[:, 0] for log in past], [log.outcome.least_winning_cost for log in past]
    )

    def alpha(remaining: float) -> float:
        return lp.alpha(BidState(time_left=43 / 48, planned=0.1, budget=remaining, spent=0.0, cpa=100.0), [])

    assert 0 < alpha(1.0) < alpha(20.0) <= 150.0
    assert alpha(1e9) <= 150.0


def test_one_bidder_per_agent() -> None:
    """Another number of bidders is refused."""
    with pytest.raises(InputError, match="bidders is 1"):
        run_period(PERIOD, AGENTS, [FixedBidder(1.0)])
