"""Laws of the books, wherever they lie: each is tried on the journal's file, a real PostgreSQL and a real Redis."""

import random
import threading
from pathlib import Path

import pytest

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.money.bank import Bank, BankConfig
from adcascade.money.books import Books, Transfer
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US
from adcascade.money.leases import Ask, Grant
from adcascade.money.opening import open_books
from adcascade.money.terms import Budget, Left

FAR = 10 * DAY_US
ACME = Budget(daily=50, total=80, advertiser="acme", fee_bp=1_500)


def lend(books: Books, epoch: int, least: int, now_us: int = 0, campaign: str = "c") -> Grant:
    """A grant that ends far away."""
    ask = Ask(epoch=epoch, campaign=campaign, least=least, share=10**9, expires_us=FAR, ttl_us=FAR, now_us=now_us)
    return books.grant(ask).result()


def charge(books: Books, bid: str, lease: int, price: int, *, at: int = 1, event: str = "e") -> Receipt:
    """One charge of campaign "c"."""
    return books.charge([Charge(bid, "c", lease, price, FAR, at, event)]).result()[0]


def top_up(books: Books, advertiser: str, micros: int, name: str = "t") -> Receipt:
    """Money for a wallet."""
    return books.transfer(Transfer(id=name, kind="top_up", advertiser=advertiser, micros=micros, time_us=0)).result()


def test_grants_keep_every_limit(books: Books) -> None:
    """Day, total and wallet: asked for more, the tightest decides, and what is left says so."""
    budgets = {"c": ACME, "p": Budget(daily=100, advertiser="early", prepaid=True)}
    assert books.set_budgets(budgets, 0).result() == {"c": Left(50, 80), "p": Left(100, None, 0)}
    epoch = books.claim("me", 0)
    assert [lend(books, epoch, 30).granted for _ in range(3)] == [30, 20, 0]
    assert lend(books, epoch, 100, DAY_US).granted == 30
    assert books.left("c", 2 * DAY_US) == Left(50, 0)
    assert lend(books, epoch, 10, campaign="p").granted == 0
    top_up(books, "early", 7)
    assert lend(books, epoch, 10, campaign="p").granted == 7
    assert books.wallets(["early", "nobody"]).result() == {"early": 0}
    assert books.verify() == []


def test_a_receipt_is_the_same_however_often_its_event_asks(books: Books) -> None:
    """The same event gets its receipt again, in the batch and after; another event of the bid charges nothing."""
    books.set_budgets({"c": ACME}, 0).result()
    lease = lend(books, books.claim("me", 0), 10).lease
    first = Charge("b", "c", lease, 10, FAR, 1, "machine/e")
    other = Charge("b", "c", lease, 10, FAR, 1, "other/e")
    paid, refused = Receipt("accepted", 10), Receipt("accepted", 0, "already charged")
    assert books.charge([first, first, other]).result() == [paid, paid, refused]
    assert books.charge([other, first]).result() == [refused, paid]
    assert books.spent("c") == books.spent("c", 0) == 10
    assert books.spent_today(5) == {"c": 10}
    assert books.accounts() == {"wallet:acme": -10, "lease": 0, "revenue": 9, "fee": 1}


def test_why_a_charge_is_refused(books: Books) -> None:
    """Each reason in the same words, and nothing is booked."""
    books.set_budgets({"c": ACME}, 0).result()
    lease = lend(books, books.claim("me", 0), 10).lease
    charges = [
        Charge("b1", "c", lease, 11, FAR, 1, "1"),
        Charge("b2", "c", lease + 1, 1, FAR, 1, "2"),
        Charge("b3", "c", lease, 1, 1, 1, "3"),
        Charge("b4", "other", lease, 1, FAR, 1, "4"),
        Charge("b5", "c", 0, 41, FAR, 1, "5"),
        Charge("b6", "c", lease, 0, FAR, 1, "6"),
    ]
    assert books.close_expired(FAR - 1).result() == {}
    reasons = [receipt.reason for receipt in books.charge(charges).result()]
    assert books.close_expired(FAR).result() == {lease: "c"}
    reasons.append(charge(books, "b7", lease, 1).reason)
    assert reasons == [
        "the lease is used up",
        "no such lease",
        "the bid id has expired",
        "no such lease",
        "the budget is used up",
        "",
        "the lease is closed",
    ]
    assert books.spent("c") == 0
    assert books.give_back(lease, 5, 0).result() == 0
    assert books.verify() == []


def test_days_are_those_of_the_advertiser(books: Books) -> None:
    """A charge without a lease counts to the local day; after a change of zone days do not come twice."""
    books.set_budgets({"c": Budget(daily=50, advertiser="acme", timezone="Asia/Tokyo")}, 0).result()
    at = 16 * 3_600_000_000  # one o'clock in Tokyo, the next day there
    assert charge(books, "b", 0, 10, at=at).charged_micros == 10
    assert (books.spent("c", 0), books.spent("c", 1)) == (0, 10)
    books.set_budgets({"c": Budget(daily=50, advertiser="acme", timezone="America/New_York")}, at).result()
    assert books.left("c", at + 1) == Left(40, None)
    assert charge(books, "b2", 0, 41, at=at + 1).reason == "the budget is used up"
    assert books.today("acme", at) == 1


def test_an_owner_that_was_replaced_is_granted_nothing(books: Books) -> None:
    """Also beside others in one round, who are not touched."""
    books.set_budgets({"c": ACME}, 0).result()
    old, other = books.claim("me", 0), books.claim("you", 0)
    new = books.claim("me", 1)
    asks = [
        Ask(epoch=epoch, campaign="c", least=5, share=10**9, expires_us=FAR, ttl_us=FAR, now_us=0)
        for epoch in (other, old, new)
    ]
    futures = [books.grant(ask) for ask in asks]
    assert futures[0].result().lease != futures[2].result().lease
    with pytest.raises(StoreError, match="replaced"):
        futures[1].result()


def test_transfers_are_taken_once_and_never_move_what_is_not_there(books: Books) -> None:
    """Top-up, payout and refund, each repeated; too much is refused with what would be right."""
    books.set_budgets({"c": Budget(advertiser="acme", prepaid=True, fee_bp=1_999)}, 0).result()
    assert top_up(books, "acme", 100) == Receipt("accepted", 100)
    assert top_up(books, "acme", 100).status == "duplicate"
    assert charge(books, "b", 0, 30).charged_micros == 30
    with pytest.raises(InputError, match="at most what is free in the wallet, 70"):
        books.transfer(Transfer(id="p", kind="payout", advertiser="acme", micros=71, time_us=0)).result()
    refund = Transfer(id="r", kind="refund", advertiser="acme", micros=11, bid_id="b", time_us=0)
    assert books.transfer(refund).result() == Receipt("accepted", 11)
    assert books.transfer(refund).result().status == "duplicate"
    with pytest.raises(InputError, match="at most what is left of the charge, 19"):
        books.transfer(Transfer(id="r2", kind="refund", advertiser="acme", micros=20, bid_id="b", time_us=0)).result()
    assert books.refund_bids(["b", "unknown"], "robots", 0).result() == {"b": 19}
    assert books.refund_bids(["b"], "robots", 0).result() == {}
    assert books.accounts() == {"outside": -100, "wallet:acme": 100, "revenue": 0, "fee": 0}
    (statement,) = books.statements("acme", 0, 0)
    assert (statement.top_ups, statement.charged, statement.refunds, statement.closing) == (100, 30, 30, 100)
    assert books.verify() == []


def test_bookings_are_listed_in_order(books: Books) -> None:
    """Numbers rise, one by one, and a page can begin anywhere."""
    for number in range(5):
        top_up(books, f"v{number % 2}", 10, f"t{number}")
    numbers = [number for number, _ in books.entries()]
    assert numbers == sorted(set(numbers))
    assert [entry.transfer for _, entry in books.entries(numbers[2])] == ["t3", "t4"]
    assert [entry.transfer for _, entry in books.entries(advertiser="v1")] == ["t1", "t3"]


def test_greedy_threads_never_take_more_than_there_is(books_url: str, journal: Journal) -> None:
    """Six connections grant, charge and give back at once: the day's limit holds and every sum is its bookings'."""
    opened = [open_books(books_url, journal) for _ in range(6)]
    opened[0].set_budgets({"c": Budget(daily=500, total=800, advertiser="acme", fee_bp=333)}, 0).result()
    charged: list[int] = []

    def spend(number: int) -> None:
        books, chance = opened[number], random.Random(number)
        epoch = books.claim(f"owner {number}", 0)
        for step in range(30):
            grant = lend(books, epoch, chance.randrange(1, 40))
            if grant.lease:
                bids = [Charge(f"{number}.{step}.{i}", "c", grant.lease, 3, FAR, 1, f"{i}") for i in range(5)]
                charged.extend(receipt.charged_micros for receipt in books.charge(bids).result())
                books.give_back(grant.lease, chance.randrange(20), 0).result()

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(charged) == opened[0].spent("c") <= 500
    assert opened[0].verify() == []
    for books in opened:
        books.close()


@pytest.mark.needs("postgresql")
@pytest.mark.needs("redis")
@pytest.mark.parametrize("seed", range(2))
def test_the_same_history_gives_the_same_books(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> None:
    """A random history of everything that books can do: all three answer alike and hold the same in the end."""
    from tests.money.conftest import empty

    urls = [request.getfixturevalue(name).url for name in ("postgres_books_server", "redis_server")]
    outcomes: list[list[object]] = []
    for url in ("", *map(empty, urls)):
        with Journal(tmp_path / f"log {len(outcomes)}.db", commit_every_ms=0) as journal:
            books = open_books(url, journal)
            outcomes.append(history(books, random.Random(seed)))
            books.close()
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == outcomes[2]


def history(books: Books, chance: random.Random) -> list[object]:
    """What the books answer, and what they hold in the end."""
    zones = ("UTC", "Asia/Kathmandu", "America/New_York")
    names = ("a", "b", "c d")
    answers: list[object] = []
    now_us, leases = 0, [0]
    epochs = [books.claim("one", 0), books.claim("two", 0)]
    for step in range(150):
        now_us += chance.choice((1, 3_600_000_000, 9 * 3_600_000_000))
        name, kind = chance.choice(names), chance.randrange(8)
        try:
            if kind == 0 or step < 3:
                name = names[step] if step < 3 else name
                budget = Budget(
                    daily=chance.choice((None, 90, 10**15)),
                    total=chance.choice((None, 400)),
                    advertiser=f"v{name}",
                    prepaid=chance.random() < 0.3,
                    fee_bp=chance.choice((0, 1, 9_999, 10_000)),
                    timezone=chance.choice(zones),
                )
                answers.append(books.set_budgets({name: budget}, now_us).result())
            elif kind in (1, 2):
                ask = Ask(
                    epoch=chance.choice(epochs),
                    campaign=name,
                    least=chance.randrange(1, 50),
                    share=chance.choice((4, 10**9)),
                    expires_us=now_us + 2 * 3_600_000_000,
                    ttl_us=60_000_000,
                    now_us=now_us,
                )
                grant = books.grant(ask).result()
                leases.append(grant.lease)
                answers.append(grant)
            elif kind in (3, 4):
                charges = [
                    Charge(
                        f"bid{chance.randrange(60)}",
                        chance.choice(names),
                        chance.choice(leases[-3:]),
                        7,
                        now_us + chance.choice((0, 9)),
                        now_us,
                        f"{i}",
                    )
                    for i in range(4)
                ]
                answers.append(books.charge(charges).result())
            elif kind == 5:
                answers.append(books.close_expired(now_us).result())
            elif kind == 6:
                answers.append(books.give_back(chance.choice(leases), chance.randrange(30), now_us).result())
            else:
                order = Transfer(
                    id=f"t{chance.randrange(40)}",
                    kind=chance.choice(("top_up", "payout", "refund")),
                    advertiser=f"v{name}",
                    micros=chance.randrange(1, 60),
                    time_us=now_us,
                    bid_id=f"bid{chance.randrange(60)}",
                )
                answers.append(books.transfer(order).result())
        except (InputError, StoreError) as error:
            answers.append(str(error))
    assert books.verify() == []
    return [*answers, sorted(books.accounts().items()), books.report(), [entry for _, entry in books.entries()]]


def test_a_bank_gets_along_with_any_books(books: Books) -> None:
    """Every whole price of a budget can be promised, and not one more; after the grace the rest is free again."""
    config = BankConfig(ttl_us=10, lease_us=100, share=4, prices=2, grace_us=50)
    bank = Bank(books, {"c": Budget(daily=100, advertiser="acme")}, 0, config=config)
    count = 0
    while bank.reserve("c", f"b{count}", 7, 0, wait=True):
        count += 1
    assert count == 14
    bank.release_expired(159, wait=True)
    assert books.left("c", 159) == Left(0, None)
    bank.release_expired(160, wait=True)
    assert books.left("c", 160) == Left(100, None)
