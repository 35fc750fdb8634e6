"""Page views: who comes when to which page, with which query, slots and organic items."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.market.ads import Ads
from adcascade.market.arrays import Flags, Floats, Ints, Longs
from adcascade.market.categories import CategoryTree
from adcascade.market.clock import TICK_US, day_curve, tick_start_us
from adcascade.market.config import MarketConfig
from adcascade.market.scenarios import Scenarios
from adcascade.market.shoppers import People, Shoppers
from adcascade.market.streams import Purpose, stream

QUERY_WORDS = 3  # Q
VIEWS_IN_TICK = 1 << 24  # a view's id is tick * VIEWS_IN_TICK + its number in the tick
NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PageViews:
    """N page views in order of time, a struct of arrays. `intent` is hidden; everything else a page can tell."""

    view: Longs  # [N] id, unique for life
    tick: Longs  # [N]
    time_us: Longs  # [N]
    user: Longs  # [N] number of the shopper
    consent: Flags  # [N] the request may name the shopper
    scenario: Ints  # [N]
    intent: Ints  # [N] category that the page is about; NONE where it is about nothing
    category: Ints  # [N] category that the page tells; NONE
    query: Ints  # [N, Q] words; NONE
    device: Ints  # [N]
    country: Ints  # [N]
    slots: Ints  # [N] how many places for ads
    organic: Ints  # [N, M] ads whose products the page shows around the slots; NONE

    def __len__(self) -> int:
        """The number of views, N."""
        return len(self.view)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Self:
        """The views at these places."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The views of all parts, one after the other."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Traffic:
    """Draws the page views of a tick."""

    config: MarketConfig
    seed: int
    tree: CategoryTree
    scenarios: Scenarios
    shoppers: Shoppers
    ads: Ads

    def views(self, tick: int) -> PageViews:
        """The page views of one tick, the same whenever it is asked for."""
        random = stream(self.seed, Purpose.VIEWS, tick)
        n = int(random.poisson(self.config.views_per_tick * day_curve(tick)))
        scenario = random.choice(len(self.scenarios.names), n, p=self.scenarios.traffic)
        return self._draw(random, tick, scenario.astype(np.int32))

    def sample(self, per_scenario: int) -> PageViews:
        """Views of the first day's noon, equally many of each scenario: to measure the world by."""
        random = stream(self.seed, Purpose.CALIBRATION)
        scenario = np.repeat(np.arange(len(self.scenarios.names), dtype=np.int32), per_scenario)
        return self._draw(random, 72, scenario)

    def _draw(self, random: np.random.Generator, tick: int, scenario: Ints) -> PageViews:
        """Views [N] of these scenarios."""
        n = len(scenario)
        time_us = tick_start_us(tick) + np.sort(random.integers(0, TICK_US, n))
        place = np.searchsorted(self.shoppers.activity_cdf, random.random(n)).clip(max=self.config.users - 1)
        user = self.shoppers.alive(tick)[place]
        people = self.shoppers.people(user)
        ticks = np.full(n, tick, np.int64)
        intent = self._intents(random, people, self.shoppers.mix(people, ticks), scenario)
        usual = (random.random(n) > 0.8).astype(np.int64)
        return PageViews(
            view=tick * VIEWS_IN_TICK + np.arange(n, dtype=np.int64),
            tick=ticks,
            time_us=time_us,
            user=user,
            consent=random.random(n) >= self.config.no_consent_share,
            scenario=scenario,
            intent=intent,
            category=np.where(self.scenarios.has_page[scenario], intent, NONE).astype(np.int32),
            query=self._queries(random, intent, self.scenarios.has_query[scenario]),
            device=people.device[np.arange(n), usual],
            country=people.country,
            slots=self.scenarios.slots[scenario],
            organic=self._organic(random, intent, people),
        )

    def _intents(self, random: np.random.Generator, people: People, mix: Floats, scenario: Ints) -> Ints:
        """What each page is about [N]: mostly something the shopper likes now, else something popular."""
        n = len(scenario)
        place = (random.random(n)[:, None] > np.cumsum(mix, axis=1)).sum(axis=1).clip(max=mix.shape[1] - 1)
        popular = random.choice(len(self.tree), n, p=self.tree.popularity)
        likes = random.random(n) < 0.65
        about = np.where(likes, people.liked[np.arange(n), place], popular)
        told = self.scenarios.has_page[scenario] | self.scenarios.has_query[scenario]
        return np.where(told, about, NONE).astype(np.int32)

    def _queries(self, random: np.random.Generator, intent: Ints, searches: Flags) -> Ints:
        """One to three words of the intended category [N, Q]."""
        n = len(intent)
        own = self.tree.own_words[intent]  # [N, 6]; rows of NONE are masked below
        pick = np.argsort(random.random(own.shape), axis=1)[:, :QUERY_WORDS]
        words = np.take_along_axis(own, pick, axis=1)
        count = random.choice(QUERY_WORDS, n, p=[0.45, 0.4, 0.15]) + 1
        told = searches[:, None] & (np.arange(QUERY_WORDS)[None, :] < count[:, None])
        return np.where(told, words, NONE).astype(np.int32)

    def _organic(self, random: np.random.Generator, intent: Ints, people: People) -> Ints:
        """Products around the slots [N, M], of the page's category or of one that the shopper likes."""
        n, m = len(intent), self.config.organic
        liked = people.liked[np.arange(n)[:, None], random.integers(0, 3, (n, m))]
        category = np.where(intent[:, None] >= 0, intent[:, None], liked)
        by_category = np.argsort(self.ads.category, kind="stable")
        first = np.searchsorted(self.ads.category[by_category], np.arange(len(self.tree) + 1))
        count = first[category + 1] - first[category]
        number = first[category] + np.floor(random.random((n, m)) * count).astype(np.int64)
        found = by_category[number.clip(max=len(by_category) - 1)]
        return np.where(count > 0, found, NONE).astype(np.int32)
