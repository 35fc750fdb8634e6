"""Terms: who may take which slot at what floor, against twins that ask one ad and one slot at a time."""

from dataclasses import replace
from itertools import permutations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.auction.test_allocation import lots, raise_one, sales_of, twin, value
from tests.auction.test_stage import Shop, candidates, opportunity

from adcascade.auction import METHODS, AuctionStage, Lot, first_price, gsp, second_price, vcg
from adcascade.auction.lot import NEVER
from adcascade.auction.terms import deal_of, own_floors
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import AdRequest, Deal, Look, Opportunity, Rules, Slot

LOOKS = (
    Creative(id="s", format="banner", width=300, height=250),
    Creative(id="l", format="banner", width=728, height=90),
    Creative(id="n", format="native"),
)
CODES = ("IAB1", "IAB1-2", "IAB17")
RESERVE = 70

ads = st.builds(
    Ad,
    id=st.just("a"),
    campaign=st.just("c"),
    category=st.sampled_from(["", "sports", "sports/running", "soap"]),
    iab=st.lists(st.sampled_from(CODES), max_size=2, unique=True).map(tuple),
    creatives=st.lists(st.sampled_from(LOOKS), max_size=2, unique_by=lambda look: look.id).map(tuple),
)
deals = st.builds(
    Deal,
    id=st.sampled_from("xyz"),
    floor_micros=st.integers(0, 200),
    seats=st.sampled_from([(), ("v",), ("w",)]),
    domains=st.sampled_from([(), ("v.example",)]),
)
slots = st.builds(
    Slot,
    id=st.just("s"),
    format=st.sampled_from(["banner", "native", "product"]),
    width=st.sampled_from([0, 300, 728]),
    floor_micros=st.integers(0, 200),
    deals=st.lists(deals, max_size=3).map(tuple),
    private=st.booleans(),
    also=st.sampled_from([(), (Look(format="native"),), (Look(format="banner", width=728, height=90),)]),
)
rules = st.builds(
    Rules,
    seats=st.sampled_from([(), ("v",), ("w", "v"), ("w",)]),
    categories=st.sampled_from([(), ("sports",), ("IAB1",)]),
    blocked_codes=st.sampled_from([(), ("IAB1",), ("IAB1-2", "IAB17")]),
)
sellers = st.lists(st.sampled_from("xyz"), max_size=2, unique=True).map(tuple)


class Books:
    """A catalog of drawn ads, one a campaign, with two advertisers."""

    def __init__(self, drawn: list[tuple[Ad, tuple[str, ...], int]]) -> None:
        self.ads = [ad for ad, _, _ in drawn]
        self.campaign = np.arange(len(drawn), dtype=np.int32)
        self.campaigns = [Campaign(id=str(i), advertiser="vw"[who], deals=one) for i, (_, one, who) in enumerate(drawn)]
        self.advertiser = np.array([who for _, _, who in drawn], np.int32)
        self.advertisers = [Advertiser(id="v", domain="v.example"), Advertiser(id="w", domain="w.example")]


def floor_by_hand(books: Books, row: int, slot: Slot, wanted: Rules) -> int | None:
    """The floor of an ad in a slot in plain words; None where it may not stand there."""
    ad, campaign, advertiser = books.ads[row], books.campaigns[row], books.advertisers[int(books.advertiser[row])]
    codes = set(ad.iab) | {code.split("-")[0] for code in ad.iab}
    paths = {ad.category, ad.category.split("/")[0]}
    if (
        (wanted.seats and advertiser.id not in wanted.seats)
        or codes & set(wanted.blocked_codes)
        or (wanted.categories and not (codes | paths) & set(wanted.categories))
    ):
        return None
    ways = [(slot.format, slot.width), *((one.format, one.width) for one in slot.also)]
    shown = [(one.format, one.width) for one in ad.creatives] or [("product", 0)]
    if not any(a == b and (a != "banner" or 0 in (x, y) or x == y) for a, x in shown for b, y in ways):
        return None
    if not campaign.deals:
        return None if slot.private else max(slot.floor_micros, RESERVE)
    usable = [
        deal.floor_micros
        for deal in slot.deals
        if deal.id in campaign.deals
        and (not deal.seats or advertiser.id in deal.seats)
        and (not deal.domains or advertiser.domain in deal.domains)
    ]
    return max(min(usable), RESERVE) if usable else None


@given(
    drawn=st.lists(st.tuples(ads, sellers, st.integers(0, 1)), min_size=1, max_size=6),
    offered=st.lists(slots, min_size=2, max_size=4),
    wanted=rules,
)
def test_floors_are_those_of_a_twin_that_asks_one_ad_and_one_slot(
    drawn: list[tuple[Ad, tuple[str, ...], int]], offered: list[Slot], wanted: Rules
) -> None:
    """Formats, sizes, deals with seats and domains, private slots, codes and the reserve, in every combination."""
    books = Books(drawn)
    offered = [*offered, Slot(id="private", format="native", private=True)]  # so that slots are never all alike
    request = AdRequest(id="r", time_us=0, slots=tuple(offered), rules=wanted)
    floors = own_floors(request, np.arange(len(drawn), dtype=np.int32), books, RESERVE)
    assert floors is not None
    by_hand = [[floor_by_hand(books, row, slot, wanted) for slot in offered] for row in range(len(drawn))]
    assert floors.tolist() == [[NEVER if one is None else one for one in row] for row in by_hand]


def test_where_slots_are_alike_and_nothing_is_asked_nothing_is_computed() -> None:
    """Three equal banners: the slots' own floors say it all."""
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="1", format="banner", floor_micros=5),) * 3)
    assert own_floors(request, np.arange(3, dtype=np.int32), Shop(), 0) is None


@given(lot=lots(own=True))
def test_rules_keep_each_ad_to_its_own_floors(lot: Lot) -> None:
    """GSP is the exhaustive twin; second price is GSP of the first slot; first price sells alike."""
    assert sales_of(gsp(lot)) == twin(lot)
    assert lot.own is not None
    single = replace(lot, floor=lot.floor[:1], factor=lot.factor[:1], own=lot.own[:, :1])
    assert sales_of(second_price(lot)) == sales_of(gsp(single))
    assert first_price(lot).ad.tolist() == gsp(lot).ad.tolist()


@given(lot=lots(own=True), data=st.data())
def test_a_higher_bid_never_loses_a_slot_whatever_the_floors(lot: Lot, data: st.DataObject) -> None:
    """Raising one winner's bid leaves it in its slot or lifts it."""
    raise_one(lot, data)


@given(lot=lots(own=True, plain=True, slots=3, ads=4, wide=False))
def test_vcg_finds_the_best_page_that_is_allowed(lot: Lot) -> None:
    """No assignment of ads to slots, gaps included, is worth more; nobody pays above his bid or below his floor."""
    assert lot.own is not None
    award = vcg(lot)
    slots_ = range(len(lot.floor))

    def worth(pairs: list[tuple[int, int]]) -> int:
        total = 0
        for ad, slot in pairs:
            got = value_by_clicks(lot, ad, slot, int(lot.bid[ad]))
            if got < max(1, int(lot.own[ad, slot] if lot.own is not None else 0)):
                return -1
            total += got
        return total

    known = [i for i in range(len(lot.bid)) if value(lot, i, 0, int(lot.bid[i])) > 0 or not lot.per_click[i]]
    padded = [*known, *[-1] * len(slots_)]
    best = max(
        worth([(ad, slot) for slot, ad in enumerate(one) if ad >= 0]) for one in set(permutations(padded, len(slots_)))
    )
    sold = list(zip(award.ad.tolist(), award.slot.tolist(), strict=True))
    assert worth(sold) == best
    for (ad, slot), price in zip(sold, award.price.tolist(), strict=True):
        assert price <= lot.bid[ad]
        assert value_by_clicks(lot, ad, slot, price) >= lot.own[ad, slot]


def value_by_clicks(lot: Lot, ad: int, slot: int, bid: int) -> int:
    """What VCG counts: the bid times the click's chance in the slot, in parts per billion."""
    if np.isnan(lot.ctr[ad]):
        return 0
    if not lot.per_click[ad]:
        return bid * 1000
    first = int(np.floor(np.float64(lot.ctr[ad]) * 1e9))
    chance = first * int(lot.parts()[slot]) // 10**9
    return bid * 1000 * chance // 10**9


def under(deal: Deal, rule: str) -> tuple[int, int]:
    """Price and bid of the one winner of a private slot that offers this deal, in the shop of test_stage.py."""
    shop = Shop()
    shop.campaigns = [msgspec.structs.replace(one, deals=("d",)) for one in shop.campaigns]
    plain = opportunity(1)
    slot = Slot(id="1", private=True, floor_micros=10**12, deals=(deal,))
    asked = Opportunity(
        request=msgspec.structs.replace(plain.request, slots=(slot,)),
        seen=plain.seen,
        features=plain.features,
        random=plain.random,
    )
    winners = AuctionStage(METHODS[rule], shop)(asked, candidates(ctr=0.5))
    assert len(winners) == 1
    assert deal_of(int(winners.ad[0]), slot, shop) == deal
    return int(winners.price[0]), int(winners.bid[0])


def test_a_deal_says_what_is_paid() -> None:
    """First price: the bid. Fixed: the floor, as a price per click. Else the rule's price; and never the slot's floor.

    The winner bids 1.20 per click at 50 %, 600 per thousand; the best of another campaign bids 1.00: 500 per thousand.
    """
    for rule in ("gsp", "second_price", "vcg"):
        assert under(Deal(id="d", floor_micros=300_000_000), rule) == (1_000_000, 1_200_000)
        assert under(Deal(id="d", floor_micros=300_000_000, first_price=True), rule) == (1_200_000, 1_200_000)
        assert under(Deal(id="d", floor_micros=300_000_000, fixed=True), rule) == (600_000, 1_200_000)
        assert under(Deal(id="d", floor_micros=550_000_000), rule) == (1_100_000, 1_200_000)
