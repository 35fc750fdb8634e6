"""The world of the ExFM study: users meet ads in domains, some tastes turn with time, and a teacher knows it in part.

    logit_t(u, a, d) = tanh-mlp(u, a, u ⊙ a) - 3.8                                    the still world
                                                   + cos(ωt) e_ad + sin(ωt) e'_ad      the turning world

e_ad = g_a + c_d is an effect of the ad and one of the domain, and e' another pair of the two.

An effect that turns keeps its spread, so the click rate stays while the best ads change; the teacher's error after Δ
days is the same at every t. The teacher is the truth of Δ days ago, rescaled, shifted and blurred:

    logit(ŷ_F) = 0.8 logit_{t - age} + 0.7 + 0.3 N(0, 1)

Letters in shapes: n impressions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled
from adcascade.learning.model import Shape
from adcascade.learning.streaming import predict_then_update
from adcascade.learning.supervision import AGE, TEACHER
from adcascade.metrics.logistic import sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USERS, ADS, DOMAINS, LATENT = 3000, 800, 8, 8
DAYS, HOURS = 10, 24
OMEGA = 0.2  # ω, radians a day
WIDTH = 16  # of an embedding
ROWS = 1 + USERS + DOMAINS + ADS  # of the students' table
SHAPE = Shape(width=WIDTH, request_fields=2, request_numbers=0, ad_fields=1, ad_numbers=0)


@dataclass(frozen=True, slots=True)
class Impressions:
    """n impressions in order of time."""

    user: Ints
    ad: Ints
    domain: Ints
    day: Floats  # 0 <= day <= DAYS

    def __len__(self) -> int:
        """n."""
        return len(self.user)

    def batch(self) -> Batch:
        """As the students read them."""
        n = len(self)
        ids = np.stack([1 + self.user, 1 + USERS + self.domain, 1 + USERS + DOMAINS + self.ad], axis=1)
        return Batch(
            ids=ids,
            dense=np.zeros((n, 0), np.float32),
            history=np.zeros((n, 0, 0), np.int64),
            history_length=np.zeros(n, np.int64),
            scenario=self.domain,
        )


class World:
    """Everything random of one seed."""

    def __init__(self, seed: int, *, turning: bool = False) -> None:
        self.random = np.random.default_rng(seed)
        self._user = self.random.normal(size=(USERS, LATENT))
        self._ad = self.random.normal(size=(ADS, LATENT))
        self._first = self.random.normal(size=(3 * LATENT, 32)) / np.sqrt(3 * LATENT)
        self._last = self.random.normal(size=32) * 2.7 / np.sqrt(32)
        self._of_ad = standard(self.random.normal(size=(2, ADS))) * (0.6 if turning else 0.0)
        self._of_domain = standard(self.random.normal(size=(2, DOMAINS))) * (1.0 if turning else 0.0)

    def draw(self, n: int, since: float, until: float) -> Impressions:
        """n impressions, uniform in everything, in order of time."""
        return Impressions(
            self.random.integers(0, USERS, n),
            self.random.integers(0, ADS, n),
            self.random.integers(0, DOMAINS, n),
            np.sort(self.random.uniform(since, until, n)),
        )

    def logit(self, shown: Impressions, day: Floats) -> Floats:
        """The truth of these pairs on other days, [n]."""
        u, a = self._user[shown.user], self._ad[shown.ad]
        fixed = np.tanh(np.concatenate((u, a, u * a), axis=1) @ self._first) @ self._last
        effect = self._of_ad[:, shown.ad] + self._of_domain[:, shown.domain]  # [2, n]
        return np.asarray(fixed - 3.8 + np.cos(OMEGA * day) * effect[0] + np.sin(OMEGA * day) * effect[1])

    def probability(self, shown: Impressions) -> Floats:
        """The true click probability, [n]."""
        return sigmoid(self.logit(shown, shown.day))

    def clicks(self, shown: Impressions) -> NDArray[np.float32]:
        """Drawn clicks, [n]."""
        return (self.random.random(len(shown)) < self.probability(shown)).astype(np.float32)

    def teacher(self, shown: Impressions, age: Floats) -> NDArray[np.float32]:
        """What a teacher whose data ended `age` days before says, [n]."""
        noise = self.random.normal(size=len(shown))
        return sigmoid(0.8 * self.logit(shown, shown.day - age) + 0.7 + 0.3 * noise).astype(np.float32)


def standard(values: Floats) -> Floats:
    """Each row with mean 0 and standard deviation 1; [r, n] -> [r, n]."""
    return np.asarray((values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True))


def ages(day: Floats, delay: float) -> Floats:
    """How old the teacher of each impression is, in days, [n]: refreshed daily, with data that ends `delay` before.

    The world is older than the stream, so even the first day has a teacher.
    """
    age = np.full(len(day), np.nan)
    late = round(delay * HOURS)
    for period in predict_then_update(-late, DAYS * HOURS, warm_up=0, refresh=HOURS, delay=late):
        inside = (day * HOURS >= period.score_from) & (day * HOURS < period.score_until)
        age[inside] = day[inside] - period.train_until / HOURS
    return age


def stream(shown: Impressions, click: NDArray[np.float32], teacher: NDArray[np.float32], age: Floats) -> list[Labelled]:
    """The impressions as six blocks a day, in order; a teacher of NaN was not asked."""
    whole = Labelled(
        batch=shown.batch(),
        label=click,
        weight=np.ones(len(shown), np.float32),
        extra={TEACHER: teacher, AGE: age.astype(np.float32)},
    )
    cuts = np.searchsorted(shown.day, np.linspace(0, DAYS, 6 * DAYS + 1)[1:-1])
    return [whole.take(part) for part in np.split(np.arange(len(shown)), cuts)]
