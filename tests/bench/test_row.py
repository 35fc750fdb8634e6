"""A row says how we stand, and a bar can fail."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bench import Bar, Row
from adcascade.bench.report import markdown
from adcascade.bench.rounds import alternate, figure

POSITIVE = st.floats(1e-6, 1e6)


@given(ours=POSITIVE, theirs=POSITIVE, least=POSITIVE)
def test_a_ratio_bar_holds_where_we_are_that_many_times_better(ours: float, theirs: float, least: float) -> None:
    """Of rates ours / theirs, of times theirs / ours; the verdict is the comparison with the bar."""
    bar = Bar(of="ratio", least=least)
    rate = Row(name="r", value=ours, unit="1/s", peer="p", peer_value=theirs, bar=bar)
    time = Row(name="t", value=ours, unit="s", peer="p", peer_value=theirs, turned=True, bar=bar)
    assert rate.ratio == ours / theirs
    assert time.ratio == theirs / ours
    assert rate.holds == (ours / theirs >= least)
    assert time.holds == (theirs / ours >= least)


def test_a_bar_without_a_peer_does_not_hold() -> None:
    """A figure that nobody stood beside proves no ratio; a bar of the value needs no peer."""
    assert Row(name="r", value=9.0, unit="1/s", bar=Bar(of="ratio", least=1)).holds is False
    assert Row(name="r", value=9.0, unit="ms", bar=Bar(of="value", most=10)).holds is True
    assert Row(name="r", value=9.0, unit="ms").holds is None


def test_what_is_not_a_number_keeps_no_bar() -> None:
    """NaN is neither at least nor at most anything."""
    assert not Bar(of="value", least=0).holds(math.nan)
    assert not Bar(of="value", most=0).holds(math.nan)


def test_variants_take_turns() -> None:
    """A B A B, the warm rounds first and not counted."""
    called: list[str] = []
    spent = alternate({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=2, warm=1)
    assert called == ["a", "b"] * 3
    assert {name: len(times) for name, times in spent.items()} == {"a": 2, "b": 2}


@pytest.mark.parametrize(("measured", "median", "spread"), [([2.0], 2.0, 0.0), ([1.0, 2.0, 3.0], 2.0, 0.25)])
def test_a_figure_is_the_median_and_half_the_quartiles(measured: list[float], median: float, spread: float) -> None:
    """The spread is a share of the median."""
    assert figure(measured) == (median, spread)


def test_a_failed_bar_is_seen_in_the_table() -> None:
    """The table says no in bold, and shows the bar."""
    row = Row(name="walk", value=1900.0, unit="1/ms", bar=Bar(of="value", least=2000))
    assert "| value >= 2000 | **no** |" in markdown([row.plain()])
