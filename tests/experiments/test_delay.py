"""The delay law: the fast estimator equals a loop over units, finds the truth, and is careful with few conversions."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.experiments.cohorts import Cohorts, cohorts_of
from adcascade.experiments.delay import DelayConfig, Law, corrected, elapsed_share, expectation_maximisation, start

units = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0.1, 5000), st.one_of(st.just(math.inf), st.floats(0.1, 5000))),
    min_size=1,
    max_size=40,
)


def reference(log: list[tuple[int, float, float]], arm: int, config: DelayConfig) -> tuple[float, float, float]:
    """theta, lambda and N~ of one arm, unit by unit, as the paper writes it."""
    theta, rate = config.theta, config.rate
    mine = [(age, delay if delay <= age else None) for k, age, delay in log if k == arm]
    seen = [delay for _, delay in mine if delay is not None]

    def share(age: float, rate: float) -> float:
        return 1.0 if age >= config.window else 1.0 - math.exp(-rate * age)

    slowest = 1.0 / config.window
    if not seen:
        return theta, rate, sum(share(age, slowest) for age, _ in mine)
    exposure = 0.0
    for _ in range(config.cycles):
        at_risk = sum(seen)
        for age, delay in mine:
            if delay is None:
                later = theta * (1.0 - share(age, rate))
                at_risk += later / (1.0 - theta + later) * age
        rate = max(len(seen) / at_risk, slowest)
        exposure = sum(share(age, rate) for age, _ in mine)
        theta = min(max(len(seen) / exposure, 1e-6), 1 - 1e-6)
    return theta, rate, exposure


def arrays(log: list[tuple[int, float, float]]) -> Cohorts:
    """Every unit a cohort."""
    arm, age, delay = (np.array(column) for column in zip(*log, strict=True))
    return cohorts_of(arm.astype(np.int64), age, delay, 3)


@given(log=units, window=st.sampled_from([math.inf, 3000.0]), cycles=st.integers(1, 12))
def test_the_vectorised_estimator_equals_the_loop_over_units(
    log: list[tuple[int, float, float]], window: float, cycles: int
) -> None:
    """Per arm theta, lambda and N~ agree with the reference twin."""
    config = DelayConfig(window=window, cycles=cycles)
    law = expectation_maximisation(arrays(log), start((3,), config), config)
    for arm in range(3):
        found = (law.theta[arm], law.rate[arm], law.exposure[arm])
        assert found == pytest.approx(reference(log, arm, config), rel=1e-8, abs=1e-12)


@given(logs=st.lists(units, min_size=2, max_size=3))
def test_replicas_do_not_meet(logs: list[list[tuple[int, float, float]]]) -> None:
    """Estimating several logs at once is estimating each."""
    size = min(map(len, logs))
    each = [arrays(log[:size]) for log in logs]
    together = Cohorts(
        age=np.stack([c.age for c in each]),
        units=np.stack([c.units for c in each]),
        converted=np.stack([c.converted for c in each]),
        delays=np.stack([c.delays for c in each]),
    )
    config = DelayConfig(window=4000.0)
    law = expectation_maximisation(together, start((len(each), 3), config), config)
    for one, cohorts in enumerate(each):
        alone = expectation_maximisation(cohorts, start((3,), config), config)
        np.testing.assert_allclose(law.theta[one], alone.theta)
        np.testing.assert_allclose(law.exposure[one], alone.exposure)


def drawn(theta: float, mean: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ages over twice the mean delay, and delays of a cure model."""
    random = np.random.default_rng(seed)
    delay = np.where(random.random(n) < theta, random.exponential(mean, n), np.inf)
    return random.uniform(0, 2 * mean, n), delay


@pytest.mark.parametrize(("theta", "mean"), [(0.5, 1000.0), (0.03, 500.0)])
def test_rate_and_delay_are_found_while_most_conversions_are_still_to_come(theta: float, mean: float) -> None:
    """Counting open units as failures is far below; EM is within a tenth of the rate, a fifth of the delay."""
    age, delay = drawn(theta, mean, 200_000, 5)
    cohorts = cohorts_of(np.zeros(len(age), np.int64), age, delay, 1)
    config = DelayConfig(cycles=400)
    law = expectation_maximisation(cohorts, start((1,), config), config)
    naive = cohorts.seen / cohorts.clicks
    assert naive[0] < 0.65 * theta
    assert law.theta[0] == pytest.approx(theta, rel=0.1)
    assert 1 / law.rate[0] == pytest.approx(mean, rel=0.2)


def test_with_the_law_known_the_rate_is_unbiased() -> None:
    """Over many small logs S / N~ is theta in the mean."""
    age, delay = drawn(0.2, 700.0, 400_000, 6)
    arm = np.arange(len(age)) % 4000 // 1000  # four arms that are one
    cohorts = cohorts_of(arm.astype(np.int64), age, delay, 4)
    theta, _ = corrected(cohorts, elapsed_share(cohorts.age, np.full((4, 1), 1 / 700.0)))
    assert theta == pytest.approx(np.full(4, 0.2), rel=0.03)


def test_cohorts_lose_almost_nothing() -> None:
    """Units of about one age counted together, fifty cohorts over two mean delays: theta within 1 %."""
    age, delay = drawn(0.1, 1000.0, 20_000, 7)
    arm = np.zeros(len(age), np.int64)
    exact = cohorts_of(arm, age, delay, 1)
    bins = (age / 40).astype(int)
    coarse = Cohorts(
        age=(np.arange(50, dtype=np.float64)[None, :] + 0.5) * 40,
        units=np.bincount(bins, exact.units[0], 50).astype(np.float64)[None, :],
        converted=np.bincount(bins, exact.converted[0], 50).astype(np.float64)[None, :],
        delays=exact.delays,
    )
    config = DelayConfig()
    laws = [expectation_maximisation(c, start((1,), config), config) for c in (exact, coarse)]
    assert laws[1].theta[0] == pytest.approx(laws[0].theta[0], rel=0.01)


@given(log=units)
def test_the_mean_delay_never_exceeds_the_window(log: list[tuple[int, float, float]]) -> None:
    """However few conversions there are; and N~ lies between nothing and all units."""
    config = DelayConfig(window=900.0)
    cohorts = arrays(log)
    law = expectation_maximisation(cohorts, start((3,), config), config)
    known = cohorts.seen > 0
    assert (1 / law.rate[known] <= 900.0 * (1 + 1e-12)).all()
    assert (law.exposure >= 0).all()
    assert (law.exposure <= cohorts.clicks + 1e-9).all()


def test_an_arm_without_conversions_is_not_judged_by_the_law_of_fast_ones() -> None:
    """It keeps what was believed, and without a window none of its units counts."""
    age = np.linspace(1, 100, 50)
    cohorts = cohorts_of(np.zeros(50, np.int64), age, np.full(50, np.inf), 1)
    before = replace(start((1,), DelayConfig()), theta=np.array([0.3]))
    law = expectation_maximisation(cohorts, before, DelayConfig())
    assert (law.theta[0], law.rate[0], law.exposure[0]) == (0.3, 0.01, 0.0)
    windowed = expectation_maximisation(cohorts, before, DelayConfig(window=50.0))
    assert windowed.exposure[0] > (age >= 50).sum()


def test_wrong_arguments_are_named() -> None:
    """Shapes that do not fit, and a law that cannot be."""
    with pytest.raises(ValueError, match="expected"):
        Cohorts(age=np.ones((1, 2)), units=np.ones((1, 2)), converted=np.ones((1, 3)), delays=np.ones(1))
    with pytest.raises(ValueError, match="theta"):
        DelayConfig(theta=1.0)
    assert isinstance(start((2, 3), DelayConfig()), Law)
