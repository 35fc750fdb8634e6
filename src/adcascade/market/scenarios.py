"""Scenarios: kinds of page, each with its own traffic, click level, weights, slots and position curve."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Flags, Floats, Ints
from adcascade.market.config import MarketConfig
from adcascade.market.streams import Purpose, stream
from adcascade.market.words import SCENARIOS

MOST_SLOTS = 6  # K
_BIG = {"home": 0.27, "search": 0.24, "product": 0.18, "category": 0.12, "cart": 0.05}  # shares of traffic
_SLOTS = {"home": 5, "search": 5, "product": 4, "category": 6, "cart": 3}
_NO_PAGE = {"home", "cart", "wishlist", "orders"}  # pages without a category of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenarios:
    """S kinds of page; weights multiply the strengths of the MarketConfig."""

    names: tuple[str, ...]
    traffic: Floats  # [S] shares of the page views, sum 1
    slots: Ints  # [S] 1 to 6
    level: Floats  # [S] click level relative to base_ctr
    interest: Floats  # [S] weight of the shopper's interest
    context: Floats  # [S] weight of page category and query
    quality: Floats  # [S] weight of quality, price and picture
    decay: Floats  # [S] exponent of the position curve
    has_page: Flags  # [S] the page shows a category
    has_query: Flags  # [S] the page is the answer to a query

    def examination(self) -> Floats:
        """P(the slot is looked at) relative to the first slot, [S, K]: (k + 1) ** -decay."""
        place = np.arange(1, MOST_SLOTS + 1, dtype=np.float64)
        return np.asarray(place[None, :] ** -self.decay[:, None])


def scenarios(config: MarketConfig, seed: int) -> Scenarios:
    """The scenarios of this market: the big ones, then a tail whose traffic falls as 1 / rank ** 1.5."""
    random = stream(seed, Purpose.SCENARIOS)
    count, spread = config.scenarios, config.scenario_spread
    names = tuple(SCENARIOS[s] if s < len(SCENARIOS) else f"scene-{s + 1}" for s in range(count))
    tail = (np.arange(count) - len(_BIG) + 1.0).clip(1) ** -1.5
    traffic = np.array([_BIG.get(name, 0.05 * tail[s]) for s, name in enumerate(names)])
    drawn_slots = random.integers(1, MOST_SLOTS + 1, count)
    level, interest, context, quality, decay = np.exp(spread * random.standard_normal((5, count)))
    return Scenarios(
        names=names,
        traffic=traffic / traffic.sum(),
        slots=np.array([_SLOTS.get(name, drawn_slots[s]) for s, name in enumerate(names)], np.int32),
        level=level,
        interest=np.exp(0.5 * np.log(interest)),
        context=np.exp(0.5 * np.log(context)),
        quality=quality,
        decay=config.position_decay * decay,
        has_page=np.array([name not in _NO_PAGE and name != "search" for name in names]),
        has_query=np.array([name == "search" for name in names]),
    )
