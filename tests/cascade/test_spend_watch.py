"""SpendWatch tells the error now, over the day and at the ends of days."""

import numpy as np
import pytest

from adcascade.cascade.spend_watch import SpendWatch
from adcascade.money.day import DAY_US


def test_nothing_is_told_before_a_slot_has_ended() -> None:
    """Four times None."""
    assert set(SpendWatch().errors().values()) == {None}


def test_two_days_of_two_campaigns() -> None:
    """One keeps the plan and one spends half of it; a third has no daily budget and does not count."""
    watch = SpendWatch()
    budget = np.array([100, 100, -1])
    for slot in range(1, 5):
        planned = np.full(3, slot / 4)
        watch.slot(np.array([25 * slot, 25 * slot // 2, 7]), budget, planned, slot * DAY_US // 5)
    errors = watch.errors()
    assert errors["now"] == pytest.approx(0.25)
    assert errors["day"] == pytest.approx(np.mean([0.065, 0.125, 0.19, 0.25]))
    assert errors["day_end"] is None
    watch.slot(np.array([30, 25, 9]), budget, np.full(3, 0.25), DAY_US)
    errors = watch.errors()
    assert errors["day"] == errors["now"] == pytest.approx(0.025)
    assert errors["day_before"] == pytest.approx(np.mean([0.065, 0.125, 0.19, 0.25]))
    assert errors["day_end"] == pytest.approx(0.25)  # none left of the one, half of the other


def test_a_campaign_that_appears_later_has_no_day_behind_it() -> None:
    """More campaigns than at the last slot: only those that were known can have ended a day."""
    watch = SpendWatch()
    watch.slot(np.array([90]), np.array([100]), np.array([0.9]), 1)
    watch.slot(np.array([0, 0]), np.array([100, 100]), np.array([0.1, 0.1]), DAY_US)
    assert watch.errors()["day_end"] == pytest.approx(0.1)
