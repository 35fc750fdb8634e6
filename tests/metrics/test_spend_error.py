"""The spend error is the mean distance from the plan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.metrics.spend_error import spend_error


@given(rows=st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**9), st.floats(0, 1)), min_size=1, max_size=20))
def test_it_is_the_mean_of_every_campaigns_distance(rows: list[tuple[int, int, float]]) -> None:
    """As written down in a loop; 0 exactly on the plan."""
    spent, budget, planned = (np.array(column) for column in zip(*rows, strict=True))
    expected = sum(abs(s / b - p) for s, b, p in rows) / len(rows)
    assert spend_error(spent, budget, planned) == pytest.approx(expected)
    assert spend_error(spent, budget, spent / budget) == 0.0


def test_without_campaigns_nothing_is_known() -> None:
    """None, not 0: nobody kept to a plan."""
    none = np.zeros(0, np.int64)
    assert spend_error(none, none, np.zeros(0)) is None
