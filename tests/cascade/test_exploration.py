"""Exploration draws as often as its propensities say, and charges no more than the rules ask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.exploration import UniformAuction, UniformRetrieval
from adcascade.cascade.opportunity import chance_of
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot

N, SLOTS = 10, 3
FITS = np.array([2, 5, 7, 9], np.int32)


class Catalog:
    """Ten ads, of which ad 4 may not be shown; odd ones pay per click."""

    billing_click = np.arange(16) % 2 == 1
    campaign = advertiser = np.zeros(16, np.int32)
    ads: Sequence[Ad | None] = tuple(Ad(id=str(row), campaign="c") for row in range(16))
    campaigns: Sequence[Campaign] = (Campaign(id="c", advertiser="v"),)
    advertisers: Sequence[Advertiser] = (Advertiser(id="v"),)

    def eligible(self, request: AdRequest, now_us: int, capped: object = ()) -> NDArray[np.uint8]:
        allowed = np.zeros(16, np.bool_)
        allowed[:N] = True
        allowed[4] = False
        return np.packbits(allowed, bitorder="little")


def opportunity(name: str, floor: int = 0) -> Opportunity:
    """A request whose chance depends on its name."""
    empty = Batch(
        ids=np.zeros((1, 0), np.int64),
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 0), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    slots = tuple(Slot(id=str(k), floor_micros=floor) for k in range(SLOTS))
    request = AdRequest(id=name, time_us=0, slots=slots)
    return Opportunity(request=request, seen={}, features=empty, random=chance_of(name))


def frequencies(retrieval: UniformRetrieval, rounds: int = 6000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each ad was in slot 0, and the propensity it was said to have."""
    auction = UniformAuction(Catalog())
    count, said = np.zeros(N), np.zeros(N)
    for i in range(rounds):
        now = opportunity(f"r{i}")
        drawn = retrieval(now, Candidates.of(np.empty(0, np.int32)))
        winners = auction(now, drawn.with_(bid=np.full(len(drawn), 1000, np.int64)))
        count[winners.ad[0]] += 1
        said[winners.ad] = winners.propensity
    return count / rounds, said


def test_the_logged_propensity_is_the_frequency() -> None:
    """Uniform: every eligible ad is in the first slot with probability 1 / n; the others never."""
    seen, said = frequencies(UniformRetrieval(Catalog()))
    assert seen[4] == 0
    assert np.allclose(np.delete(said, 4), 1 / 9)
    assert np.allclose(np.delete(seen, 4), 1 / 9, atol=0.02)


def test_the_logged_propensity_is_the_frequency_of_the_mixture_too() -> None:
    """Cold start: (1 - s) / n, and s / m more for ads that fit the page."""
    retrieval = UniformRetrieval(Catalog(), lambda now, bits: FITS, share=0.6)
    seen, said = frequencies(retrieval)
    expected = np.full(N, 0.4 / 9)
    expected[FITS] += 0.6 / len(FITS)
    expected[4] = 0
    assert np.allclose(said, expected, atol=1e-6)
    assert np.allclose(seen, expected, atol=0.025)


def test_too_few_fitting_ads_mean_plain_chance() -> None:
    """With fewer fitting ads than slots the page would stay half empty: all eligible ads are drawn from."""
    retrieval = UniformRetrieval(Catalog(), lambda now, bits: FITS[:2], share=1.0)
    drawn = retrieval(opportunity("r"), Candidates.of(np.empty(0, np.int32)))
    assert len(drawn) == SLOTS
    assert np.allclose(drawn.propensity, 1 / 9)


def test_a_winner_pays_the_floor_and_never_above_its_bid() -> None:
    """Per impression the floor / 1000; per click that divided by the click probability; at most the bid."""
    candidates = Candidates.of(np.array([0, 1, 3], np.int32)).with_(
        bid=np.array([5000, 100_000, 10], np.int64), ctr=np.array([0.1, 0.1, 0.1], np.float32)
    )
    winners = UniformAuction(Catalog(), reserve_micros=1_000_000)(opportunity("r", 2_000_000), candidates)
    price = dict(zip(winners.ad.tolist(), winners.price.tolist(), strict=True))
    assert price[0] == 2000
    assert abs(price[1] - 20_000) <= 1
    assert price[3] == 10
