"""Purses are sums over the bookings, in every place where books lie; the newest bookings are the last ones."""

import threading
from collections import defaultdict

import pytest

from adcascade.events.receipt import DUPLICATE
from adcascade.money.books import Books
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US
from adcascade.money.ledger import Ask, Budget, SqlBooks, Transfer
from adcascade.money.purses import Purse, purses
from adcascade.money.sql import Connection
from adcascade.money.tables import FEE, LEASE, REVENUE, WALLET

NOW = 20_000 * DAY_US + DAY_US // 2
FAR = NOW + 400 * DAY_US
ZONES = {"v": "UTC", "w": "Asia/Tokyo"}
ALL = 2**53


def lived(books: Books) -> None:
    """Two advertisers: top-ups, leases of two campaigns each, charges yesterday and today, a refund."""
    budgets = {
        f"{name}{number}": Budget(daily=50_000, advertiser=name, fee_bp=700, timezone=zone)
        for name, zone in ZONES.items()
        for number in range(2)
    }
    for day_us in (NOW - DAY_US, NOW):
        books.set_budgets(budgets, day_us).result()
        epoch = books.claim("server", day_us)
        for name in ZONES:
            order = Transfer(id=f"t{name}{day_us}", kind="top_up", advertiser=name, micros=9_000, time_us=day_us)
            books.transfer(order).result()
        for campaign in budgets:
            ask = Ask(epoch=epoch, campaign=campaign, least=700, share=4, expires_us=FAR, ttl_us=DAY_US, now_us=day_us)
            lease = books.grant(ask).result().lease
            bid = f"{campaign}-{day_us}"
            books.charge([Charge(bid, campaign, lease, 123, FAR, day_us, "e")]).result()
    books.transfer(
        Transfer(id="back", kind="refund", advertiser="v", micros=23, time_us=NOW, bid_id=f"v0-{NOW}")
    ).result()


def twin(books: Books, now_us: int) -> dict[str, Purse]:
    """The same from the bookings, one after the other."""
    free: dict[str, int] = defaultdict(int)
    promised, charged = free.copy(), free.copy()
    for _, entry in books.entries():
        for account, micros in ((entry.source, -entry.micros), (entry.target, entry.micros)):
            if account == WALLET + entry.advertiser:
                free[entry.advertiser] += micros
            elif account == LEASE:
                promised[entry.advertiser] += micros
        if entry.target in (REVENUE, FEE) and entry.day == books.today(entry.advertiser, now_us):
            charged[entry.advertiser] += entry.micros
    return {name: Purse(free[name], promised[name], charged[name]) for name in {*free, *promised, *charged}}


def test_a_purse_is_the_sum_of_its_bookings(books: Books) -> None:
    """Free, promised and charged today, as a loop over all bookings counts them, also on a later day."""
    assert books.purses(NOW) == {}
    lived(books)
    for now_us in (NOW, NOW + DAY_US):
        assert books.purses(now_us) == twin(books, now_us)
    assert books.purses(NOW)["v"].charged > 0
    assert books.purses(NOW + DAY_US)["v"].charged == 0


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_newest_bookings_are_the_last_ones_the_other_way_round(books: Books, limit: int) -> None:
    """Page after page they are all bookings of the advertiser, each once; the others' are not among them."""
    lived(books)
    found, before = [], ALL
    while page := books.newest(before, limit, advertiser="v"):
        assert len(page) <= limit
        found += page
        before = page[-1][0]
    assert found == list(books.entries(advertiser="v"))[::-1]
    assert books.newest(ALL, limit, advertiser="nobody") == []


def test_the_bookings_of_a_bid_are_all_of_them(books: Books) -> None:
    """Charge, fee and refund, as a search through all bookings finds them; a transfer of a known id adds none."""
    lived(books)
    bid = f"v0-{NOW}"
    assert list(books.entries(bid_id=bid)) == [(n, entry) for n, entry in books.entries() if entry.bid_id == bid]
    assert {entry.kind for _, entry in books.entries(bid_id=bid)} == {"charge", "fee", "refund"}
    again = Transfer(id="back", kind="refund", advertiser="v", micros=23, time_us=NOW, bid_id=bid)
    assert books.transfer(again).result() == DUPLICATE


def test_money_moves_on_while_purses_are_read(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A booking that is ordered during a slow read is done before it ends; the read tells of the instant it began."""
    if not isinstance(books, SqlBooks):
        pytest.skip("Redis computes the purses on its own side")
    lived(books)
    before, done = books.purses(NOW), threading.Event()

    def slowly(connection: Connection, now_us: int) -> dict[str, Purse]:
        first = purses(connection, now_us)
        order = Transfer(id="meanwhile", kind="top_up", advertiser="v", micros=5, time_us=NOW)
        assert books.transfer(order).result(timeout=10).status == "accepted"
        done.set()
        assert purses(connection, now_us) == first
        return first

    with monkeypatch.context() as patch:
        patch.setattr("adcascade.money.ledger.purses", slowly)
        assert books.purses(NOW) == before
    assert done.is_set()
    assert books.purses(NOW)["v"].free == before["v"].free + 5
