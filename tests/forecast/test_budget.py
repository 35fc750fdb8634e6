"""A day's spend is what is wanted, or the budget, whichever is less; more of bid or budget never spends less."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.forecast.budget import BELOW, CLICKS, SPEND, spent
from adcascade.forecast.traffic import Floats

STEPS = st.lists(st.floats(0, 1000), min_size=3 * BELOW, max_size=3 * BELOW)


def table_of(steps: list[float]) -> Floats:
    """A rising ladder: clicks get dearer."""
    spend = np.cumsum(steps)
    return np.stack([spend, np.sqrt(spend), np.sqrt(spend), spend], axis=1)


@settings(max_examples=60)
@given(steps=STEPS, rung=st.integers(0, 3 * BELOW - 2), budget=st.floats(1, 20_000), more=st.floats(0, 5_000))
def test_the_budget_is_kept_and_used(steps: list[float], rung: int, budget: float, more: float) -> None:
    """Both ways of pacing; and spend rises with the bid and with the budget."""
    table = table_of(steps)
    for even in (False, True):
        day = spent(table, rung, budget, even=even)
        assert day.figures[SPEND] == np.float64(min(table[rung, SPEND], budget)) or np.isclose(
            day.figures[SPEND], min(table[rung, SPEND], budget), rtol=1e-9
        )
        assert 0 <= day.rung <= rung
        assert 0 < day.share <= 1
        richer = spent(table, rung, budget + more, even=even).figures
        bolder = spent(table, rung + 1, budget, even=even).figures
        assert richer[SPEND] >= day.figures[SPEND] * (1 - 1e-9)
        assert bolder[SPEND] >= day.figures[SPEND] * (1 - 1e-9)


@settings(max_examples=60)
@given(steps=STEPS, budget=st.floats(1, 20_000))
def test_who_bids_lower_all_day_buys_more(steps: list[float], budget: float) -> None:
    """Where clicks get dearer with the bid, an even campaign has at least the clicks of a fast one."""
    table = table_of(steps)
    even, fast = (spent(table, 2 * BELOW, budget, even=one).figures[CLICKS] for one in (True, False))
    assert even >= fast * (1 - 1e-9)
