"""The interval of a mean is that of a t test, computed here without scipy, which a serving machine need not have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adcascade.metrics.student import interval, t_within


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8))
def test_the_interval_is_that_of_a_t_test(values: list[float]) -> None:
    """A reference twin: scipy's own interval of the mean."""
    found = interval(values)
    assert found is not None
    if np.ptp(values) > 1e-9:
        low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        assert found == pytest.approx((low, high), abs=1e-9)
    else:
        assert found == pytest.approx((np.mean(values),) * 2, abs=1e-6)


@given(st.integers(1, 3000), st.floats(0.01, 0.999))
def test_t_is_student_s_quantile(df: int, inside: float) -> None:
    """A reference twin: scipy's, odd and even degrees of freedom alike."""
    assert t_within(df, inside) == pytest.approx(stats.t.ppf(0.5 + inside / 2, df), rel=1e-9)
