"""Claims: when a paired difference speaks for a sentence, and when it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Row

numbers = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


def of(*values: float) -> Row:
    """A row with one metric."""
    return Row(name="x", role="method", values={"auc": values})


def test_a_gain_must_be_large_enough_and_surely_above_nothing() -> None:
    """Both rules: the mean against at_least, the interval against zero."""
    base = of(0.7, 0.7, 0.7)
    assert gain("g", "auc", of(0.75, 0.76, 0.74), base, at_least=0.04).holds
    assert not gain("g", "auc", of(0.75, 0.76, 0.74), base, at_least=0.06).holds
    assert not gain("g", "auc", of(0.95, 0.6, 0.7), base).holds  # in the mean, but by chance


def test_a_difference_is_paired_by_seed() -> None:
    """What all seeds share does not widen the interval."""
    claim = gain("g", "auc", of(0.11, 0.51, 0.91), of(0.1, 0.5, 0.9))
    assert claim.holds
    assert claim.ci95 == pytest.approx((0.01, 0.01), abs=1e-9)


@given(numbers, st.floats(0.001, 1.0))
def test_lower_is_better_only_turns_the_sign(values: list[float], step: float) -> None:
    """The claim about -x with lower_is_better is the claim about x."""
    base, better = of(*values), of(*(v + step for v in values))
    turned = of(*(-v for v in values)), of(*(-v - step for v in values))
    up, down = gain("g", "auc", better, base), gain("g", "auc", turned[1], turned[0], lower_is_better=True)
    assert up.holds == down.holds
    assert up.difference == pytest.approx(down.difference)


def test_no_worse_needs_the_whole_interval_above_the_margin() -> None:
    """A small loss may pass, an uncertain one may not."""
    base = of(0.7, 0.7, 0.7)
    assert no_worse("n", "auc", of(0.699, 0.6995, 0.699), base, margin=0.01).holds
    assert not no_worse("n", "auc", of(0.7, 0.6, 0.75), base, margin=0.01).holds


def test_reaches_compares_the_mean_with_one_bound() -> None:
    """The difference is the distance to the bound, positive on the right side."""
    assert reaches("r", "auc", of(0.94, 0.98), at_least=0.95).difference == pytest.approx(0.01)
    assert reaches("r", "auc", of(0.04, 0.05), at_most=0.05).holds
    assert not reaches("r", "auc", of(0.94, 0.95), at_least=0.95).holds
    with pytest.raises(ValueError, match="one bound"):
        reaches("r", "auc", of(0.1), at_least=0.0, at_most=1.0)


def test_one_seed_has_no_interval_and_what_is_not_a_number_never_holds() -> None:
    """The difference alone decides, and NaN decides against."""
    one = gain("g", "auc", of(0.8), of(0.7))
    assert one.ci95 is None
    assert one.holds
    assert not no_worse("n", "auc", of(float("nan"), 0.7), of(0.7, 0.7), margin=9).holds


def test_a_metric_that_a_row_does_not_have_is_named() -> None:
    """With those it has."""
    with pytest.raises(ValueError, match="no 'gauc'; it has auc"):
        gain("g", "gauc", of(0.1), of(0.1))
