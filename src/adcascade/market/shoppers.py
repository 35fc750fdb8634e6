"""Shoppers: what they like, how it drifts, what of them can be seen, and how they come and go.

The market has U places. A place is held by one shopper after the other: shopper number `g * U + place` is the g-th to
hold it. How active a place is and how long its shoppers stay belong to the place, so traffic does not age; everything
else belongs to the shopper. Generation g is drawn as a whole from its own stream, when it is first asked for.

A shopper's interest at tick t is a mix of a few liked categories and a private direction:

    interest(t) = unit( sum_j w_j(t) centre(c_j) + own ),    w_j(t) = w_j exp(drift sin(2 pi (t / period_j + phase_j)))
"""

from dataclasses import dataclass, fields

import numpy as np

from adcascade.market.arrays import Floats, Ints, Longs, Singles
from adcascade.market.categories import WIDTH, CategoryTree
from adcascade.market.clock import TICKS_PER_DAY
from adcascade.market.config import MarketConfig
from adcascade.market.streams import Purpose, stream
from adcascade.market.words import AGES, COUNTRIES, DEVICES, GENDERS

LIKED = 5  # J, categories that a shopper likes
_OWN = 0.25  # length of the private direction beside the liked categories
UNKNOWN = -1  # of a visible attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Shoppers by number; what `seen_` says is visible, noisy, and UNKNOWN for some."""

    liked: Ints  # [n, J] categories, most liked first
    weight: Floats  # [n, J] sum 1
    period: Floats  # [n, J] ticks
    phase: Floats  # [n, J] turns
    own: Singles  # [n, D]
    thrift: Singles  # [n] price level that the shopper looks for, standard normal
    device: Ints  # [n, 2] the usual one and the other one
    country: Ints  # [n]
    seen_age: Ints  # [n]
    seen_gender: Ints  # [n]
    seen_segment: Ints  # [n] department that the shopper is filed under

    def __len__(self) -> int:
        """The number of shoppers, n."""
        return len(self.thrift)


class Shoppers:
    """All who ever come; shopper numbers index `people(...)`."""

    def __init__(self, config: MarketConfig, seed: int, tree: CategoryTree) -> None:
        self._config, self._seed, self._tree = config, seed, tree
        random = stream(seed, Purpose.PLACES)
        activity = np.exp(1.1 * random.standard_normal(config.users))
        self.activity_cdf: Floats = np.cumsum(activity) / activity.sum()  # [U]
        mean_life = config.user_life_days * TICKS_PER_DAY
        self._life = np.ceil(mean_life * random.uniform(0.5, 1.5, config.users)).astype(np.int64)  # [U] ticks
        self._age = np.floor(random.random(config.users) * self._life).astype(np.int64)  # [U] of the first at tick 0
        self._tastes = _tastes(random, tree)
        self._people = _generation(config, seed, tree, self._tastes, 0)

    def alive(self, tick: int) -> Longs:
        """Who holds each place at this tick, [U]."""
        generation = (tick + self._age) // self._life
        return np.asarray(generation * self._config.users + np.arange(self._config.users), np.int64)

    def people(self, user: Longs) -> People:
        """These shoppers, [n]."""
        self._grow(int(user.max(initial=0)))
        return People(**{field.name: getattr(self._people, field.name)[user] for field in fields(People)})

    def _grow(self, user: int) -> None:
        """Draw the generations up to that of `user`."""
        while user >= len(self._people):
            generation = len(self._people) // self._config.users
            more = _generation(self._config, self._seed, self._tree, self._tastes, generation)
            both = {
                f.name: np.concatenate([getattr(self._people, f.name), getattr(more, f.name)]) for f in fields(People)
            }
            self._people = People(**both)

    def mix(self, people: People, tick: Longs) -> Floats:
        """Weights of the liked categories at these ticks, [n, J], sum 1; `tick` is [n]."""
        swing = np.sin(2 * np.pi * (tick[:, None] / people.period + people.phase))
        weight = people.weight * np.exp(self._config.drift * swing)
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))

    def interest(self, people: People, tick: Longs) -> Singles:
        """Unit vectors of interest at these ticks, [n, D]; `tick` is [n]."""
        mix = self.mix(people, tick).astype(np.float32)
        vector = people.own.copy()
        for j in range(LIKED):  # five gathers are faster than one [n, J, D] product
            vector += mix[:, j, None] * self._tree.centre[people.liked[:, j]]
        return np.asarray(vector / np.linalg.norm(vector, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tastes:
    """Log-odds of liking a category by gender and by age band."""

    gender: Floats  # [2, C]
    age: Floats  # [5, C]


def _tastes(random: np.random.Generator, tree: CategoryTree) -> _Tastes:
    """Tastes that go by department, with a little of the leaf."""
    gender = random.standard_normal((len(GENDERS), len(tree.departments)))[:, tree.department]
    age = random.standard_normal((len(AGES), len(tree.departments)))[:, tree.department]
    return _Tastes(
        gender=0.9 * gender + 0.3 * random.standard_normal((len(GENDERS), len(tree))),
        age=0.9 * age + 0.3 * random.standard_normal((len(AGES), len(tree))),
    )


def _generation(config: MarketConfig, seed: int, tree: CategoryTree, tastes: _Tastes, generation: int) -> People:
    """The shoppers of one generation, [U]."""
    random = stream(seed, Purpose.PEOPLE, generation)
    n = config.users
    gender = random.integers(0, len(GENDERS), n)
    age = random.choice(len(AGES), n, p=[0.18, 0.27, 0.23, 0.17, 0.15])
    wish = np.log(tree.popularity) + tastes.gender[gender] + tastes.age[age] + random.gumbel(size=(n, len(tree)))
    liked = np.argsort(-wish, axis=1)[:, :LIKED].astype(np.int32)
    weight = random.dirichlet([2.5, 1.2, 0.7, 0.5, 0.4], n)
    weight = -np.sort(-weight, axis=1)
    device = random.choice(len(DEVICES), (n, 2), p=[0.6, 0.3, 0.1])
    return People(
        liked=liked,
        weight=weight,
        period=TICKS_PER_DAY * random.uniform(1.5, 9.0, (n, LIKED)),
        phase=random.random((n, LIKED)),
        own=(_OWN / np.sqrt(WIDTH) * random.standard_normal((n, WIDTH))).astype(np.float32),
        thrift=(0.5 * (age - 2.0) + 0.75 * random.standard_normal(n)).astype(np.float32),
        device=device.astype(np.int32),
        country=random.choice(len(COUNTRIES), n, p=[0.45, 0.2, 0.15, 0.12, 0.08]).astype(np.int32),
        seen_age=_blur(random, age, len(AGES), config.attribute_noise),
        seen_gender=_blur(random, gender, len(GENDERS), config.attribute_noise),
        seen_segment=_blur(random, tree.department[liked[:, 0]], len(tree.departments), config.attribute_noise),
    )


def _blur(random: np.random.Generator, truth: Longs | Ints, values: int, noise: float) -> Ints:
    """What is visible of an attribute: of a share `noise` any value, of half as many none at all."""
    luck, other = random.random(len(truth)), random.integers(0, values, len(truth))
    seen = np.where(luck < noise, other, truth)
    return np.where(luck > 1 - noise / 2, UNKNOWN, seen).astype(np.int32)
