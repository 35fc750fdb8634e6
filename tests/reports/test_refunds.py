"""Laws of money in reports: revenue less refunds is what the ledger's own statements say, wherever its books lie."""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from tests.money.conftest import books_url as books_url  # noqa: PLC0414  a fixture
from tests.money.conftest import postgres_books_server as postgres_books_server  # noqa: PLC0414
from tests.money.conftest import redis_server as redis_server  # noqa: PLC0414
from tests.reports.world import HOUR_US, Shop, auction, charges_of, records_of

from adcascade.errors import StoreError
from adcascade.events.receipt import Receipt
from adcascade.events.records import AuctionRecord, Click, Impression, Record
from adcascade.events.seal import seal
from adcascade.money.books import Transfer
from adcascade.money.charge import Charge
from adcascade.money.outbox import Outbox
from adcascade.money.statement_csv import csv_of
from adcascade.reports.columns import BY_NAME
from adcascade.reports.query import Question, Report, answer

DAY_US = 24 * HOUR_US
MONEY = ("revenue", "refunds", "net_revenue")
LAST_DAY = 40


@pytest.fixture
def shop(tmp_path: Path, books_url: str) -> Iterator[Shop]:
    """A journal whose books lie anywhere."""
    with Shop(tmp_path, books_url) as opened:
        yield opened


def told(shop: Shop, **asked: object) -> Report:
    """All money of the shop."""
    return answer(Question(**({"metrics": MONEY, "from_us": 0, "to_us": 2**61} | asked)), shop.facts)  # type: ignore[arg-type]


def refund(shop: Shop, chance: random.Random, time_us: int) -> None:
    """A part of one bid by hand, and all that is left of some as invalid traffic."""
    entries = [entry for _, entry in shop.books.entries() if entry.kind in ("charge", "fee")]
    charged = {str(entry.bid_id): entry.advertiser for entry in entries}
    refunded = shop.books.refunded()
    left = {bid: each.micros - refunded.get(bid, 0) for bid, each in shop.books.charged([*charged]).items()}
    open_bids = [bid for bid, micros in left.items() if micros]
    if not open_bids:
        return
    bid = chance.choice(open_bids)
    order = Transfer(
        id=f"by hand {time_us}", kind="refund", advertiser=charged[bid], micros=chance.randint(1, left[bid]),
        bid_id=bid, time_us=time_us,
    )  # fmt: skip
    shop.books.transfer(order).result()
    shop.books.refund_bids(chance.sample(open_bids, min(2, len(open_bids))), f"robots {time_us}", time_us).result()


@pytest.mark.parametrize("seed", range(2))
def test_net_revenue_is_what_the_statements_say(shop: Shop, seed: int) -> None:
    """A random log, sealed here and there, with refunds of any kind on later days: by advertiser as the statements and
    their CSV, by campaign as the ledger's days, and the same sum by every dimension, kept or not."""
    chance = random.Random(seed)
    moves = [(chance.randrange(6), chance.randrange(1, 10), chance.randrange(31)) for _ in range(100)]
    records = [record for record in records_of(moves) if getattr(record, "bid_id", "") != "b0"]
    charges, begin = charges_of(records), 0
    for part in range(4):
        end = len(records) * (part + 1) // 4
        shop.write(records[begin:end], charges[begin:end])
        refund(shop, chance, records[end - 1].time_us + part * 3 * DAY_US)
        begin = end
        if part < 3:
            assert told(shop).total.values[0] == shop.charged()
            seal(shop.journal, shop.folder / "sealed", 2**62)
    for _ in range(2):  # computed, then kept
        compared(shop)
    refund(shop, chance, LAST_DAY * DAY_US)
    compared(shop)  # though every part but the last is sealed and kept


def compared(shop: Shop) -> None:
    """The report beside everything that the ledger says itself."""
    by_advertiser = {row.key[0]: row.values for row in told(shop, by=("advertiser",)).rows}
    purses = shop.books.purses(LAST_DAY * DAY_US)
    for advertiser in ("v0", "v1"):
        days = shop.books.statements(advertiser, 0, LAST_DAY)
        charged, refunded = sum(day.charged for day in days), sum(day.refunds for day in days)
        assert by_advertiser[advertiser] == (charged, refunded, charged - refunded)
        rows = [row for row in csv.DictReader(io.StringIO(csv_of(days))) if not row["campaign"]]
        assert sum(int(row["charges"]) - int(row["refunds"]) for row in rows) == charged - refunded
        assert days[-1].closing == refunded - charged == purses[advertiser].free  # nobody topped up, nothing is leased
    campaigns: Counter[str] = Counter()
    for row in shop.books.report():
        campaigns[row["campaign"]] += row["charged"] - row["refunded"]
    assert {row.key[0]: row.values[2] for row in told(shop, by=("campaign",)).rows} == campaigns
    total = told(shop).total.values
    for name in BY_NAME:
        report = told(shop, by=(name,))
        assert tuple(sum(row.values[place] or 0 for row in report.rows) for place in range(3)) == total


def test_a_day_is_the_statements_day(shop: Shop) -> None:
    """Where all that happens to an ad happens on the day of its answer, a day of the report is the day's statement."""
    records: list[Record] = []
    for day in range(3):
        for number in range(6):
            offer = auction(10 * day + number, 4 + number % 2, day * DAY_US + number * HOUR_US)
            records.append(offer)
            for winner in offer.winners:
                kind = Click if winner.billing == "click" else Impression
                time_us = offer.time_us + HOUR_US
                records.append(kind(id=f"e {winner.bid_id}", time_us=time_us, bid_id=winner.bid_id))
    shop.write(records, charges_of(records))
    offers = [record for record in records if isinstance(record, AuctionRecord)]
    for offer in offers[::4]:
        shop.books.refund_bids([offer.winners[0].bid_id], "robots", offer.time_us + 2 * HOUR_US).result()
    found = {
        (row.key[0], row.begin_us // DAY_US): row.values for row in told(shop, by=("advertiser",), grain="day").rows
    }
    for advertiser in ("v0", "v1"):
        for statement in shop.books.statements(advertiser, 0, 2):
            net = statement.charged - statement.refunds
            assert found[advertiser, statement.day] == (statement.charged, statement.refunds, net)


class Away:
    """Books that do not answer."""

    trouble, promise = "away", ""

    def charge(self, charges: object) -> "Future[list[Receipt]]":
        """StoreError."""
        future: Future[list[Receipt]] = Future()
        future.set_exception(StoreError("away"))
        return future


def test_a_charge_that_comes_after_the_seal_is_not_lost(shop: Shop, books_url: str) -> None:
    """While the outbox holds a charge of a sealed part, that part is not kept; then it is, with the charge."""
    if not books_url:
        pytest.skip("books in the journal charge in the transaction that writes the event")
    offer, second = auction(1, 4, 10), auction(2, 4, 20)
    click: Record = Click(id="k", time_us=15, bid_id=offer.winners[0].bid_id)
    charge = Charge(click.bid_id, "c1", 0, offer.winners[0].price_micros, 2**62)  # type: ignore[union-attr]
    (_, pending) = Outbox(shop.journal, Away(), wait_s=1.0).accept_now([offer, click], [None, charge])
    assert pending.reason == "charge pending"
    seal(shop.journal, shop.folder / "sealed", 2**62)
    shop.write([second], [None])
    seal(shop.journal, shop.folder / "sealed", 2**62)
    assert told(shop).total.values == (0, 0, 0)
    assert len(list((shop.folder / "reports").iterdir())) == 1  # the second part
    Outbox(shop.journal, shop.books).drain_all()
    assert told(shop).total.values[0] == charge.price_micros == shop.charged()
    assert len(list((shop.folder / "reports").iterdir())) == 2
