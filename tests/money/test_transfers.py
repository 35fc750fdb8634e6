"""Top-ups, payouts and refunds: once by their id, never more than there is, and exact to the micro."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.records import Click
from adcascade.money.charge import Charge, fee_of
from adcascade.money.day import DAY_US
from adcascade.money.ledger import Ask, Budget, Ledger, Transfer

FAR = 10 * DAY_US
PREPAID = Budget(advertiser="v", prepaid=True, fee_bp=1500)


@pytest.fixture
def ledger(journal: Journal) -> Ledger:
    """Two campaigns of a prepaid advertiser, one of another who is billed afterwards."""
    ledger = Ledger(journal)
    budgets = {"c": PREPAID, "d": PREPAID, "later": Budget(advertiser="w", fee_bp=1500)}
    ledger.set_budgets(budgets, 0).result()
    return ledger


def move(ledger: Ledger, kind: str, micros: int, name: str = "", **more: str) -> Receipt:
    """A transfer of advertiser "v"."""
    order = {"id": name or f"{kind} {micros}", "kind": kind, "advertiser": "v", "micros": micros, "time_us": 5} | more
    return ledger.transfer(Transfer(**order)).result()  # type: ignore[arg-type]  # fields of all types


def grant(ledger: Ledger, campaign: str, least: int, epoch: int, now_us: int = 0) -> tuple[int, int]:
    """(lease, micros) that the campaign is granted."""
    ask = Ask(epoch=epoch, campaign=campaign, least=least, share=10**9, expires_us=FAR, ttl_us=FAR, now_us=now_us)
    answer = ledger.grant(ask).result()
    return answer.lease, answer.granted


def charge(journal: Journal, bid: str, campaign: str, price: int, lease: int = 0) -> Receipt:
    """A click that is charged."""
    return journal.submit(Click(id=bid, time_us=7, bid_id=bid), Charge(bid, campaign, lease, price, FAR)).result()


def test_an_empty_wallet_promises_nothing(ledger: Ledger) -> None:
    """A prepaid campaign without any budget is limited by its wallet, which several campaigns share to the micro."""
    epoch = ledger.claim("me", 0)
    assert grant(ledger, "c", 10, epoch) == (0, 0)
    move(ledger, "top_up", 25)
    assert [grant(ledger, name, 10, epoch)[1] for name in ("c", "d", "c", "d")] == [10, 10, 5, 0]
    assert ledger.left("d", 0).micros() == 0
    assert ledger.accounts() == {"outside": -25, "wallet:v": 0, "lease": 25}
    assert ledger.verify() == []


def test_who_is_billed_afterwards_owes(journal: Journal, ledger: Ledger) -> None:
    """Without limits nothing is asked for: the wallet goes below zero, by price and fee together exactly."""
    assert charge(journal, "b", "later", 101).charged_micros == 101
    assert ledger.accounts() == {"wallet:w": -101, "revenue": 86, "fee": 15}
    (row,) = ledger.charges()
    assert (row["micros"], row["fee"], row["bid_id"], row["event"]) == (101, 15, "b", "b")
    assert ledger.spent("later") == 101


def test_a_charge_without_lease_still_keeps_the_wallet(journal: Journal, ledger: Ledger) -> None:
    """An old token of a campaign that pays beforehand by now: charges of one commit share what the wallet holds."""
    move(ledger, "top_up", 25)
    names = [("b1", "c"), ("b2", "d"), ("b3", "c")]
    receipts = journal.append(
        [Click(id=bid, time_us=7, bid_id=bid) for bid, _ in names],
        [Charge(bid, campaign, 0, 10, FAR) for bid, campaign in names],
    )
    assert [receipt.charged_micros for receipt in receipts] == [10, 10, 0]
    assert receipts[2].reason == "the budget is used up"
    assert ledger.verify() == []


def test_a_transfer_is_taken_once_for_life(ledger: Ledger) -> None:
    """The same id again moves nothing, whatever it asks for."""
    assert move(ledger, "top_up", 25, "order 1") == Receipt("accepted", 25)
    assert move(ledger, "top_up", 25, "order 1") == Receipt("duplicate")
    assert move(ledger, "payout", 7, "order 1") == Receipt("duplicate")
    assert ledger.accounts()["wallet:v"] == 25


def test_a_payout_takes_only_what_is_free(ledger: Ledger) -> None:
    """What leases hold stays; the error says how much is free."""
    move(ledger, "top_up", 25)
    grant(ledger, "c", 10, ledger.claim("me", 0))
    with pytest.raises(InputError, match="15"):
        move(ledger, "payout", 16)
    assert move(ledger, "payout", 15).charged_micros == 15
    assert ledger.accounts() == {"outside": -10, "wallet:v": 0, "lease": 10}


@settings(deadline=None, max_examples=40)
@given(
    price=st.integers(1, 10**7),
    fee_bp=st.integers(0, 10_000),
    parts=st.lists(st.integers(1, 4 * 10**6), max_size=6),
)
def test_refunds_are_exact(tmp_path_factory: pytest.TempPathFactory, price: int, fee_bp: int, parts: list[int]) -> None:
    """In however many parts a charge goes back, none beyond it is taken, and the whole leaves revenue and fee empty."""
    with Journal(tmp_path_factory.mktemp("refund") / "log.db", commit_every_ms=0) as journal:
        ledger = Ledger(journal)
        ledger.set_budgets({"c": Budget(advertiser="v", fee_bp=fee_bp)}, 0).result()
        charge(journal, "b", "c", price)
        fee = fee_of(price, fee_bp)
        assert ledger.accounts().get("fee", 0) == fee
        left = price
        for number, part in enumerate(parts):
            if part > left:
                with pytest.raises(InputError, match="left of the charge"):
                    move(ledger, "refund", part, f"r{number}", bid_id="b")
                continue
            move(ledger, "refund", part, f"r{number}", bid_id="b")
            left -= part
            assert ledger.accounts().get("fee", 0) == fee - (price - left) * fee // price
            assert ledger.accounts()["wallet:v"] == -left
        if left:
            assert move(ledger, "refund", 0, "rest", bid_id="b") == Receipt("accepted", left)
        assert set(ledger.accounts().values()) == {0}
        assert ledger.verify() == []


def test_a_refund_names_what_is_wrong(journal: Journal, ledger: Ledger) -> None:
    """A bid that was never charged, another's bid, a whole that is gone: each is refused in words."""
    charge(journal, "b", "later", 10)
    with pytest.raises(InputError, match="was charged"):
        move(ledger, "refund", 0, bid_id="unknown")
    with pytest.raises(InputError, match="'w'"):
        move(ledger, "refund", 0, bid_id="b")
    with pytest.raises(InputError, match="micros"):
        move(ledger, "top_up", 0)
    with pytest.raises(InputError, match="not empty"):
        ledger.transfer(Transfer(id="", kind="top_up", advertiser="v", micros=1, time_us=0)).result()


def test_invalid_traffic_is_credited_in_bulk_and_once(journal: Journal, ledger: Ledger) -> None:
    """All that is left of each bid goes back; bids that were never charged are passed over; again does nothing."""
    for number in range(1200):
        charge(journal, f"b{number}", "later", 10 + number % 3)
    move(ledger, "refund", 4, advertiser="w", bid_id="b0")
    bids = [f"b{number}" for number in range(0, 1200, 2)]
    back = ledger.refund_bids([*bids, "never"], "robots", 9, "auditor").result()
    assert back == {bid: 10 + int(bid[1:]) % 3 - 4 * (bid == "b0") for bid in bids}
    assert ledger.refund_bids(bids, "robots", 10).result() == {}
    assert ledger.verify() == []
    assert ledger.accounts()["wallet:w"] == sum(back.values()) + 4 - ledger.spent("later")
    (_, *bookings) = [entry for _, entry in ledger.entries(bid_id="b2") if entry.kind != "fee"]
    assert {(entry.note, entry.by) for entry in bookings} == {("robots", "auditor")}


def test_a_refund_does_not_reopen_the_budget(journal: Journal, ledger: Ledger) -> None:
    """The day's limit stays used; the money is back in the wallet."""
    ledger.set_budgets({"c": Budget(daily=10, advertiser="v", prepaid=True)}, 0).result()
    move(ledger, "top_up", 25)
    lease, granted = grant(ledger, "c", 10, ledger.claim("me", 0))
    charge(journal, "b", "c", 10, lease)
    move(ledger, "refund", 0, bid_id="b")
    assert (granted, ledger.left("c", 0).micros(), ledger.accounts()["wallet:v"]) == (10, 0, 25)
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE wallets SET micros = micros + 1 WHERE advertiser = 'v'", "wallet"),
        ("DELETE FROM wallets", "wallet"),
        ("UPDATE balances SET fee = fee - 1", "fee"),
        ("UPDATE balances SET refunded = 3", "refunded"),
        ("UPDATE balances SET fee_refunded = 4", "fee_refunded"),
        ("DELETE FROM leases", "lease"),
        (
            "INSERT INTO bookings SELECT NULL, 9, kind, advertiser, '', day, source, target, 16, 0, NULL, NULL, 'x',"
            " '', '' FROM bookings WHERE kind = 'payout'",
            "overspend",
        ),
        (
            "INSERT INTO bookings SELECT NULL, 9, kind, advertiser, campaign, day, source, target, 99, 0, bid_id,"
            " NULL, 'x', '', '' FROM bookings WHERE kind = 'refund' AND source = 'fee'",
            "refund",
        ),
        (
            "INSERT INTO bookings SELECT NULL, 9, kind, 'v', '', day, 'wallet:w', target, 1, 0, NULL, NULL, 'x',"
            " '', '' FROM bookings WHERE kind = 'payout'",
            "account",
        ),
    ],
)
def test_the_audit_finds_what_was_tampered_with(journal: Journal, ledger: Ledger, sql: str, what: str) -> None:
    """Every kept sum, every limit and every way of a booking is recomputed."""
    move(ledger, "top_up", 100)
    lease, _ = grant(ledger, "c", 50, ledger.claim("me", 0))
    charge(journal, "b", "c", 40, lease)
    move(ledger, "refund", 20, bid_id="b")
    move(ledger, "payout", 60)
    assert ledger.verify() == []
    assert journal.transact(lambda connection: connection.execute(sql).rowcount).result() > 0
    assert what in {difference.what for difference in ledger.verify()}


def test_asked_again_by_its_event_a_charge_answers_the_same(ledger: Ledger) -> None:
    """A machine that died between the event and its charge asks again: one booking, the same receipt."""
    charges = [Charge("b", "later", 0, 10, FAR, 1, "click 1"), Charge("b", "later", 0, 10, FAR, 1, "click 2")]
    first = ledger.charge(charges).result()
    assert first == [Receipt("accepted", 10), Receipt("accepted", 0, "already charged")]
    assert ledger.charge(charges).result() == first
    assert ledger.spent("later") == 10
