"""Spending beside the plan: shares of the budgets, of whom they concern."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.spending import Spending, spending

campaign = st.tuples(
    st.integers(0, 10**9), st.integers(-1, 10**9), st.floats(0.1, 1.0), st.booleans()
)  # spent, budget, alpha, even


@given(st.lists(campaign, max_size=20), st.floats(0, 1))
def test_ahead_less_behind_is_the_error(campaigns: list[tuple[int, int, float, bool]], planned: float) -> None:
    """Where everybody is held back, what is spent too early less what is spent too late is the whole error."""
    spent, budget, _, even = (np.array([c[i] for c in campaigns]) for i in range(4))
    told = spending(
        spent.astype(int),
        budget.astype(int),
        np.full(len(campaigns), 0.5),
        even.astype(bool),
        np.full(len(campaigns), planned),
    )
    assert told.ahead >= 0
    assert told.behind >= 0
    assert abs(told.ahead - told.behind - told.error) <= 1e-6 + 2 / max(1, told.budget)


def test_who_is_not_held_back_is_never_behind() -> None:
    """A campaign that bids its own bid spends what the traffic gives; and only paced budgets count at all."""
    spent, budget = np.array([0, 0, 900]), np.array([1000, 1000, -1])
    told = spending(spent, budget, np.array([1.0, 0.5]), np.array([True, True, True]), np.full(3, 0.5))
    assert told == Spending(budget=2000, spent=0, due=1000, ahead=0.0, behind=0.5)
    assert spending(spent, budget, np.ones(3), np.zeros(3, bool), np.full(3, 0.5)) == Spending()
