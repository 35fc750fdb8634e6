"""Laws of the pacer, in a stationary market whose prices are log-normal around the bid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.bidding import UNLIMITED, FixedPacer, Pacer, day_curve, flat_curve, planned_share
from adcascade.bidding.day_curve import DAY_US

VALUE = 1_000_000  # micros per click


def day_of_traffic(pacer: Pacer, budgets: NDArray[np.int64], demand: int, slots: int, seed: int) -> NDArray[np.float64]:
    """Spent shares [slots, C] over a day: `demand` clicks for sale by the curve, second prices, hard budgets."""
    random = np.random.default_rng(seed)
    spent, track = np.zeros(len(budgets), np.int64), []
    for k in range(slots):
        due = planned_share(pacer.curve, (k + 1) / slots) - planned_share(pacer.curve, k / slots)
        alpha = pacer.alpha if len(pacer.alpha) else np.ones(len(budgets))
        for c in range(len(budgets)):
            price = np.exp(random.normal(0.0, 1.0, random.poisson(demand * due)))
            cost = int(price[price < alpha[c]].sum() * VALUE)
            spent[c] = min(int(budgets[c]), int(spent[c]) + cost)
        pacer.update(spent, budgets, (k + 1) / slots)
        track.append(spent / budgets)
    return np.array(track)


def curve_with_an_evening() -> NDArray[np.float64]:
    """A day with three times as much traffic in the evening as in the night."""
    hours = 2.0 + np.sin(np.arange(48) / 48 * 2 * np.pi - 2.0)
    return np.concatenate([[0.0], np.cumsum(hours) / hours.sum()])


@pytest.mark.parametrize("slots", [48, 480])
@pytest.mark.parametrize("seed", [1, 2])
def test_spending_follows_the_plan_in_a_stationary_market(slots: int, seed: int) -> None:
    """Budgets of a half, a third and a fifth of the full-speed spend: on the second day never 5 points off the plan.

    At least 98 % of each budget is spent, and no budget is gone before 90 % of the day's traffic has come.
    """
    pacer = Pacer(curve_with_an_evening())
    full_speed = 4000 * 0.26 * VALUE
    budgets = (full_speed / np.array([2, 3, 5])).astype(np.int64)
    day_of_traffic(pacer, budgets, 4000, slots, seed)
    track = day_of_traffic(pacer, budgets, 4000, slots, seed + 100)
    plan = np.array([planned_share(pacer.curve, (k + 1) / slots) for k in range(slots)])
    assert np.abs(track - plan[:, None]).max() < 0.05
    assert track[-1].min() > 0.98
    assert track[plan < 0.9].max() < 1.0


def test_a_budget_that_is_never_used_up_is_bid_at_full_speed() -> None:
    """Where all traffic costs less than the budget, alpha stays 1."""
    pacer = Pacer(flat_curve())
    track = day_of_traffic(pacer, np.array([4000 * VALUE]), 4000, 48, 5)
    assert track[-1, 0] < 0.5
    assert pacer.alpha.tolist() == [1.0]


def test_unlimited_and_hasty_campaigns_are_never_slowed() -> None:
    """Without a budget, or with pacing "fast", alpha is 1 whatever is spent."""
    pacer = Pacer()
    budgets = np.array([UNLIMITED, 1000, 1000])
    for k in range(1, 11):
        spent = np.array([10**9, 1000, 1000])
        alpha = pacer.update(spent, budgets, k / 20, np.array([True, False, True]))
    assert alpha[:2].tolist() == [1.0, 1.0]
    assert alpha[2] < 1.0


def test_a_new_day_forgets_what_was_spent_but_keeps_alpha() -> None:
    """Yesterday's factor is today's first guess; yesterday's spending is not today's."""
    pacer = Pacer()
    before = pacer.update(np.array([900]), np.array([1000]), 0.1).copy()
    after = pacer.update(np.array([0]), np.array([1000]), 0.0)
    assert before[0] < 1.0
    assert after[0] == before[0]
    assert pacer.update(np.array([10]), np.array([1000]), 0.01)[0] == pytest.approx(before[0])


def test_a_campaign_that_comes_at_noon_owes_nothing_for_the_morning() -> None:
    """A newcomer begins at 1 and on its plan: the rest of the budget over the rest of the day moves nothing."""
    pacer = Pacer()
    pacer.update(np.array([900]), np.array([1000]), 0.5)
    alpha = pacer.update(np.array([900, 0]), np.array([1000, 1000]), 0.5)
    assert alpha[1] == 1.0
    alpha = pacer.update(np.array([900, 100]), np.array([1000, 1000]), 0.55)
    assert alpha[1] == pytest.approx(1.0)
    alpha = pacer.update(np.array([900, 600]), np.array([1000, 1000]), 0.6)
    assert alpha[1] < 0.9


@given(fractions=st.lists(st.floats(0, 1), max_size=5), spent=st.integers(0, 10**15), budget=st.integers(-1, 10**15))
def test_alpha_is_a_factor_whatever_is_reported(fractions: list[float], spent: int, budget: int) -> None:
    """alpha is within (0, 1] for every clock, spending and budget."""
    pacer = Pacer()
    for fraction in fractions:
        alpha = pacer.update(np.array([spent]), np.array([budget]), fraction)
        assert 0.1 <= alpha[0] <= 1.0


def test_a_reader_keeps_the_state_it_took() -> None:
    """update replaces alpha and never writes into the array that a request may be reading."""
    pacer = Pacer()
    old = pacer.update(np.array([0]), np.array([1000]), 0.1)
    kept = old.copy()
    pacer.update(np.array([1000]), np.array([1000]), 0.2)
    assert old.tolist() == kept.tolist()


def test_fixed_bids_never_move() -> None:
    """The other method answers ones and keeps nothing."""
    pacer = FixedPacer()
    assert pacer.update(np.array([5, 6]), np.array([1, 1]), 0.5).tolist() == [1.0, 1.0]
    assert len(pacer.alpha) == 0


@given(times=st.lists(st.integers(0, 10**15), max_size=50), steps=st.integers(1, 48))
def test_a_day_curve_rises_from_zero_to_one(times: list[int], steps: int) -> None:
    """Any log gives a strictly rising curve; planned_share meets its points."""
    curve = day_curve(np.array(times, np.int64), steps=steps)
    assert curve[0] == 0.0
    assert curve[-1] == pytest.approx(1.0)
    assert np.all(np.diff(curve) > 0)
    assert planned_share(curve, 1.0) == pytest.approx(1.0)


def test_a_day_curve_counts_the_hours() -> None:
    """Three requests at 01:00 and one at 13:00 UTC, without prior: three quarters are due by noon."""
    hour = 3_600_000_000
    times = np.array([hour, hour, 25 * hour, 13 * hour])
    assert day_curve(times, steps=2, prior=0.0).tolist() == [0.0, 0.75, 1.0]


@given(begins=st.floats(0, 1, exclude_max=True), times=st.lists(st.integers(0, DAY_US), min_size=1, max_size=50))
def test_a_day_of_another_zone_has_all_of_the_traffic(begins: float, times: list[int]) -> None:
    """From its own midnight to the next a plan rises from 0 to 1, along the UTC curve turned by the zone."""
    curve = day_curve(np.array(times, np.int64), steps=24)
    fractions = np.linspace(0.0, 1.0, 25)
    planned = planned_share(curve, fractions, begins)
    assert planned[0] == pytest.approx(0.0)
    assert planned[-1] == pytest.approx(1.0)
    assert (np.diff(planned) >= -1e-12).all()
    halves = planned_share(curve, 0.5, begins) + planned_share(curve, 0.5, (begins + 0.5) % 1.0)
    assert halves == pytest.approx(1.0)


def test_days_of_two_zones_are_paced_apart() -> None:
    """A campaign whose day has just begun forgets what it spent, its neighbour's day goes on; as if paced alone."""
    budgets = np.array([1_000, 1_000])
    together, alone = Pacer(), [Pacer(), Pacer()]
    spent = np.zeros(2, np.int64)
    fraction = np.array([0.0, 0.5])
    for step in range(96):
        fraction = (fraction + 1 / 48) % 1.0
        spent = np.where(fraction < 1 / 48, 0, spent + np.array([step % 40, 30]))
        both = together.update(spent, budgets, fraction, begins=np.array([0.5, 0.0]))
        for number, pacer in enumerate(alone):
            one = pacer.update(spent[[number]], budgets[[number]], float(fraction[number]))
            assert both[number] == pytest.approx(one[0])
