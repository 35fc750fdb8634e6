"""Laws of whole slates: sets, worth, VCG payments against their definition, truthfulness."""

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.auction.test_allocation import lots, sales_of, value

from adcascade.auction import Lot, second_price, vcg
from adcascade.auction.blending import NEVER, SlateLot, VirtualBids, vcg_slates
from adcascade.auction.slates import exhaustive, heuristic, how_many, once_a_group, page_places, slates_for
from adcascade.contracts.ecpm import BILLION


@st.composite
def slate_lots(draw: st.DrawFn, *, most_bid: int = 10**12) -> SlateLot:
    """Pages of up to three requests, four ads, three slots and two organic items, with any clicks at all."""
    r, n, k, o = (draw(st.integers(1, most)) for most in (3, 4, 3, 2))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    slates = exhaustive(n, k)
    small = draw(st.booleans())  # few different numbers: many ties
    bid = random.integers(0, 5 if small else most_bid, (r, n))
    chance = random.choice([0, BILLION // 4, BILLION], (r, len(slates), k))
    clicks = chance if small else random.integers(0, BILLION + 1, chance.shape)
    return SlateLot(
        slates=slates,
        clicks=clicks.astype(np.int64),
        organic=random.integers(0, BILLION + 1, (r, len(slates), o)),
        bid=bid.astype(np.int64),
        per_click=random.random((r, n)) < 0.7,
        floor=random.integers(0, 3000, k).astype(np.int64),
    )


VIRTUAL = st.builds(
    VirtualBids, ads=st.integers(-(10**9), 10**12), organic=st.one_of(st.just(0), st.integers(0, 10**12))
)


class Twin:
    """The definition in unlimited integers, slate by slate."""

    def __init__(self, lot: SlateLot, virtual: VirtualBids, r: int) -> None:
        self.lot, self.virtual, self.r = lot, virtual, r
        self.slates = [tuple(one) for one in lot.slates.tolist()]

    def value(self, s: int, k: int, bid: int | None = None) -> int:
        """What the ad in slot k gives for its place."""
        ad = self.slates[s][k]
        if ad < 0:
            return 0
        amount = 1000 * (int(self.lot.bid[self.r, ad]) if bid is None else bid)
        return amount * int(self.lot.clicks[self.r, s, k]) // BILLION if self.lot.per_click[self.r, ad] else amount

    def worth(self, s: int) -> int | None:
        """W of a slate; None where a slot's floor is not reached."""
        slots = [k for k, ad in enumerate(self.slates[s]) if ad >= 0]
        if any(self.value(s, k) < max(int(self.lot.floor[k]), 1) for k in slots):
            return None
        clicks = [int(self.lot.clicks[self.r, s, k]) for k in slots]
        organic = [int(one) for one in self.lot.organic[self.r, s]]
        given = [self.given(self.virtual.ads, c) for c in clicks] + [
            self.given(self.virtual.organic, c) for c in organic
        ]
        return sum(self.value(s, k) for k in slots) + sum(given)

    @staticmethod
    def given(bid: int, clicks: int) -> int:
        """A virtual bid times clicks."""
        return (1 if bid >= 0 else -1) * (abs(bid) * 1000 * clicks // BILLION)

    def sold(self) -> tuple[tuple[int, ...], list[int], list[int]]:
        """The slate, what is due and the price in each slot."""
        worth = {s: w for s in range(len(self.slates)) if (w := self.worth(s)) is not None}
        best = max(worth, key=lambda s: (worth[s], -s))
        due, price = [], []
        for k, ad in enumerate(self.slates[best]):
            if ad < 0:
                due.append(0)
                price.append(0)
                continue
            without = max(w for s, w in worth.items() if ad not in self.slates[s])
            due.append(max(without - (worth[best] - self.value(best, k)), int(self.lot.floor[k]), 1))
            low, high = 0, int(self.lot.bid[self.r, ad])
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if self.value(best, k, middle) >= due[-1] else (middle + 1, high)
            price.append(low)
        return self.slates[best], due, price


@settings(max_examples=300)
@given(lot=slate_lots(), virtual=VIRTUAL)
def test_slates_dues_and_prices_are_those_of_the_definition(lot: SlateLot, virtual: VirtualBids) -> None:
    """The masked matrix equals a twin that forms every maximum by itself and finds prices by bisection."""
    award = vcg_slates(lot, virtual)
    for r, best in enumerate(award.slate.tolist()):
        slate, due, price = Twin(lot, virtual, r).sold()
        assert tuple(lot.slates[best].tolist()) == slate
        assert award.due[r].tolist() == due
        assert award.price[r].tolist() == price


@settings(max_examples=300)
@given(lot=slate_lots(most_bid=10**14), virtual=VIRTUAL)
def test_nobody_pays_above_his_bid_in_any_market(lot: SlateLot, virtual: VirtualBids) -> None:
    """Whatever the clicks, the virtual bids and the floors: 0 < price <= bid, and the floor is paid."""
    award = vcg_slates(lot, virtual)
    for r, best in enumerate(award.slate.tolist()):
        for k, ad in enumerate(lot.slates[best].tolist()):
            price = int(award.price[r, k])
            if ad < 0:
                assert price == 0
            else:
                assert 0 < price <= lot.bid[r, ad]
                paid = 1000 * price * (int(lot.clicks[r, best, k]) if lot.per_click[r, ad] else BILLION)
                assert paid >= int(lot.floor[k]) * BILLION


@settings(max_examples=150)
@given(lot=slate_lots(most_bid=10**9), data=st.data())
def test_misreporting_never_pays_where_no_floor_binds(lot: SlateLot, data: st.DataObject) -> None:
    """A fixed set of slates, dues as defined: no other bid of one ad raises its value less its due.

    With floors of one micro; where that micro is what is paid, the law is not claimed.
    """
    free = replace(lot, floor=np.zeros_like(lot.floor))
    ad = data.draw(st.integers(0, lot.bid.shape[1] - 1))
    lie = lot.bid.copy()
    lie[:, ad] = data.draw(st.integers(0, 2 * 10**9))
    virtual = VirtualBids(organic=data.draw(st.integers(0, 10**9)))
    honest, lying = utility(free, free, ad, virtual), utility(free, replace(free, bid=lie), ad, virtual)
    for r in range(len(lie)):
        if honest[r] is not None and lying[r] is not None:
            assert lying[r] <= honest[r]  # type: ignore[operator]


def utility(true: SlateLot, said: SlateLot, ad: int, virtual: VirtualBids) -> list[int | None]:
    """Value by the true bids less the due by the said ones, micros per thousand pages; None where a floor was paid."""
    award = vcg_slates(said, virtual)
    values = true.values()
    told: list[int | None] = []
    for r, best in enumerate(award.slate.tolist()):
        slots = np.flatnonzero(said.slates[best] == ad)
        worth = said.worth(virtual, said.values())[r]
        without = worth[(said.slates != ad).all(axis=1)].max()
        if not len(slots):
            told.append(0)
            continue
        k = int(slots[0])
        due = without - (worth[best] - said.values()[r, best, k])
        told.append(int(values[r, best, k] - award.due[r, k]) if due >= 1 else None)
    return told


def test_without_virtual_bids_and_with_separable_clicks_due_is_the_text_book_one() -> None:
    """Two slots of 0.2 and 0.1 clicks, bids 3, 2, 1: the first pays 2 * 0.1 + 1 * 0.1 a page, the second 1 * 0.1."""
    lot = Lot(
        ctr=np.full(3, 0.2, np.float32),
        bid=np.array([3_000_000, 2_000_000, 1_000_000]),
        per_click=np.ones(3, bool),
        floor=np.zeros(2, np.int64),
        factor=np.array([1.0, 0.5], np.float32),
    )
    award = vcg(lot)
    assert award.ad.tolist() == [0, 1]
    assert award.price.tolist() == pytest.approx([1_500_000, 1_000_000], abs=1)


@given(lot=lots(slots=3, ads=5))
def test_vcg_over_a_lot_keeps_the_house_rules(lot: Lot) -> None:
    """As the other rules: prices within bids, floors paid, one per owner and per rival group, slots in order."""
    sales = sales_of(vcg(lot))
    for sale in sales:
        assert 0 < sale.price <= lot.bid[sale.ad]
        assert value(lot, sale.ad, sale.slot, int(lot.bid[sale.ad])) >= lot.floor[sale.slot]
    for group in (lot.owner, lot.rival):
        members = [] if group is None else [int(group[sale.ad]) for sale in sales if group[sale.ad] >= 0]
        assert len(set(members)) == len(members)
    assert [sale.slot for sale in sales] == list(range(len(sales)))


@given(lot=lots(slots=1, ads=5, plain=True))
def test_one_slot_is_second_price(lot: Lot) -> None:
    """With one slot, the best one, VCG is second price: a winner of the same worth at the same price."""
    best = replace(lot, factor=np.ones(1, np.float32))
    ours, theirs = sales_of(vcg(best)), sales_of(second_price(best))
    worth = [[(value(best, one.ad, 0, int(lot.bid[one.ad])), one.price) for one in sales] for sales in (ours, theirs)]
    assert worth[0] == worth[1]


@given(ads=st.integers(0, 5), slots=st.integers(1, 4))
def test_the_exhaustive_set_is_every_ordered_choice_once(ads: int, slots: int) -> None:
    """All permutations of all lengths, filled from the top, each once; as many as the formula says."""
    slates = exhaustive(ads, slots).tolist()
    wanted = {(*p, *[-1] * (slots - m)) for m in range(min(ads, slots) + 1) for p in permutations(range(ads), m)}
    assert {tuple(one) for one in slates} == wanted
    assert len(slates) == len(wanted) == how_many(ads, slots)


@given(n=st.integers(1, 12), slots=st.integers(1, 8), seed=st.integers(0, 2**16))
def test_heuristic_slates_are_slates(n: int, slots: int, seed: int) -> None:
    """No ad twice, filled from the top, no slate twice; for every ad one without it; the best by eCPM is there."""
    random = np.random.default_rng(seed)
    ctr, ecpm = random.random(n).astype(np.float32), random.integers(1, 10**9, n)
    slates = heuristic(ctr, ecpm, slots)
    assert len({tuple(one) for one in slates.tolist()}) == len(slates)
    for one in slates.tolist():
        ads = [ad for ad in one if ad >= 0]
        assert len(set(ads)) == len(ads)
        assert one == ads + [-1] * (slots - len(ads))
    assert all((slates != ad).all(axis=1).any() for ad in range(n))
    best = np.argsort(-ecpm, kind="stable")[:slots].tolist()
    assert [*best, *[-1] * (slots - len(best))] in slates.tolist()
    assert len(slates_for(ctr, ecpm, slots)) <= max(600, len(slates))


def test_a_group_shows_once() -> None:
    """Of two ads of one product at most one stands on a slate; ads of none are free."""
    kept = once_a_group(exhaustive(3, 2), np.array([7, 7, -1])).tolist()
    assert [0, 1] not in kept
    assert [1, 0] not in kept
    assert [0, 2] in kept
    assert [-1, -1] in kept


@given(
    ads=st.integers(0, 6),
    organic=st.integers(0, 8),
    pattern=st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True).map(lambda p: tuple(sorted(p))),
)
def test_a_page_has_no_holes(ads: int, organic: int, pattern: tuple[int, ...]) -> None:
    """Ads and organic items share the places from 0 on, each keeps its order, no ad stands before its wanted place."""
    mine, theirs = page_places(ads, organic, pattern)
    assert sorted((*mine, *theirs)) == list(range(ads + organic))
    assert list(mine) == sorted(mine)
    assert list(theirs) == sorted(theirs)
    assert all(place <= wanted - 1 for place, wanted in zip(mine, pattern, strict=False))


@given(lot=slate_lots(), more=st.integers(1, 10**12))
def test_organic_clicks_rise_and_what_ads_are_worth_falls_with_the_virtual_bid(lot: SlateLot, more: int) -> None:
    """Page by page: of two virtual bids the higher one never chooses fewer organic clicks nor a higher value of ads."""
    values = lot.values()
    chosen = [vcg_slates(lot, VirtualBids(organic=bid)).slate for bid in (0, more)]
    for r in range(len(lot.bid)):
        worth = [int(values[r, one[r]].sum()) for one in chosen]
        clicks = [Fraction(int(lot.organic[r, one[r]].sum())) for one in chosen]
        assert worth[0] >= worth[1]
        assert clicks[1] * more * 1000 / BILLION >= clicks[0] * more * 1000 / BILLION - 2 * lot.organic.shape[2]


def test_a_slate_below_a_floor_is_never_chosen() -> None:
    """Its worth is NEVER; the empty slate always stays."""
    lot = SlateLot(
        slates=exhaustive(1, 1),
        clicks=np.full((1, 2, 1), BILLION // 10),
        organic=np.zeros((1, 2, 0), np.int64),
        bid=np.array([[1_000_000]]),
        per_click=np.ones((1, 1), bool),
        floor=np.array([100_000_001]),
    )
    assert lot.worth(VirtualBids(), lot.values()).tolist() == [[NEVER, 0]]
    assert vcg_slates(lot, VirtualBids()).slate.tolist() == [1]
