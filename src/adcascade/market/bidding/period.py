"""A whole delivery period: agents with budgets and CPA constraints meet in 48 control slots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adcascade.errors import InputError
from adcascade.market.arrays import Floats
from adcascade.market.bidding.auction import AuctionRules, Outcome
from adcascade.market.bidding.auctionnet import TICKS, Agents, AuctionNetPeriod
from adcascade.market.bidding.opportunities import Opportunities
from adcascade.market.bidding.overspend import auction_within_budgets
from adcascade.market.bidding.scores import auctionnet_score
from adcascade.market.bidding.strategies import BidderState, BidderTick, Strategy
from adcascade.market.streams import Purpose, stream

_BROKE = 0.1  # an agent with less bids 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TickLog:
    """All of one control slot: the full view, for oracles and training data."""

    opportunities: Opportunities
    bids: Floats  # [N, n] after the over-spend rule
    outcome: Outcome

    def of(self, agent: int, *, censored: bool = False) -> BidderTick:
        """What this agent saw; censored: it learns leastWinningCost only where it won."""
        outcome, lowest = self.outcome, self.outcome.least_winning_cost
        won = outcome.slot[:, agent] > 0
        return BidderTick(
            value=self.opportunities.value[:, agent],
            sigma=self.opportunities.sigma[:, agent],
            bid=self.bids[:, agent],
            slot=outcome.slot[:, agent],
            cost=outcome.cost[:, agent],
            exposed=outcome.exposed[:, agent],
            action=outcome.action[:, agent],
            least_winning_cost=np.where(won, lowest, np.nan) if censored else lowest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodResult:
    """How the period ended for the n agents."""

    ticks: list[TickLog]
    cost: Floats  # [n]
    actions: Floats  # [n]
    score: Floats  # [n]
    mean_least_winning_cost: float


def run_period(
    period: AuctionNetPeriod,
    agents: Agents,
    strategies: Sequence[Strategy],
    rules: AuctionRules | None = None,
    *,
    censored: bool = False,
) -> PeriodResult:
    """Run the 48 control slots; strategies[i] bids for agent i. The logs take about 80 bytes per PV and agent.

    Raises InputError if there is not one strategy per agent.
    """
    if len(strategies) != len(agents.budget):
        raise InputError("strategies", len(strategies), f"one for each of the {len(agents.budget)} agents")
    rules = AuctionRules() if rules is None else rules
    remaining = agents.budget.copy()
    logs: list[TickLog] = []
    histories: list[list[BidderTick]] = [[] for _ in strategies]
    for tick in range(TICKS):
        opportunities = period.opportunities(tick, agents)
        alphas = _alphas(tick, agents, remaining, (opportunities, strategies, histories))
        random = stream(period.seed, Purpose.OVERSPEND, period.period, tick)
        bids = opportunities.value * np.where(remaining < _BROKE, 0.0, alphas)
        outcome, final = auction_within_budgets(bids, opportunities, rules, remaining, random)
        remaining = remaining - outcome.cost.sum(axis=0)
        logs.append(TickLog(opportunities=opportunities, bids=final, outcome=outcome))
        for agent, history in enumerate(histories):
            history.append(logs[-1].of(agent, censored=censored))
    return _result(logs, agents)


def _alphas(
    tick: int,
    agents: Agents,
    remaining: Floats,
    bidding: tuple[Opportunities, Sequence[Strategy], list[list[BidderTick]]],
) -> Floats:
    """What each strategy answers, [n]."""
    opportunities, strategies, histories = bidding
    return np.array(
        [
            strategy.alpha(
                BidderState(
                    tick=tick,
                    ticks=TICKS,
                    budget=float(agents.budget[i]),
                    remaining=float(remaining[i]),
                    cpa=float(agents.cpa[i]),
                    value=opportunities.value[:, i],
                    sigma=opportunities.sigma[:, i],
                ),
                histories[i],
            )
            for i, strategy in enumerate(strategies)
        ]
    )


def _result(logs: list[TickLog], agents: Agents) -> PeriodResult:
    """Sums over the period."""
    cost = np.sum([log.outcome.cost.sum(axis=0) for log in logs], axis=0)
    actions = np.sum([log.outcome.action.sum(axis=0) for log in logs], axis=0).astype(np.float64)
    return PeriodResult(
        ticks=logs,
        cost=cost,
        actions=actions,
        score=auctionnet_score(actions, cost, agents.cpa),
        mean_least_winning_cost=float(np.concatenate([log.outcome.least_winning_cost for log in logs]).mean()),
    )
