"""The numeric generator of AuctionNet and its calibration anchors."""

from dataclasses import fields

import numpy as np
import pytest

from adcascade.bidding import FixedBidder
from adcascade.market.bidding import AuctionNetConfig, AuctionNetPeriod, draw_agents, run_period
from adcascade.market.bidding.auctionnet import TICKS, truncated_normal

TENTH = AuctionNetConfig(pvs=50_000)


def test_a_tick_can_be_made_alone() -> None:
    """Tick 30 of period 2 is the same bit for bit, whether others were made before or not."""
    config = AuctionNetConfig(pvs=5_000)
    agents = draw_agents(config, 4)
    used = AuctionNetPeriod(config, 4, 2)
    for tick in (0, 31, 7):
        used.opportunities(tick, agents)
    ours, fresh = used.opportunities(30, agents), AuctionNetPeriod(config, 4, 2).opportunities(30, agents)
    for field in fields(ours):
        assert np.array_equal(getattr(ours, field.name), getattr(fresh, field.name))
    other = AuctionNetPeriod(config, 4, 3).opportunities(30, agents)
    assert other.value.shape != ours.value.shape or not np.array_equal(other.value, ours.value)


def test_exposures_of_ticks_are_unrelated() -> None:
    """Two ticks have different luck: no seed is used twice."""
    config = AuctionNetConfig(pvs=48_000)
    agents, period = draw_agents(config, 0), AuctionNetPeriod(config, 0)
    a, b = (period.opportunities(tick, agents).exposure_luck for tick in (20, 21))
    n = min(len(a), len(b))
    assert abs(np.corrcoef(a[:n, 1], b[:n, 1])[0, 1]) < 0.15


def test_the_period_has_its_pvs() -> None:
    """Shares sum to 1 and the ticks hold all PVs, up to rounding."""
    period = AuctionNetPeriod(TENTH, 0)
    share = period.shares()
    assert share.sum() == pytest.approx(1.0)
    assert abs(sum(round(TENTH.pvs * s) for s in share) - TENTH.pvs) <= TICKS / 2


def test_values_have_their_means() -> None:
    """Mean values lie near 0.0005 over agents and ticks; values and probabilities lie within [0, 1]."""
    agents, period = draw_agents(TENTH, 1), AuctionNetPeriod(TENTH, 1)
    means = np.array([period.mean_value(tick) for tick in range(TICKS)])
    assert means.mean() == pytest.approx(0.0005, rel=0.2)
    o = period.opportunities(18, agents)
    assert o.value.mean(axis=0) == pytest.approx(period.mean_value(18), rel=0.25)
    assert ((o.value >= 0) & (o.realised >= 0) & (o.realised <= 1)).all()
    assert (o.sigma <= 0.3 * o.value + 1e-15).all()


def test_the_truncated_normal_is_one() -> None:
    """Rejection gives the moments of the truncated normal by numerical integration, within the bounds."""
    low, high = np.array([-2.0, -0.3, 0.0]), np.array([2.0, 1.5, 0.001])
    x = truncated_normal(np.random.default_rng(0), low, high, 60_000)
    assert ((x >= low) & (x <= high)).all()
    for i in range(3):
        grid = np.linspace(low[i], high[i], 20_001)
        weight = np.exp(-0.5 * grid**2)
        mean = (grid * weight).sum() / weight.sum()
        assert x[:, i].mean() == pytest.approx(mean, abs=0.015)


def test_the_anchors_of_the_card() -> None:
    """All agents at alpha = C, then 0.8 C, at a tenth of the PVs and budgets: prices, CPA, conversions and score.

    Anchors: mean leastWinningCost 0.085 and 0.072; median CPA / C 0.87 and 0.70 (here with expected conversions, since
    an agent has three at this scale); a tenth of 25 conversions per agent and of a total score of 1300.
    """
    agents = draw_agents(TENTH, 0)
    for share, price, relative_cpa in ((1.0, 0.085, 0.87), (0.8, 0.072, 0.70)):
        result = run_period(AuctionNetPeriod(TENTH, 0), agents, [FixedBidder(share * cpa) for cpa in agents.cpa])
        expected = np.sum([(t.outcome.exposed * t.opportunities.realised).sum(axis=0) for t in result.ticks], axis=0)
        assert result.mean_least_winning_cost == pytest.approx(price, rel=0.04)
        assert np.median(result.cost / expected / agents.cpa) == pytest.approx(relative_cpa, abs=0.03)
        assert expected.mean() == pytest.approx(2.5, rel=0.2)
        assert result.score.sum() == pytest.approx(130, rel=0.15)
        assert (result.cost <= agents.budget).all()
