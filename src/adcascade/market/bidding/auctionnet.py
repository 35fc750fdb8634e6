"""The numeric opportunity generator of AuctionNet (NeurIPS 2024 competition): budgets, CPA constraints, 48 x 48.

    mean value of agent i at tick t = 0.0005 * f_category(t) * f_agent(t)
    v ~ N(mean, mean * ratio) clipped to [0, 1];  sigma = v * rho;  realised ~ v + sigma * N truncated to [-2 u1, 2 u2]

f_category ~ U(0.3, 1.7) and f_agent ~ U(0.5, 1.5), each anew per block of 8 ticks; u1, u2 ~ U(0, 1) per agent and
period: a day's hidden bias. Every tick has streams of its own, so that it can be made alone; the original reuses one
exposure seed for all ticks, which correlates them.
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Floats, Ints
from adcascade.market.bidding.opportunities import Opportunities
from adcascade.market.streams import Purpose, stream

TICKS = 48
_BLOCK = 8  # ticks in which the factors of the value stay the same
_TRAFFIC_BLOCK = 4
_MEAN_VALUE = 0.0005
_DAY = (  # share of the PVs by tick
    *(0.023, 0.011, 0.009, 0.005, 0.005, 0.003, 0.003, 0.003, 0.004, 0.005, 0.011, 0.012, 0.019, 0.017, 0.026, 0.024),
    *(0.036, 0.033, 0.038, 0.032, 0.037, 0.033, 0.034, 0.025, 0.024, 0.022, 0.026, 0.020, 0.022, 0.020, 0.023, 0.021),
    *(0.024, 0.021, 0.020, 0.016, 0.017, 0.017, 0.020, 0.020, 0.025, 0.025, 0.031, 0.029, 0.030, 0.026, 0.025, 0.025),
)


@dataclass(frozen=True, kw_only=True)
class AuctionNetConfig:
    """Sizes; budgets shrink with the PVs, so that a smaller period has the same prices."""

    pvs: int = 500_000  # per period
    categories: int = 6
    agents_per_category: int = 8
    slots: int = 3

    @property
    def agents(self) -> int:
        """n."""
        return self.categories * self.agents_per_category

    @property
    def scale(self) -> float:
        """PVs relative to the original period."""
        return self.pvs / 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """What distinguishes the n agents, for all periods."""

    category: Ints  # [n]
    budget: Floats  # [n] per period, 2000 to 4850 times the scale
    cpa: Floats  # [n] constraint: 60, 70 ... 130 in some order within each category
    sigma_ratio: Floats  # [n] rho_i
    spread: Floats  # [n] mean ratio of standard deviation to mean of the value


def draw_agents(config: AuctionNetConfig, seed: int) -> Agents:
    """The agents of this seed."""
    random = stream(seed, Purpose.BIDDERS)
    n, per = config.agents, config.agents_per_category
    cpa = [60 + 10.0 * (random.permutation(per) % 8) for _ in range(config.categories)]
    return Agents(
        category=np.repeat(np.arange(config.categories, dtype=np.int32), per),
        budget=np.asarray(config.scale * 50.0 * random.integers(40, 98, n), np.float64),
        cpa=np.concatenate(cpa),
        sigma_ratio=np.abs(random.normal(0.15, 0.06, n)),
        spread=random.normal(0.5, 0.1, n).clip(0.1, 1),
    )


@dataclass(frozen=True, slots=True)
class AuctionNetPeriod:
    """One delivery period (a day of 48 ticks); `opportunities(tick)` is a function of (seed, period, tick)."""

    config: AuctionNetConfig
    seed: int
    period: int = 0

    def shares(self) -> Floats:
        """Share of the period's PVs in each tick, [48], sum 1."""
        random = stream(self.seed, Purpose.OPPORTUNITIES, self.period)
        share = np.array(_DAY) * np.repeat(random.uniform(0.6, 1.4, TICKS // _TRAFFIC_BLOCK), _TRAFFIC_BLOCK)
        return np.asarray(share / share.sum())

    def mean_value(self, tick: int) -> Floats:
        """Mean value of each agent at this tick, [n]."""
        config = self.config
        random = stream(self.seed, Purpose.OPPORTUNITIES, self.period, TICKS + tick // _BLOCK)
        category = np.repeat(random.uniform(0.3, 1.7, config.categories), config.agents_per_category)
        agent = random.uniform(0.5, 1.5, config.agents)
        agent[:: config.agents_per_category] = 1.0  # the first of each category is its measure
        return np.asarray(_MEAN_VALUE * category * agent)

    def bias(self) -> tuple[Floats, Floats]:
        """Truncation points (-2 u1, 2 u2) of each agent in this period, [n] each."""
        u = stream(self.seed, Purpose.BIDDERS, 1 + self.period).random((2, self.config.agents))
        return -2 * u[0], 2 * u[1]

    def opportunities(self, tick: int, agents: Agents) -> Opportunities:
        """The opportunities of one tick."""
        random = stream(self.seed, Purpose.OPPORTUNITIES, self.period, tick)
        size = (round(self.config.pvs * self.shares()[tick]), self.config.agents)
        mean = self.mean_value(tick)
        ratio = random.normal(agents.spread, 0.2 * agents.spread).clip(0.1, 1)  # [n]
        value = (mean + mean * ratio * random.standard_normal(size)).clip(0, 1)
        rho = np.abs(agents.sigma_ratio * (1 + 0.5 * random.standard_normal(size))).clip(max=0.3)
        sigma = value * rho
        low, high = self.bias()
        realised = (value + sigma * truncated_normal(random, low, high, size[0])).clip(0, 1)
        luck = stream(self.seed, Purpose.EXPOSURES, self.period, tick)
        return Opportunities(
            value=value,
            sigma=sigma,
            realised=realised,
            action_luck=luck.random(size),
            exposure_luck=luck.random((size[0], self.config.slots)),
            tie_luck=luck.random(size),
        )


def truncated_normal(random: np.random.Generator, low: Floats, high: Floats, rows: int) -> Floats:
    """Standard normal numbers within [low, high], [rows, n], where low <= 0 <= high, each [n].

    Rejection from the uniform: since the mode lies inside, x is kept with probability exp(-x^2 / 2).
    """
    x = random.uniform(low, high, (rows, len(low)))
    left = np.flatnonzero(random.random(x.size) > np.exp(-0.5 * x.ravel() ** 2))
    flat = x.ravel()
    while len(left):
        column = left % len(low)
        flat[left] = random.uniform(low[column], high[column])
        left = left[random.random(len(left)) > np.exp(-0.5 * flat[left] ** 2)]
    return flat.reshape(x.shape)
