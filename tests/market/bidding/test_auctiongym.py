"""AuctionGym's rounds."""

import numpy as np
import pytest

from adcascade.market.bidding import AuctionGym, AuctionGymConfig

GYM = AuctionGym(AuctionGymConfig(rounds=4_000), seed=1)


def test_rounds_can_be_made_alone() -> None:
    """Iteration 3 is the same on a fresh gym, and differs from iteration 2."""
    ours, fresh = GYM.rounds(3), AuctionGym(AuctionGymConfig(rounds=4_000), seed=1).rounds(3)
    assert np.array_equal(ours.context, fresh.context)
    assert np.array_equal(ours.participants, fresh.participants)
    assert not np.array_equal(ours.context, GYM.rounds(2).context)


def test_clicks_are_rare_and_bidders_see_a_part() -> None:
    """Intercepts lie in (-4, -3), the median CTR between 1 and 6 per cent; four numbers and the constant are seen."""
    rounds = GYM.rounds(0)
    assert ((GYM.embedding[..., -1] < -3) & (GYM.embedding[..., -1] > -4)).all()
    assert 0.01 < np.median(GYM.ctr(rounds)) < 0.06
    assert rounds.observed(4).shape == (4_000, 5)
    assert (rounds.observed(4)[:, -1] == 1).all()
    assert (np.sort(rounds.participants, axis=1)[:, 0] != np.sort(rounds.participants, axis=1)[:, 1]).all()


def test_clicks_come_as_often_as_the_truth_says() -> None:
    """The winners' clicks are within 4 standard errors of their CTRs; one winner a round; it pays the other's bid."""
    rounds = GYM.rounds(0)
    ctr = GYM.ctr(rounds)
    value = GYM.value_per_click[rounds.participants]
    items = (ctr * value).argmax(axis=2).astype(np.int32)
    chosen = np.take_along_axis(ctr, items[..., None], axis=2)[..., 0]
    bids = chosen * np.take_along_axis(value, items[..., None], axis=2)[..., 0]
    outcome = GYM.compete(rounds, items, bids)
    won = outcome.slot == 1
    assert (won.sum(axis=1) == 1).all()
    p = chosen[won]
    assert abs(outcome.action.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    assert outcome.cost.sum(axis=1) == pytest.approx(bids.min(axis=1))


def test_noisy_estimates_win_where_they_overestimate() -> None:
    """The winner's curse: the estimated CTR of winners exceeds their true CTR though estimates are fair."""
    rounds = GYM.rounds(1)
    ctr = GYM.ctr(rounds)[:, :, 0]
    estimate = ctr * np.exp(0.5 * np.random.default_rng(0).standard_normal(ctr.shape) - 0.125)
    outcome = GYM.compete(rounds, np.zeros(ctr.shape, np.int32), estimate)
    won = outcome.slot == 1
    assert (estimate / ctr).mean() == pytest.approx(1.0, abs=0.03)
    assert (estimate / ctr)[won].mean() > 1.03
