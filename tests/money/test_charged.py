"""What bids were charged and given back is what the bookings say, wherever the books lie, many bids at once too."""

from collections import defaultdict

from adcascade.events.journal import Journal
from adcascade.money.books import Books, Transfer
from adcascade.money.charge import Charge
from adcascade.money.charged import Charged
from adcascade.money.outbox import Outbox
from adcascade.money.terms import Budget
from adcascade.money.traces import machine_of

FAR = 2**62
MANY = 1_100  # more than are asked for at once, by any of them


def lived(books: Books, event: str) -> None:
    """Bids without a fee, of fee alone, of both; refunds whole, in parts, and of nothing."""
    fees = {"c0": 0, "c1": 1_234, "c2": 10_000}
    books.set_budgets({name: Budget(advertiser="v", fee_bp=fee) for name, fee in fees.items()}, 0).result()
    charges = [Charge(f"b{n}", f"c{n % 3}", 0, 7 + n % 11, FAR, 1, event.format(n)) for n in range(MANY)]
    books.charge(charges).result()
    for part in range(2):
        order = Transfer(id=f"t{part}", kind="refund", advertiser="v", micros=3, bid_id="b1", time_us=2)
        books.transfer(order).result()
    books.refund_bids([f"b{n}" for n in range(0, MANY, 7)], "robots", 3).result()


def test_bids_cost_what_is_booked(books: Books) -> None:
    """Price and fee together, once a bid however often it is asked for; bids that nobody charged are absent."""
    lived(books, "elsewhere/e{}")
    charged: dict[str, int] = defaultdict(int)
    refunded: dict[str, int] = defaultdict(int)
    for _, entry in books.entries():
        if entry.bid_id is not None:
            (refunded if entry.kind == "refund" else charged)[entry.bid_id] += entry.micros
    asked = [f"b{n}" for n in range(MANY + 5)] * 2
    assert books.charged(asked) == {bid: Charged(f"elsewhere/e{bid[1:]}", micros) for bid, micros in charged.items()}
    assert books.charged([]) == books.charged(["nobody"]) == {}
    assert books.refunded() == refunded
    assert len(refunded) == len(range(0, MANY, 7)) + 1


def test_events_are_named_as_the_journal_names_them(books: Books, books_url: str, journal: Journal) -> None:
    """Shared books call an event "MACHINE/ID"; who asks on that machine hears ID, on another one both."""
    if books_url:
        Outbox(journal, books)
    machine = machine_of(journal)
    books.set_budgets({"c": Budget(advertiser="v")}, 0).result()
    event = f"{machine}/e" if books_url else "e"
    books.charge([Charge("b", "c", 0, 5, FAR, 1, event), Charge("o", "c", 0, 5, FAR, 1, "other/e")]).result()
    assert books.charged(["b", "o"]) == {"b": Charged("e", 5), "o": Charged("other/e", 5)}
