"""Strangers in the market: an ad that it did not draw is taken for the one that it looks like most."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.nouns import Ad
from adcascade.market import Market, MarketConfig
from adcascade.market.twins import Twins

SMALL = MarketConfig(users=200, ads=260, campaigns=40, advertisers=12, scenarios=8, views_per_tick=30)
MARKET = Market(SMALL, seed=5)
TWINS = Twins(MARKET)
PATHS = MARKET.tree.paths


def stranger(category: str, price: int) -> Ad:
    """An ad that a person made."""
    return Ad(id="made by hand", campaign="mine", category=category, price_micros=price)


def test_the_markets_own_ads_are_themselves() -> None:
    """Whatever they cost or are called by now."""
    nouns = MARKET.catalog(0).ads
    assert [TWINS.of(ad) for ad in nouns] == [MARKET.ad_index[ad.id] for ad in nouns]


@given(st.sampled_from(PATHS), st.integers(0, 10**9))
def test_no_ad_of_its_kind_is_nearer_in_price(path: str, price: int) -> None:
    """Brute force over all ads: of the category where it has ads, else of the department."""
    twin = TWINS.of(stranger(path, price))
    theirs = [PATHS[number] for number in MARKET.ads.category]
    kin = [i for i, other in enumerate(theirs) if other == path] or [
        i for i, other in enumerate(theirs) if other.split("/")[0] == path.split("/", maxsplit=1)[0]
    ]
    assert twin in kin
    if price:
        apart: Callable[[int], float] = lambda i: abs(np.log(MARKET.ads.price_micros[i] / price))  # noqa: E731  a key
        assert apart(twin) == pytest.approx(min(map(apart, kin)))


@given(st.text())
def test_a_stranger_of_no_known_kind_has_a_twin_too(path: str) -> None:
    """Nobody stands outside the market."""
    assert 0 <= TWINS.of(stranger(path, 5_000_000)) < len(MARKET.ads)
