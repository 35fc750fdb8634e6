"""Laws of the auction stage."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from adcascade.auction import METHODS, AuctionStage, gsp
from adcascade.auction.ties import tie_breaks
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot, Stage


@dataclass
class Shop:
    """A catalog of n ads: two per campaign, three per product."""

    n: int = 12
    campaign: NDArray[np.int32] = field(init=False)
    billing_click: NDArray[np.bool_] = field(init=False)
    ads: list[Ad | None] = field(init=False)
    campaigns: list[Campaign] = field(init=False)
    advertiser: NDArray[np.int32] = field(init=False)
    advertisers: list[Advertiser] = field(init=False)

    def __post_init__(self) -> None:
        self.campaign = (np.arange(self.n) // 2).astype(np.int32)
        self.billing_click = np.ones(self.n, bool)
        self.ads = [Ad(id=str(i), campaign=str(i // 2), product=f"p{i % 4}") for i in range(self.n)]
        self.campaigns = [Campaign(id=str(i), advertiser="v") for i in range((self.n + 1) // 2)]
        self.advertiser = np.zeros(self.n, np.int32)
        self.advertisers = [Advertiser(id="v", domain="v.example")]


def opportunity(slots: int = 2, request_id: str = "r", floor: int = 0) -> Opportunity:
    """A request with so many slots."""
    empty = np.zeros((1, 0), np.int64)
    batch = Batch(
        ids=empty,
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 1), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    places = tuple(Slot(id=str(k), floor_micros=floor) for k in range(slots))
    request = AdRequest(id=request_id, time_us=0, slots=places)
    return Opportunity(request=request, seen={}, features=batch, random=np.random.default_rng(0))


def candidates(n: int = 12, ctr: float = 0.1) -> Candidates:
    """n ads with rising bids."""
    bid = np.arange(1, n + 1, dtype=np.int64) * 100_000
    return Candidates.of(np.arange(n, dtype=np.int32)).with_(ctr=np.full(n, ctr, np.float32), bid=bid)


def test_it_is_a_stage() -> None:
    """AuctionStage keeps the contract, whatever rule it has."""
    for rule in METHODS.values():
        assert isinstance(AuctionStage(rule, Shop()), Stage)


def test_winners_leave_in_slot_order_with_slot_price_and_ecpm() -> None:
    """At most one winner a slot; price in micros per click, at most the bid; what came in is not written to."""
    entered = candidates()
    winners = AuctionStage(gsp, Shop(), slot_factors=[1, 0.5])(opportunity(3), entered)
    assert winners.slot.tolist() == [0, 1, 2]
    assert winners.ad.tolist() == [11, 9, 7]
    assert np.all((winners.price > 0) & (winners.price <= winners.bid))
    assert winners.ecpm.tolist() == sorted(winners.ecpm.tolist(), reverse=True)
    assert entered.slot.tolist() == [-1] * 12
    assert entered.ecpm.tolist() == [0] * 12


def test_one_per_campaign_product_or_ad() -> None:
    """Two ads a campaign, three a product: six, four or twelve of them can win twelve slots."""
    won = {
        rule: len(AuctionStage(gsp, Shop(), one_per=rule)(opportunity(12), candidates()))
        for rule in ("campaign", "product", "ad")
    }
    assert won == {"campaign": 6, "product": 4, "ad": 12}


def test_the_second_ad_of_a_campaign_does_not_drive_its_price() -> None:
    """The winner of slot 0 (campaign 5) pays by campaign 4's ad, not by its own second."""
    winners = AuctionStage(gsp, Shop())(opportunity(1), candidates())
    assert winners.price[0] == 1_000_000  # ad 9, the best of campaign 4, bids that


def test_reserve_and_floor_are_both_kept() -> None:
    """The higher of the house's reserve and the slot's floor counts, in micros per thousand impressions."""
    low = AuctionStage(gsp, Shop(), reserve_micros=110_000_000)
    high = AuctionStage(gsp, Shop())
    for stage, floor in ((low, 0), (high, 110_000_000)):
        winners = stage(opportunity(4, floor=floor), candidates(ctr=0.1))
        assert winners.ad.tolist() == [11]
        assert winners.price.tolist() == [1_100_000]


def test_nobody_or_no_slot_is_no_error() -> None:
    """Nothing to sell or nobody to buy gives no winner."""
    stage = AuctionStage(gsp, Shop())
    assert len(stage(opportunity(0), candidates())) == 0
    assert len(stage(opportunity(2), candidates(0))) == 0
    assert len(stage(opportunity(2), candidates(ctr=float("nan")))) == 0


def test_further_slots_take_the_last_factor() -> None:
    """A page with more slots than factors were measured."""
    factors = AuctionStage(gsp, Shop(), slot_factors=[1.0, 0.6, 0.4]).factors(5)
    assert factors.tolist() == pytest.approx([1.0, 0.6, 0.4, 0.4, 0.4])


@pytest.mark.parametrize("factors", [[], [1.0, 1.1], [2.0, 1.0], [1.0, -0.1], [1.0, float("nan")]])
def test_factors_that_rise_or_leave_the_unit_interval_are_refused(factors: list[float]) -> None:
    """The laws of the auction need better slots first."""
    with pytest.raises(ValueError, match="slot factors"):
        AuctionStage(gsp, Shop(), slot_factors=factors)


def test_tied_ads_take_turns_over_requests() -> None:
    """Of 12 equal ads each comes first about equally often; one request always answers the same."""
    shop, equal = Shop(), candidates().with_(bid=np.full(12, 100_000, np.int64))
    stage = AuctionStage(gsp, shop)
    first = [int(stage(opportunity(1, f"request {i}"), equal).ad[0]) for i in range(2400)]
    assert np.bincount(first, minlength=12).min() > 140
    assert first[:50] == [int(stage(opportunity(1, f"request {i}"), equal).ad[0]) for i in range(50)]


def test_a_tie_does_not_depend_on_who_else_is_there() -> None:
    """The number of an ad in a tie is its own."""
    ads = np.arange(100, dtype=np.int32)
    assert tie_breaks(ads[40:50], "r").tolist() == tie_breaks(ads, "r")[40:50].tolist()
    assert len(set(tie_breaks(ads, "r").tolist())) == 100
