"""A whole delivery period: agents with budgets and CPA constraints meet in 48 control slots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adcascade.errors import InputError
from adcascade.market.arrays import Floats
from adcascade.market.bidding.auction import AuctionRules, Outcome
from adcascade.market.bidding.auctionnet import TICKS, Agents, AuctionNetPeriod
from adcascade.market.bidding.disclosed import MarketBidder, MarketSlot, MarketState
from adcascade.market.bidding.opportunities import Opportunities
from adcascade.market.bidding.overspend import auction_within_budgets
from adcascade.market.bidding.scores import auctionnet_score
from adcascade.market.streams import Purpose, stream

_BROKE = 0.1  # an agent with less bids 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TickLog:
    """All of one control slot: the full view, for oracles and training data."""

    opportunities: Opportunities
    bids: Floats  # [N, n] after the over-spend rule
    outcome: Outcome

    def of(self, agent: int, before: MarketState, alpha: float, *, censored: bool = False) -> MarketSlot:
        """What this agent saw, who stood as `before` and bid `alpha`; censored: it learns prices only where it won."""
        outcome, lowest = self.outcome, self.outcome.least_winning_cost
        won, bid, cost = outcome.slot[:, agent] > 0, self.bids[:, agent], outcome.cost[:, agent]
        exposed, action = outcome.exposed[:, agent], outcome.action[:, agent]
        if censored:
            lowest = np.where(won, lowest, np.nan)
        known = lowest[~np.isnan(lowest)]
        return MarketSlot(
            state=before,
            alpha=alpha,
            reward=float(before.value[exposed].sum()),
            spent=float(cost.sum()),
            opportunities=len(bid),
            won=int(won.sum()),
            seen=int(exposed.sum()),
            actions=int(action.sum()),
            mean_bid=_mean(bid),
            mean_value=_mean(before.value),
            least_winning_cost=_mean(known) if len(known) else None,
            value=before.value,
            sigma=before.sigma,
            bid=bid,
            place=outcome.slot[:, agent],
            cost=cost,
            exposed=exposed,
            action=action,
            lowest=lowest,
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
    bidders: Sequence[MarketBidder],
    rules: AuctionRules | None = None,
    *,
    censored: bool = False,
) -> PeriodResult:
    """Run the 48 control slots; bidders[i] bids for agent i. The logs take about 80 bytes per PV and agent.

    Raises InputError if there is not one bidder per agent.
    """
    if len(bidders) != len(agents.budget):
        raise InputError("bidders", len(bidders), f"one for each of the {len(agents.budget)} agents")
    rules = AuctionRules() if rules is None else rules
    remaining = agents.budget.copy()
    planned = np.concatenate([[0.0], np.cumsum(period.shares())])
    logs: list[TickLog] = []
    histories: list[list[MarketSlot]] = [[] for _ in bidders]
    for tick in range(TICKS):
        opportunities = period.opportunities(tick, agents)
        states = _states(tick, float(planned[tick]), agents, remaining, opportunities)
        alphas = [bidders[i].alpha(state, histories[i]) for i, state in enumerate(states)]
        random = stream(period.seed, Purpose.OVERSPEND, period.period, tick)
        bids = opportunities.value * np.where(remaining < _BROKE, 0.0, alphas)
        outcome, final = auction_within_budgets(bids, opportunities, rules, remaining, random)
        remaining = remaining - outcome.cost.sum(axis=0)
        logs.append(TickLog(opportunities=opportunities, bids=final, outcome=outcome))
        for i, history in enumerate(histories):
            history.append(logs[-1].of(i, states[i], alphas[i], censored=censored))
    return _result(logs, agents)


def _states(
    tick: int, planned: float, agents: Agents, remaining: Floats, opportunities: Opportunities
) -> list[MarketState]:
    """How each agent stands before a tick, [n]."""
    return [
        MarketState(
            time_left=1 - tick / TICKS,
            planned=planned,
            budget=float(agents.budget[i]),
            spent=float(agents.budget[i] - remaining[i]),
            slots=TICKS,
            cpa=float(agents.cpa[i]),
            value=opportunities.value[:, i],
            sigma=opportunities.sigma[:, i],
        )
        for i in range(len(remaining))
    ]


def _mean(x: Floats) -> float:
    """0 where there is none."""
    return float(x.mean()) if len(x) else 0.0


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
