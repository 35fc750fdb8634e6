"""The simulated experiment of the study `delayed-bandit`: every seed a replica, all of them at once.

A replica is a stream of N clicks. Click i comes at a time, has a luck u_i and a wait z_i; on arm k it converts where
u_i < theta_k, after scale_k z_i. So every method meets the same shoppers, and differences are the methods'. An arm is
chosen for a batch at a time, from what is seen at its beginning.

Letters in shapes: R replicas, N clicks, K arms, B cohorts, G spans of the life table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.experiments.cohorts import Cohorts, Floats
from adcascade.experiments.delay import DelayConfig, Law, corrected, elapsed_share, expectation_maximisation, start
from adcascade.experiments.life_table import counted_share, incidence

Ints = NDArray[np.int64]
Draw = Callable[[np.random.Generator, int], Floats]  # so many numbers
Cdf = Callable[[Floats], Floats]

COHORT = 50  # clicks in a row that are counted together
SPANS = 60  # of the life table


def one_a_unit(random: np.random.Generator, n: int) -> Floats:  # noqa: ARG001  chance has no part in it
    """Click i at time i."""
    return np.arange(n, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Arms with theta and scale [K]; waits draws z, law is its distribution function; arrivals draws click times."""

    name: str
    theta: tuple[float, ...]
    scale: tuple[float, ...]
    waits: Draw
    law: Cdf
    window: float = 5_000.0  # five times the slowest mean delay
    arrivals: Draw = one_a_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The replicas of a case: came, luck, wait [R, N]."""

    case: Case
    came: Floats
    luck: Floats
    wait: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        """R, N, K."""
        return (*self.came.shape, len(self.case.theta))

    def delay(self, at: slice, arm: Ints) -> Floats:
        """What these clicks wait for their conversion on these arms, [R, n]; infinite where none will come."""
        theta, scale = np.array(self.case.theta), np.array(self.case.scale)
        return np.where(self.luck[:, at] < theta[arm], scale[arm] * self.wait[:, at], np.inf)


def world_of(case: Case, seeds: Sequence[int], clicks: int) -> World:
    """One replica a seed; a seed's stream is the same whichever others run beside it."""
    randoms = [np.random.default_rng([seed, 1]) for seed in seeds]
    came = [case.arrivals(random, clicks) for random in randoms]
    luck = [random.random(clicks) for random in randoms]
    wait = [case.waits(random, clicks) for random in randoms]
    return World(case=case, came=np.stack(came), luck=np.stack(luck), wait=np.stack(wait))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is seen at a decision: the cohorts, and for the life table every click's delay and arm."""

    world: World
    cohorts: Cohorts
    delays: Floats  # [R, n] seen by now, infinite where not
    arm: Ints  # [R, n]


class Log:
    """The clicks served so far: arm and delay [R, N]."""

    def __init__(self, world: World) -> None:
        self.world = world
        replicas, clicks, _ = world.shape
        self.arm: Ints = np.zeros((replicas, clicks), np.int64)
        self._delay: Floats = np.full((replicas, clicks), np.inf)
        self.n = 0

    def serve(self, arm: Ints) -> None:
        """The next clicks go to these arms, [R, m]."""
        at = slice(self.n, self.n + arm.shape[1])
        self.arm[:, at] = arm
        self._delay[:, at] = self.world.delay(at, arm)
        self.n = at.stop

    def view(self) -> View:
        """As of the next click, or the last one."""
        replicas, clicks, arms = self.world.shape
        came, arm = self.world.came[:, : self.n], self.arm[:, : self.n]
        now = self.world.came[:, min(self.n, clicks - 1)]
        age = now[:, None] - came
        seen = self._delay[:, : self.n] <= age
        cohorts = -(-self.n // COHORT)
        starts = np.arange(0, self.n, COHORT)
        size = np.diff(np.append(starts, self.n))
        middle = np.add.reduceat(age, starts, axis=1) / size  # [R, B]
        place = np.arange(replicas)[:, None] * arms + arm  # [R, n]
        cell = place * cohorts + np.arange(self.n) // COHORT
        shape = (replicas, arms, cohorts)
        return View(
            world=self.world,
            cohorts=Cohorts(
                age=middle[:, None, :],
                units=_count(cell.ravel(), shape),
                converted=_count(cell[seen], shape),
                delays=_count(place[seen], shape[:2], self._delay[:, : self.n][seen]),
            ),
            delays=np.where(seen, self._delay[:, : self.n], np.inf),
            arm=arm,
        )


def _count(cell: Ints, shape: tuple[int, ...], weights: Floats | None = None) -> Floats:
    return np.bincount(cell, weights, int(np.prod(shape))).astype(np.float64).reshape(shape)


class Estimator:
    """What is believed of the arms: by EM, which remembers what it believed last, or one of WAYS."""

    def __init__(self, how: str, config: DelayConfig, shape: tuple[int, int]) -> None:
        self.how, self.config = how, config
        self.law = start(shape, config)

    def __call__(self, view: View) -> Law:
        """What is believed now, [R, K]."""
        if self.how == "em":
            self.law = expectation_maximisation(view.cohorts, self.law, self.config)
            return self.law
        theta, exposure = corrected(view.cohorts, WAYS[self.how](view))
        return Law(theta=theta, rate=self.law.rate, exposure=exposure)


def _known(view: View) -> Floats:
    case = view.world.case
    return case.law(view.cohorts.age / np.array(case.scale)[:, None])


def _life_table(view: View) -> Floats:
    """F of the life table at the age of each cohort, [R, K, B]."""
    replicas, _, arms = view.world.shape
    cohorts, oldest = view.cohorts, view.cohorts.age.max()
    edges = np.concatenate([[0.0], np.geomspace(oldest / 300, oldest * (1 + 1e-9), SPANS)])
    seen = np.isfinite(view.delays)
    place = np.arange(replicas)[:, None] * arms + view.arm
    span = np.minimum(np.searchsorted(edges, view.delays[seen], "right") - 1, SPANS - 1)
    shape = (replicas, arms, SPANS)
    conversions = _count(place[seen] * SPANS + span, shape)
    at = np.clip(np.searchsorted(edges, cohorts.age[:, 0, :], "right") - 1, 0, SPANS - 1)  # [R, B]
    censored = np.zeros(shape)
    np.add.at(censored.transpose(0, 2, 1), (np.arange(replicas)[:, None], at), cohorts.open.transpose(0, 2, 1))
    share = counted_share(incidence(conversions, censored))  # [R, K, G + 1]
    middle = (cohorts.age[:, 0, :] - edges[at]) / (edges[at + 1] - edges[at])
    low = np.take_along_axis(share, at[:, None, :], -1)
    high = np.take_along_axis(share, at[:, None, :] + 1, -1)
    return np.asarray(low + (high - low) * middle[:, None, :])


WAYS: dict[str, Callable[[View], Floats]] = {
    "naive": lambda view: np.ones_like(view.cohorts.units),
    "known": _known,
    "life table": _life_table,
}


def exponential(random: np.random.Generator, n: int) -> Floats:
    """Waits with mean 1."""
    return random.exponential(1.0, n)


def weibull(shape: float) -> tuple[Draw, Cdf]:
    """Waits with scale 1, and their law."""
    return lambda random, n: random.weibull(shape, n), lambda z: -np.expm1(-(z**shape))


def empirical(delays: Floats) -> tuple[Draw, Cdf]:
    """Waits drawn from what was observed, and their law."""
    ordered = np.sort(delays)
    return (
        lambda random, n: random.choice(ordered, n),
        lambda z: np.searchsorted(ordered, z, "right") / len(ordered),
    )


def thinned(times: Floats) -> Draw:
    """Click times drawn from all of a log."""
    return lambda random, n: np.sort(random.choice(times, n))


def in_a_row(times: Floats) -> Draw:
    """Clicks of a log as they follow each other, from a random one on."""
    ordered = np.sort(times)

    def draw(random: np.random.Generator, n: int) -> Floats:
        first = int(random.integers(0, len(ordered) - n))
        return ordered[first : first + n]

    return draw


def exponential_law(z: Floats) -> Floats:
    """F of waits with mean 1."""
    return elapsed_share(z, np.array(1.0))
