"""The delayed stream: when each record is there, and what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.conversion.delayed_stream import IMMEDIATE, LATE, NEGATIVE, NEVER, Protocol, records
from adcascade.errors import InputError

clicks = st.lists(st.tuples(st.integers(0, 50), st.integers(NEVER, 40)), min_size=1, max_size=30)
PROTOCOLS: tuple[Protocol, ...] = ("once", "repaired", "twice", "settled", "truth")


def arrays(given_clicks: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Times and delays, int64."""
    click_time, delay = np.array(given_clicks, np.int64).T
    return click_time, delay


@given(clicks, st.integers(0, 10), st.sampled_from(PROTOCOLS))
def test_records_come_in_order_and_each_click_is_there_first_once(
    some: list[tuple[int, int]], w: int, protocol: Protocol
) -> None:
    """Times never fall; every click has exactly one original."""
    click_time, delay = arrays(some)
    found = records(click_time, delay, protocol, observation=w, attribution=30)
    assert (np.diff(found.time) >= 0).all()
    firsts = np.unique(found.click, return_index=True)[1]
    assert len(firsts) == len(some)


@given(clicks, st.integers(1, 10), st.sampled_from(("once", "repaired", "twice", "settled")))
def test_no_label_is_known_before_its_time(some: list[tuple[int, int]], w: int, protocol: Protocol) -> None:
    """A positive never comes before its conversion, a negative never before its window has passed."""
    click_time, delay = arrays(some)
    found = records(click_time, delay, protocol, observation=w, attribution=30)
    wait = found.time - click_time[found.click]
    positive = found.label > 0
    assert (wait[positive] >= delay[found.click][positive]).all()
    assert (wait[~positive] >= w).all()


@given(clicks, st.integers(0, 10))
def test_repaired_is_a_loop_over_clicks(some: list[tuple[int, int]], w: int) -> None:
    """The reference twin: the original, then the late positive of what converted late but in time."""
    click_time, delay = arrays(some)
    expected = []
    for i, (c, d) in enumerate(some):
        immediate = 0 <= d <= w and w > 0
        expected.append((c + w, i, IMMEDIATE if immediate else NEGATIVE))
        if not immediate and 0 <= d <= 30:
            expected.append((c + d, i, LATE))
    found = records(click_time, delay, "repaired", observation=w, attribution=30)
    assert sorted(zip(found.time.tolist(), found.click.tolist(), found.kind.tolist(), strict=True)) == sorted(expected)


@given(clicks)
def test_the_final_label_of_the_stream_is_the_truth(some: list[tuple[int, int]]) -> None:
    """What each click's last record says is whether it converts within the attribution window."""
    click_time, delay = arrays(some)
    truth = (delay >= 0) & (delay <= 30)
    for protocol in ("repaired", "twice", "settled", "truth"):
        found = records(click_time, delay, protocol, observation=5, attribution=30)
        last = dict(zip(found.click.tolist(), found.label.tolist(), strict=True))
        assert [last[i] > 0 for i in range(len(some))] == truth.tolist()


def test_parts_of_a_stream_are_by_time() -> None:
    """The start is taken, the end is left."""
    found = records(np.array([0, 3, 6]), np.array([NEVER, 1, NEVER]), "once", observation=2, attribution=5)
    assert found.between(5, 8).time.tolist() == [5]


def test_windows_must_fit() -> None:
    """An observation longer than the attribution is refused."""
    with pytest.raises(InputError, match="observation is 9"):
        records(np.array([0]), np.array([1]), "once", observation=9, attribution=5)
