"""Laws of allocation and of the three pricing rules, against an exhaustive twin in plain integers."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.auction import Award, Lot, first_price, gsp, second_price
from adcascade.auction.lot import NEVER
from adcascade.contracts.ecpm import BILLION, parts_per_billion


@dataclass(frozen=True)
class Sale:
    """One winner of the twin."""

    ad: int
    slot: int
    price: int


def value(lot: Lot, ad: int, slot: int, bid: int) -> int:
    """What a bid of this ad is worth in this slot, in unlimited integers."""
    if np.isnan(lot.ctr[ad]):
        return 0
    if not lot.per_click[ad]:
        return bid * 1000
    first = int(parts_per_billion(lot.ctr)[ad]) * bid * 1000 // BILLION
    return first * int(lot.parts()[slot]) // BILLION


def twin(lot: Lot) -> list[Sale]:
    """GSP by trying everything: each slot looks at every ad, each price at every lower bid (bisection over ints)."""
    n, free, sales = len(lot.bid), set(range(len(lot.bid))), []
    first = {
        i: 0 if np.isnan(lot.ctr[i]) else value(replace(lot, factor=np.ones(1, np.float32)), i, 0, int(lot.bid[i]))
        for i in range(n)
    }
    tie = lot.tie if lot.tie is not None else np.arange(n)
    free = {i for i in free if first[i] > 0}
    for slot in range(len(lot.floor)):
        reach = {i: value(lot, i, slot, int(lot.bid[i])) for i in free}
        reach = {i: v for i, v in reach.items() if v >= floor_of(lot, i, slot)}
        if not reach:
            continue
        best = min(reach, key=lambda i: (-reach[i], -first[i], tie[i], i))
        others = [v for i, v in reach.items() if i != best and not same(lot.owner, i, best)]
        needed = max([floor_of(lot, best, slot), *others])
        low, high = 0, int(lot.bid[best])
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if value(lot, best, slot, middle) >= needed else (middle + 1, high)
        sales.append(Sale(best, slot, low))
        free = {i for i in free if i != best and not same(lot.owner, i, best) and not same(lot.rival, i, best)}
    return sales


def floor_of(lot: Lot, ad: int, slot: int) -> int:
    """What the ad must be worth in the slot."""
    return max(1, int(lot.floor[slot] if lot.own is None else lot.own[ad, slot]))


def same(group: np.ndarray | None, a: int, b: int) -> bool:
    """Whether two ads share a group."""
    return group is not None and group[a] >= 0 and group[a] == group[b]


def sales_of(award: Award) -> list[Sale]:
    """The award as the twin writes it."""
    return [Sale(int(a), int(s), int(p)) for a, s, p in zip(award.ad, award.slot, award.price, strict=True)]


FLOORS = st.integers(0, 5000) | st.just(NEVER)


def floors(n: int, k: int) -> st.SearchStrategy[NDArray[np.int64]]:
    """A floor for each ad in each slot; some slots are closed to some ads."""
    rows = st.lists(st.lists(FLOORS, min_size=k, max_size=k), min_size=n, max_size=n)
    return rows.map(lambda drawn: np.array(drawn, np.int64).reshape(n, k))


@st.composite
def lots(
    draw: st.DrawFn, *, slots: int = 4, ads: int = 8, plain: bool = False, wide: bool = True, own: bool = False
) -> Lot:
    """Small lots with many ties, shared owners and products, floors, unknown ads and both kinds of billing."""
    n, k = draw(st.integers(0, ads)), draw(st.integers(1, slots))
    bid = st.one_of(st.integers(0, 20), st.integers(0, 9 * 10**12)) if wide else st.integers(0, 20)
    ctr = st.one_of(st.sampled_from([0.0, 0.125, 0.25, 1.0]), st.floats(0, 1, width=32), st.just(float("nan")))
    groups = st.lists(st.integers(-1, 4), min_size=n, max_size=n).map(np.array)
    factors = sorted(draw(st.lists(st.floats(0, 1, width=32), min_size=k, max_size=k)), reverse=True)
    return Lot(
        ctr=np.array(draw(st.lists(ctr, min_size=n, max_size=n)), np.float32),
        bid=np.array(draw(st.lists(bid, min_size=n, max_size=n)), np.int64),
        per_click=np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool),
        floor=np.array(draw(st.lists(st.integers(0, 5000), min_size=k, max_size=k)), np.int64),
        factor=np.array(factors, np.float32),
        owner=None if plain else draw(st.none() | groups),
        rival=None if plain else draw(st.none() | groups),
        tie=draw(st.none() | st.permutations(range(n)).map(np.array)),
        own=draw(floors(n, k)) if own else None,
    )


@settings(max_examples=400)
@given(lot=lots())
def test_gsp_equals_the_exhaustive_twin(lot: Lot) -> None:
    """Winners, slots and prices are those of the twin that tries everything."""
    assert sales_of(gsp(lot)) == twin(lot)


@given(lot=lots())
def test_first_price_sells_as_gsp_does_and_charges_the_bid(lot: Lot) -> None:
    """The same winners in the same slots; each pays its bid; so the revenue of GSP is never above."""
    first, second = first_price(lot), gsp(lot)
    assert first.ad.tolist() == second.ad.tolist()
    assert first.slot.tolist() == second.slot.tolist()
    assert first.price.tolist() == lot.bid[first.ad].tolist()
    assert np.all(second.price <= first.price)


@given(lot=lots())
def test_single_slot_gsp_is_second_price(lot: Lot) -> None:
    """With one slot both rules agree, computed in two ways."""
    single = replace(lot, floor=lot.floor[:1], factor=lot.factor[:1])
    assert sales_of(second_price(lot)) == sales_of(gsp(single))


@given(lot=lots())
def test_no_floor_is_undercut_and_nobody_pays_above_his_bid(lot: Lot) -> None:
    """Each price is at most the bid and still worth the slot's floor; for all three rules."""
    for rule in (gsp, first_price, second_price):
        for sale in sales_of(rule(lot)):
            assert 0 < sale.price <= lot.bid[sale.ad]
            assert value(lot, sale.ad, sale.slot, sale.price) >= lot.floor[sale.slot]


@given(lot=lots())
def test_nobody_wins_twice_and_groups_win_once(lot: Lot) -> None:
    """An ad, an owner and a rival group appear at most once, a slot is sold at most once, slots come in order."""
    award = gsp(lot)
    assert len(set(award.ad.tolist())) == len(award.ad)
    assert np.all(np.diff(award.slot) > 0)
    for group in (lot.owner, lot.rival):
        members = [] if group is None else [g for g in group[award.ad].tolist() if g >= 0]
        assert len(set(members)) == len(members)


@given(lot=lots(), data=st.data())
def test_a_higher_bid_never_loses_a_slot(lot: Lot, data: st.DataObject) -> None:
    """Raising one winner's bid leaves it in its slot or lifts it."""
    raise_one(lot, data)


def raise_one(lot: Lot, data: st.DataObject) -> None:
    """Draw a winner and a higher bid for it, and see that it does not fall."""
    award = gsp(lot)
    if not len(award.ad):
        return
    place = data.draw(st.integers(0, len(award.ad) - 1))
    ad, bid = int(award.ad[place]), lot.bid.copy()
    bid[ad] += data.draw(st.integers(0, 10**13))
    after = {sale.ad: sale.slot for sale in sales_of(gsp(replace(lot, bid=bid)))}
    assert after[ad] <= award.slot[place]


@given(lot=lots(wide=False), data=st.data())
def test_the_price_does_not_depend_on_the_own_bid_while_the_slot_is_kept(lot: Lot, data: st.DataObject) -> None:
    """Whatever a winner bids: as long as it gets the same slot, it pays the same."""
    sales = sales_of(gsp(lot))
    if not sales:
        return
    sale, bid = data.draw(st.sampled_from(sales)), lot.bid.copy()
    bid[sale.ad] = data.draw(st.integers(0, 40))
    after = {s.ad: s for s in sales_of(gsp(replace(lot, bid=bid)))}
    if sale.ad in after and after[sale.ad].slot == sale.slot:
        assert after[sale.ad].price == sale.price


@given(lot=lots(plain=True), data=st.data())
def test_the_price_is_the_least_bid_that_keeps_the_slot(lot: Lot, data: st.DataObject) -> None:
    """Bidding the price (and winning ties) keeps the slot; one micro less loses it."""
    sales = sales_of(gsp(lot))
    if not sales:
        return
    sale, bid = data.draw(st.sampled_from(sales)), lot.bid.copy()
    tie = np.ones(len(bid), np.int64)
    tie[sale.ad] = 0
    assert value(lot, sale.ad, sale.slot, sale.price) >= max([int(lot.floor[sale.slot]), *runners_up(lot, sales, sale)])
    bid[sale.ad] = sale.price - 1
    lower = {s.ad: s.slot for s in sales_of(gsp(replace(lot, bid=bid, tie=tie)))}
    assert lower.get(sale.ad, 99) > sale.slot


def runners_up(lot: Lot, sales: list[Sale], sale: Sale) -> list[int]:
    """Values in the sale's slot of the ads that won no slot before it."""
    gone = {s.ad for s in sales if s.slot <= sale.slot}
    rest = (i for i in range(len(lot.bid)) if i not in gone)
    return [v for i in rest if (v := value(lot, i, sale.slot, int(lot.bid[i]))) >= lot.floor[sale.slot]]


@given(lot=lots())
def test_a_loser_below_the_last_price_setter_changes_nothing(lot: Lot) -> None:
    """Take away an ad that neither wins nor, by being worth less in every slot, sets a price: all stays."""
    award = gsp(lot)
    won = set(award.ad.tolist())
    slots = range(len(lot.floor))
    worth = [[value(lot, i, k, int(lot.bid[i])) for k in slots] for i in range(len(lot.bid))]
    for loser in set(range(len(lot.bid))) - won:
        needed = {
            int(s): value(lot, int(a), int(s), int(p))
            for a, s, p in zip(award.ad, award.slot, award.price, strict=True)
        }
        if any(worth[loser][k] >= lot.floor[k] and (k not in needed or worth[loser][k] > 0) for k in slots):
            continue
        keep = np.array([i for i in range(len(lot.bid)) if i != loser], np.int64)
        rest = gsp(without(lot, keep))
        assert keep[rest.ad].tolist() == award.ad.tolist()
        assert rest.price.tolist() == award.price.tolist()


def without(lot: Lot, keep: np.ndarray) -> Lot:
    """The lot with these ads only."""
    return replace(
        lot,
        ctr=lot.ctr[keep],
        bid=lot.bid[keep],
        per_click=lot.per_click[keep],
        owner=None if lot.owner is None else lot.owner[keep],
        rival=None if lot.rival is None else lot.rival[keep],
        tie=None if lot.tie is None else lot.tie[keep],
    )


@given(lot=lots(plain=True), slots=st.integers(1, 3))
def test_the_lowest_loser_does_not_matter_when_two_others_lose_too(lot: Lot, slots: int) -> None:
    """Per click with equal floors, only the K + 1 best ads matter: the rest can leave without any change."""
    n = len(lot.bid)
    lot = replace(
        lot,
        per_click=np.ones(n, bool),
        floor=np.full(slots, 100, np.int64),
        factor=np.array([1.0, 0.5, 0.25], np.float32)[:slots],
        tie=None,
    )
    order = np.argsort(-lot.ecpm(), kind="stable")
    keep = np.sort(order[: slots + 1])
    award, rest = gsp(lot), gsp(without(lot, keep))
    assert keep[rest.ad].tolist() == award.ad.tolist()
    assert rest.price.tolist() == award.price.tolist()


def test_a_worked_list_with_both_kinds_of_billing() -> None:
    """Ad 0 (2 % at 1.00 per click) is worth 20.00 per thousand, ad 1 (0.015 per view) 15.00, ad 2 (1 % at 1.20) 12.00.

    Ad 0 pays 15.00 / 1000 / 2 % = 0.75 per click. In slot 1 a click is half as likely: ad 2 is worth 6.00 there,
    so ad 1 pays 0.006 per impression. Ad 2 is alone in slot 2 and pays its floor of 1.00: 0.001 / (1 % / 4) = 0.40.
    """
    lot = Lot(
        ctr=np.array([0.02, 0.5, 0.01], np.float32),
        bid=np.array([1_000_000, 15_000, 1_200_000], np.int64),
        per_click=np.array([True, False, True]),
        floor=np.array([0, 0, 1_000_000], np.int64),
        factor=np.array([1.0, 0.5, 0.25], np.float32),
    )
    award = gsp(lot)
    assert award.ad.tolist() == [0, 1, 2]
    assert award.slot.tolist() == [0, 1, 2]
    assert np.abs(award.price - [750_000, 6_000, 400_000]).max() <= 1


def test_an_unknown_ad_cannot_win() -> None:
    """NaN ctr wins no slot, even alone, without floor, paying per impression."""
    for per_click in (True, False):
        lot = Lot(
            ctr=np.array([np.nan], np.float32),
            bid=np.array([10**9]),
            per_click=np.array([per_click]),
            floor=np.zeros(1, np.int64),
            factor=np.ones(1, np.float32),
        )
        assert len(gsp(lot).ad) == 0
        assert len(second_price(lot).ad) == 0
