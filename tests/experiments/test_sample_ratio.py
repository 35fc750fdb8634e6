"""Sample ratio: Pearson's test where shares are fixed, as rare as it says by chance, and sharp where units are lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from adcascade.experiments.experiment import Allocation
from adcascade.experiments.sample_ratio import chi_square_survival, sample_ratio

units = st.lists(st.integers(0, 10_000), min_size=2, max_size=5)


def allocation(*shares: float, number: int = 1) -> Allocation:
    """Of such shares."""
    return Allocation(number=number, from_us=0, shares=shares)


@given(x=st.floats(0, 200), freedom=st.integers(1, 12))
def test_the_survival_is_that_of_chi_square(x: float, freedom: int) -> None:
    """Against scipy, which serving does without."""
    assert chi_square_survival(x, freedom) == pytest.approx(float(chi2.sf(x, freedom)), rel=1e-9, abs=1e-300)


@given(came=units, data=st.data())
def test_under_one_allocation_it_is_pearsons_test(came: list[int], data: st.DataObject) -> None:
    """The same p, whatever the shares."""
    weight = data.draw(st.lists(st.floats(0.05, 1), min_size=len(came), max_size=len(came)))
    shares = np.array(weight) / sum(weight)
    found = sample_ratio({1: tuple(came)}, [allocation(*shares)])
    assert found is not None
    if sum(came):
        expected = chisquare(came, shares * sum(came)).pvalue
        assert found.p == pytest.approx(float(expected), rel=1e-6, abs=1e-12)
    assert sum(found.expected) == pytest.approx(sum(came))


def test_chance_alone_is_called_broken_as_rarely_as_it_says() -> None:
    """Units of three allocations, one of which gives an arm nothing: p is spread evenly over [0, 1]."""
    random = np.random.default_rng(3)
    plan = [
        allocation(0.5, 0.3, 0.2, number=1),
        allocation(0.8, 0.2, 0.0, number=2),
        allocation(0.1, 0.1, 0.8, number=3),
    ]
    chances = []
    for _ in range(2000):
        came = {one.number: tuple(random.multinomial(400, one.shares)) for one in plan}
        found = sample_ratio(came, plan)
        assert found is not None
        chances.append(found.p)
    below = [np.mean(np.array(chances) < level) for level in (0.01, 0.1, 0.5)]
    assert below == pytest.approx([0.01, 0.1, 0.5], abs=0.035)


def test_lost_units_are_found() -> None:
    """One in ten of an arm's units missing from 10,000; a unit where no share was given; and nothing without units."""
    broken = sample_ratio({1: (5000, 4500)}, [allocation(0.5, 0.5)])
    assert broken is not None
    assert broken.broken
    stray = sample_ratio({1: (10, 1)}, [allocation(1.0, 0.0)])
    assert stray is not None
    assert stray.p == 0
    sound = sample_ratio({1: (5000, 5050)}, [allocation(0.5, 0.5)])
    assert sound is not None
    assert not sound.broken
    assert sample_ratio({}, [allocation(0.5, 0.5)]) is None
