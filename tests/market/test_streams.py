"""Randomness that is a pure function of its key."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.streams import Purpose, stream, uniform_of

SEEDS = st.integers(0, 2**40)


@given(SEEDS, st.integers(0, 2**32 - 1))
def test_a_stream_is_its_key(seed: int, tick: int) -> None:
    """The same (seed, purpose, key) gives the same numbers; another purpose or key gives others."""
    numbers = stream(seed, Purpose.VIEWS, tick).random(4)
    assert np.array_equal(numbers, stream(seed, Purpose.VIEWS, tick).random(4))
    assert not np.array_equal(numbers, stream(seed, Purpose.SLATES, tick).random(4))
    assert not np.array_equal(numbers, stream(seed, Purpose.VIEWS, tick ^ 1).random(4))


def test_a_large_seed_is_not_mistaken_for_a_purpose() -> None:
    """Seed 2**32 with purpose p is not seed 0 with purpose 1 and key p."""
    assert not np.array_equal(
        stream(2**32, Purpose.ADS).random(4), stream(0, Purpose.CATEGORIES, Purpose.ADS).random(4)
    )


@given(SEEDS, st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 5))
def test_one_number_does_not_depend_on_its_company(seed: int, view: int, ad: int, slot: int) -> None:
    """A number asked for alone equals the same number asked for in a table."""
    alone = uniform_of(seed, Purpose.CLICK, np.array(view), np.array(ad), np.array(slot))
    table = uniform_of(
        seed, Purpose.CLICK, np.array([[view], [view + 1]]), np.array([[ad, ad + 1]]), np.array([[slot, slot]])
    )
    assert table.shape == (2, 2)
    assert table[0, 0] == alone[0]
    assert (table[0, 0] != table[0, 1]) & (table[0, 0] != table[1, 0])


def test_numbers_are_uniform_and_unrelated() -> None:
    """Over a grid of keys: mean 1/2, variance 1/12, flat histogram, no correlation between neighbours or purposes."""
    view, ad = np.arange(400)[:, None], np.arange(500)[None, :]
    u = uniform_of(3, Purpose.CLICK, view, ad)
    v = uniform_of(3, Purpose.CONVERSION, view, ad)
    n = u.size
    counts = np.histogram(u, 100, (0, 1))[0]
    assert ((counts - n / 100) ** 2 / (n / 100)).sum() < 160  # chi-square with 99 degrees; 160 is p < 1e-4
    assert abs(u.var() - 1 / 12) < 5e-4
    for other in (v, np.roll(u, 1, axis=0), np.roll(u, 1, axis=1)):
        assert abs(np.corrcoef(u.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(n)
