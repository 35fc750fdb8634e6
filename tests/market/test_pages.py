"""Laws of the world of blended pages."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.market.arrays import Floats
from adcascade.market.pages import BlendedPages, draw_pages

SLATES = np.array([[0, 1, 2], [2, 1, 0], [3, 5, -1], [4, -1, -1], [-1, -1, -1]])


def logistic(x: float) -> float:
    """1 / (1 + e^-x)."""
    return float(1.0 / (1.0 + np.exp(-x)))


def near(a: Floats, b: Floats) -> float:
    """max(cos, 0) of two unit vectors."""
    return max(float(a @ b), 0.0)


def twin(pages: BlendedPages, r: int, slate: list[int]) -> tuple[list[float], list[float]]:
    """The formula, item by item."""
    config = pages.config
    shown = [ad for ad in slate if ad >= 0]
    ads = []
    for k, ad in enumerate(slate):
        if ad < 0:
            ads.append(0.0)
            continue
        look = pages.ad_look[r, ad]
        logit = pages.ad_pull[r, ad] + config.slope[k]
        logit -= config.ad_on_ad * sum(near(look, pages.ad_look[r, o]) for o in shown if o != ad)
        logit -= config.organic_on_ad * sum(near(look, o) for o in pages.organic_look[r])
        ads.append(logistic(logit))
    organic = []
    for j, look in enumerate(pages.organic_look[r]):
        logit = pages.organic_pull[r, j]
        logit -= config.ad_on_organic * sum(near(look, pages.ad_look[r, o]) for o in shown)
        logit -= config.attraction * sum(logistic(pages.ad_pull[r, o] + 3.0) for o in shown)
        organic.append(logistic(logit))
    return ads, organic


@given(seed=st.integers(0, 2**16))
def test_clicks_are_those_of_the_formula(seed: int) -> None:
    """The arrays equal the twin that goes item by item; slates may be shared or each request's own."""
    pages = draw_pages(3, seed)
    ads, organic = pages.clicks(SLATES)
    own, _ = pages.clicks(np.broadcast_to(SLATES, (3, *SLATES.shape)))
    assert np.array_equal(ads, own)
    for r in range(3):
        for s, slate in enumerate(SLATES.tolist()):
            want_ads, want_organic = twin(pages, r, slate)
            assert np.allclose(ads[r, s], want_ads, atol=1e-12)
            assert np.allclose(organic[r, s], want_organic, atol=1e-12)


@given(seed=st.integers(0, 2**16))
def test_fewer_ads_leave_more_clicks_to_all_others(seed: int) -> None:
    """Taking the last ad away raises every other click: the world has only negative externalities."""
    pages = draw_pages(5, seed)
    ads, organic = pages.clicks(np.array([[0, 1, 2], [0, 1, -1]]))
    assert (ads[:, 1, :2] >= ads[:, 0, :2]).all()
    assert (organic[:, 1] > organic[:, 0]).all()


def test_a_part_is_a_part() -> None:
    """Taking requests and computing their clicks commute; a seed repeats itself."""
    pages = draw_pages(6, 3)
    rows = np.array([4, 1])
    assert np.array_equal(pages.take(rows).clicks(SLATES)[0], pages.clicks(SLATES)[0][rows])
    assert np.array_equal(draw_pages(6, 3).bid, pages.bid)
    assert len(pages.take(slice(0, 2))) == 2
