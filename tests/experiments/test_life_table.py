"""The life table: in fine spans it is Kaplan and Meier's estimate, and it needs no law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.experiments.life_table import counted_share, incidence


def kaplan_meier(times: list[tuple[int, bool]], until: int) -> float:
    """I(until): one event after the other, censored units being at risk up to their own time."""
    alive = 1.0
    for at in sorted({time for time, event in times if event and time < until}):
        at_risk = sum(time >= at for time, _ in times)
        events = sum(time == at and event for time, event in times)
        alive *= 1 - events / at_risk
    return 1 - alive


@given(times=st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=30))
def test_it_equals_the_product_limit_of_units_one_by_one(times: list[tuple[int, bool]]) -> None:
    """Events in even spans, censorings in odd ones: nobody is at risk for half of a span with an event."""
    conversions, censored = np.zeros((1, 32)), np.zeros((1, 32))
    for time, event in times:
        (conversions if event else censored)[0, 2 * time + (not event)] += 1
    found = incidence(conversions, censored)[0]
    for until in range(16):
        assert found[2 * until] == pytest.approx(kaplan_meier(times, until), abs=1e-12)


def test_a_cure_model_is_found_whatever_the_law() -> None:
    """Log-normal delays, ages uniform: I is theta F within 1 point at every edge."""
    random = np.random.default_rng(3)
    age = random.uniform(0, 10, 200_000)
    delay = np.where(random.random(len(age)) < 0.4, random.lognormal(0.0, 1.0, len(age)), np.inf)
    edges = np.linspace(0, 10, 101)
    seen = delay <= age
    conversions = np.histogram(delay[seen], edges)[0][None, :].astype(float)
    censored = np.histogram(age[~seen], edges)[0][None, :].astype(float)
    draws = np.sort(random.lognormal(0.0, 1.0, 100_000))
    truth = 0.4 * np.searchsorted(draws, edges) / len(draws)
    found = incidence(conversions, censored)[0]
    assert np.abs(found - truth)[:95].max() < 0.01
    assert counted_share(found[None, :])[0, -1] == 1.0


def test_nothing_seen_counts_nothing() -> None:
    """Without a conversion F is 0: no unit is held against the arm."""
    share = counted_share(incidence(np.zeros((2, 4)), np.ones((2, 4))))
    assert not share.any()
