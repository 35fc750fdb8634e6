"""Laws of temperature-regularised credit and of bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adcascade.bidding.bars import bar_rewards, gates
from adcascade.bidding.credit import credited, shares, yield_threshold

BIDS = arrays(np.float64, (3, 4), elements=st.floats(0, 5))


@given(bid=BIDS, tau=st.one_of(st.just(0.0), st.floats(1e-3, 1e6)))
def test_shares_sum_to_one_and_follow_the_bids(bid: np.ndarray, tau: float) -> None:
    """They are shares, whatever the temperature, and a higher bid never has a smaller one."""
    alpha = shares(bid, tau)
    assert np.isfinite(alpha).all()
    assert (alpha >= 0).all()
    assert np.allclose(alpha.sum(axis=-1), 1.0)
    order = np.argsort(bid, axis=-1)
    assert (np.diff(np.take_along_axis(alpha, order, axis=-1)) >= -1e-12).all()


@given(bid=arrays(np.float64, 4, elements=st.integers(0, 50), unique=True))
def test_no_temperature_pays_the_highest_bid_alone(bid: np.ndarray) -> None:
    """tau -> 0 is the one-hot winner, a huge tau pays all the same."""
    winner = np.eye(4)[bid.argmax()]
    assert np.array_equal(shares(bid, 0.0), winner)
    assert np.allclose(shares(bid, 1e-3), winner)
    assert np.allclose(shares(bid, 1e9), 0.25)


def test_huge_bids_do_not_overflow() -> None:
    """The maximum is subtracted before exp."""
    assert shares(np.array([1e9, 1e9 - 1, 0.0]), 1.0) == pytest.approx([0.7310585786, 0.2689414214, 0.0])


@given(
    gained=arrays(np.float64, (2, 3), elements=st.floats(0, 1)),
    bid=arrays(np.float64, (2, 3), elements=st.floats(0, 1)),
)
def test_credit_shares_the_total_out(gained: np.ndarray, bid: np.ndarray) -> None:
    """ "shared" pays out the total exactly, "own" what was gained, "total" the total to each."""
    total = gained.sum(axis=-1)
    assert np.allclose(credited("shared", gained, bid, 0.7).sum(axis=-1), total)
    assert credited("own", gained, bid, 0.7) is gained
    assert np.allclose(credited("total", gained, bid, 0.7), total[:, None])


def yields(v1: float, v2: float, tau: float, levels: int = 5) -> bool:
    """Brute force over the matrix game of two bids on a grid from 0 to 1: agent 2's best answer to any bid of agent 1,
    who answers best in turn, never wins against agent 1's highest bid, and gains nothing by outbidding a lower one.
    """  # fmt: skip
    grid = np.linspace(0.0, 1.0, levels)

    def second(b1: float, b2: float) -> float:
        bid = np.array([b1, b2])
        total = v1 if b1 >= b2 else v2
        return float(shares(bid, tau)[1] * total)

    losing = max(second(b1, b1) for b1 in grid[:-1])  # the best that bidding no higher brings: half of v1
    winning = max(second(b1, b2) for b1 in grid for b2 in grid if b2 > b1)
    return losing >= winning - 1e-12


@given(v2=st.floats(0.2, 0.95), low=st.floats(0.2, 0.97), high=st.floats(1.03, 5.0))
def test_the_threshold_is_that_of_the_matrix_game(v2: float, low: float, high: float) -> None:
    """Above the theorem's temperature the lower value yields, below it outbids; with v1 >= 2 v2 it always yields."""
    threshold = yield_threshold(1.0, v2, 0.0, 1.0)
    if v2 <= 0.5:
        assert threshold == 0.0
        assert yields(1.0, v2, 1e-3)
    else:
        assert yields(1.0, v2, threshold * high)
        assert not yields(1.0, v2, threshold * low)


def test_what_has_no_threshold_is_refused() -> None:
    """Values out of order, an empty range of bids, and a negative temperature are errors."""
    for bad in ((0.5, 1.0, 0.0, 1.0), (1.0, 0.6, 1.0, 1.0)):
        with pytest.raises(ValueError, match="give 0 < v2 < v1"):
            yield_threshold(*bad)
    with pytest.raises(ValueError, match="tau is -1"):
        shares(np.ones(2), -1.0)


@given(bid=BIDS, bar=BIDS, paid=BIDS)
def test_a_bar_earns_only_where_its_bidder_clears_it(bid: np.ndarray, bar: np.ndarray, paid: np.ndarray) -> None:
    """Gates are 1 exactly where the bid reaches the bar; the reward is then an agent's share of all payments."""
    gate = gates(bid, bar)
    assert np.array_equal(gate == 1.0, bid >= bar)
    reward = bar_rewards(gate, paid)
    assert (reward[bid < bar] == 0).all()
    assert np.allclose(reward[bid >= bar], (paid.sum(axis=-1, keepdims=True) / 4 * np.ones(4))[bid >= bar])
