"""Sliding windows: exact while there is room, and bounded always."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.events.traffic.rates import Rate
from adcascade.events.traffic.suspects import crowded


@given(
    events=st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), max_size=60),
    limit=st.integers(0, 4),
    window=st.integers(1, 12),
)
def test_over_is_what_a_list_of_all_times_says(events: list[tuple[int, str]], limit: int, window: int) -> None:
    """Over where `limit` earlier events of the key lie within the window; never where the limit is 0."""
    rate, past, now = Rate(limit, window), list[tuple[int, str]](), 0
    for step, key in events:
        now += step
        before = sum(1 for at, who in past if who == key and now - at < window)
        assert rate.over(key, now) == (limit > 0 and before >= limit)
        past.append((now, key))


@given(events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=200))
def test_memory_is_bounded(events: list[tuple[int, int]]) -> None:
    """Never more times than allowed, and the count of them is true."""
    rate, now = Rate(3, 10, entries=8), 0
    for step, key in events:
        now += step
        rate.over(str(key), now)
        assert rate.held == sum(map(len, rate._times.values())) <= 8


def test_the_quietest_key_is_forgotten_first() -> None:
    """A busy key keeps its window while others come and go."""
    rate = Rate(2, 1000, entries=3)
    for now in range(50):
        rate.over(f"once-{now}", now)
        rate.over("busy", now)
    assert rate.over("busy", 51)


@given(gaps=st.lists(st.integers(0, 4), max_size=40), limit=st.integers(1, 5), window=st.integers(1, 15))
def test_a_crowd_is_every_window_that_holds_too_many(gaps: list[int], limit: int, window: int) -> None:
    """Marked are exactly the times that share some window with more than `limit` others, as asked window by window."""
    times = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    expected = [False] * len(times)
    for start in times:
        inside = [place for place, at in enumerate(times) if start <= at < start + window]
        if len(inside) > limit:
            for place in inside:
                expected[place] = True
    assert crowded(times, limit, window) == expected
