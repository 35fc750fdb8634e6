"""A stream of clicks with known conversion rates and delays, both of which drift; hours are the unit of metrics.

    logit q(x, t) = b + Σ_f W_f[x_f] + Σ_{f < 2} S_f[day(t), x_f]      S walks: the taste drifts from day to day
    delay         short (mean 20 minutes) or long (mean half a day): which, and how long, depends on x;
                  from the promotion on, shoppers take longer

The values of W and of the law of delays are the quantiles of a normal law in an order drawn by chance, and b makes the
mean rate 22 % (that of Criteo's conversion log): seeds differ in what converts and when, not in how much is at stake.
With `delays` (hours, measured elsewhere) the long-or-short law is replaced by draws from these: the shape of real
click-to-conversion delays with a truth that is known.
Letters in shapes: N clicks, F features with V values each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from adcascade.conversion.delayed_stream import NEVER
from adcascade.conversion.learn import offset

F, V = 6, 10
MINUTES = 60  # the stream counts minutes; an hour has so many
DAY = 24 * MINUTES
PROMOTION = 3  # day of the stream on which shoppers begin to take longer

MEAN_RATE = 0.22
DRIFT = 0.15  # of the taste for a value of the first two features, per day

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clicks:
    """N clicks in order of time."""

    x: NDArray[np.float32]  # [N, F * V] one-hot
    time: Ints  # [N] minutes
    delay: Ints  # [N] minutes, or NEVER
    rate: Floats  # [N] the true q(x, t) within the attribution window

    def __len__(self) -> int:
        """N."""
        return len(self.time)


def draw_clicks(
    seed: int, *, days: int, per_hour: int, begin: int, attribution: int, delays: Floats | None = None
) -> Clicks:
    """`days` of clicks; minute 0 is the end of day `begin`, so that times before it are the past."""
    random = np.random.default_rng(seed)
    n = days * 24 * per_hour
    time = np.sort(random.integers(-begin * DAY, (days - begin) * DAY, n))
    value = random.integers(0, V, (n, F))
    day = np.floor(time / DAY).astype(np.int64) + begin
    steps = np.cumsum(random.normal(0, DRIFT, (days, 2, V)), axis=0)  # a walk per day
    logit = sum(0.5 * _effects(random)[value[:, f]] for f in range(F))
    logit += sum(steps[day, f, value[:, f]] for f in range(2))
    q = 1 / (1 + np.exp(-(logit + offset(logit, MEAN_RATE * n))))
    if delays is None:
        wait, within = _modelled(random, value, time, attribution)
    else:
        wait = random.choice(delays, n) * MINUTES
        within = np.full(n, float((delays * MINUTES <= attribution).mean()))
    delay = np.where(random.random(n) < q, np.floor(wait).astype(np.int64), NEVER)
    x = np.zeros((n, F, V), np.float32)
    np.put_along_axis(x, value[:, :, None], 1.0, axis=2)
    return Clicks(x.reshape(n, F * V), time, delay, q * within)


def _effects(random: np.random.Generator) -> Floats:
    """The quantiles of a standard normal law in an order drawn by chance, [V]."""
    quantiles: Floats = norm.ppf((np.arange(V) + 0.5) / V)
    return random.permutation(quantiles)


def _modelled(random: np.random.Generator, value: Ints, time: Ints, attribution: int) -> tuple[Floats, Floats]:
    """Delays in minutes, and the chance that a conversion comes within the attribution window, [N] each."""
    pull = _effects(random)[value[:, 1]] - 0.5 * (time >= PROMOTION * DAY)
    short = 1 / (1 + np.exp(-pull))
    mean = 12 * MINUTES * np.exp(0.3 * _effects(random)[value[:, 2]])
    quick = random.random(len(time)) < short
    wait = np.where(quick, random.exponential(20.0, len(time)), random.exponential(mean))
    return wait, short * (1 - np.exp(-attribution / 20.0)) + (1 - short) * (1 - np.exp(-attribution / mean))
