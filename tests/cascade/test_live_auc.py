"""Every impression lies in one period, and a period's AUC is that of its own impressions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.live_auc import BY_HOUR, DAY_US, HOUR_US, live_auc
from adcascade.metrics.auc import auc

START = 1_750_000_000_000_000
SEEN = st.lists(st.tuples(st.integers(0, 100 * HOUR_US), st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=40)


@given(seen=SEEN)
def test_periods_are_what_a_loop_makes_of_them(seen: list[tuple[int, float, float, bool]]) -> None:
    """By the hour where the span is short, else by the day; in order; undefined without both kinds."""
    time_us = np.array([START + one[0] for one in seen], np.int64)
    first, second, clicked = np.array([one[1:] for one in seen], np.float64).reshape(-1, 3).T
    periods = live_auc(time_us, clicked, first, second)
    starts = [one.start_us for one in periods]
    assert starts == sorted(set(starts))
    assert sum(one.impressions for one in periods) == len(seen)
    assert sum(one.clicks for one in periods) == clicked.sum()
    short = len(seen) > 0 and time_us.max() - time_us.min() < BY_HOUR * HOUR_US
    for one in periods:
        within = (time_us >= one.start_us) & (time_us < one.start_us + (HOUR_US if short else DAY_US))
        assert one.start_us % (HOUR_US if short else DAY_US) == 0
        assert one.impressions == within.sum()
        if 0 < one.clicks < one.impressions:
            assert one.aucs == tuple(auc(clicked[within], column[within]) for column in (first, second))
        else:
            assert one.aucs == (None, None)
