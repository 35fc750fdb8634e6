"""Laws of the ledger."""

import sqlite3

import pytest

from adcascade.errors import InputError, StoreError
from adcascade.events.journal import Journal, Receipt
from adcascade.events.records import Click, Impression
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US, day_of, day_start
from adcascade.money.ledger import Ask, Budget, Grant, Ledger, Left

FAR = 10 * DAY_US


@pytest.fixture
def ledger(journal: Journal) -> Ledger:
    """An empty ledger."""
    return Ledger(journal)


def grant(ledger: Ledger, epoch: int, least: int, now_us: int = 0, *, share: int = 10**9) -> Grant:
    """A grant for campaign "c" that never expires."""
    ask = Ask(epoch=epoch, campaign="c", least=least, share=share, expires_us=FAR, ttl_us=FAR, now_us=now_us)
    return ledger.grant(ask).result()


def charge(journal: Journal, bid_id: str, lease: int, price: int, **more: int) -> Receipt:
    """A click of this bid at time 1, charged."""
    event = Click(id=f"click {bid_id} {journal.last_seq}", time_us=more.pop("at", 1), bid_id=bid_id)
    return journal.submit(event, Charge(bid_id, "c", lease, price, more.pop("expires_us", FAR))).result()


@pytest.mark.parametrize(
    ("budget", "granted"),
    [(Budget(50, None), 50), (Budget(None, 40), 40), (Budget(50, 40), 40), (Budget(0, 40), 0), (Budget(), 70)],
)
def test_a_grant_keeps_both_limits(ledger: Ledger, budget: Budget, granted: int) -> None:
    """Seven asks of 10 get what the tighter limit allows, and the rest is said."""
    ledger.set_budgets({"c": budget}, 0).result()
    epoch = ledger.claim("me", 0)
    grants = [grant(ledger, epoch, 10) for _ in range(7)]
    assert sum(each.granted for each in grants) == granted
    if budget.limited:
        assert grants[-1].left.micros() == 0
    assert ledger.verify() == []


def test_a_grant_is_a_share_of_what_is_left(ledger: Ledger) -> None:
    """Large budgets are granted by share, small ones by the least amount."""
    ledger.set_budgets({"c": Budget(1600, None)}, 0).result()
    epoch = ledger.claim("me", 0)
    assert grant(ledger, epoch, 3, share=16).granted == 100
    assert grant(ledger, epoch, 300, share=16).granted == 300


def test_a_new_day_has_a_new_daily_budget_and_the_same_total(ledger: Ledger) -> None:
    """What one day took counts against the total on the next."""
    ledger.set_budgets({"c": Budget(50, 80)}, 0).result()
    epoch = ledger.claim("me", 0)
    assert grant(ledger, epoch, 100).granted == 50
    assert grant(ledger, epoch, 100, DAY_US).granted == 30
    assert ledger.left("c", 2 * DAY_US) == Left(50, 0)


def test_a_bid_is_charged_once(journal: Journal, ledger: Ledger) -> None:
    """A second event of the same bid is accepted and charges nothing, also when the lease is used up."""
    ledger.set_budgets({"c": Budget(50, None)}, 0).result()
    lease = grant(ledger, ledger.claim("me", 0), 10).lease
    assert charge(journal, "b1", lease, 10) == Receipt("accepted", 10)
    assert charge(journal, "b1", lease, 10) == Receipt("accepted", 0, "already charged")
    assert ledger.spent("c") == ledger.spent("c", 0) == 10
    assert ledger.spent("c", 1) == ledger.spent("other") == 0
    assert [(row["bid_id"], row["micros"], row["event"]) for row in ledger.charges("c")] == [("b1", 10, "click b1 0")]


def test_the_same_event_twice_is_no_second_charge(journal: Journal, ledger: Ledger) -> None:
    """A duplicate of the event does not even look at its charge."""
    event = Impression(id="i", time_us=1, bid_id="b")
    first, second = journal.append([event, event], [Charge("b", "c", 0, 9, FAR), Charge("b2", "c", 0, 9, FAR)])
    assert (first, second) == (Receipt("accepted", 9), Receipt("duplicate"))
    assert ledger.spent("c") == 9


def test_why_a_charge_is_refused(journal: Journal, ledger: Ledger) -> None:
    """Each reason in words; the event is accepted all the same and the books stay right."""
    ledger.set_budgets({"c": Budget(50, None), "other": Budget(50, None)}, 0).result()
    lease = grant(ledger, ledger.claim("me", 0), 10).lease
    foreign = Charge("b9", "other", lease, 1, FAR)
    reasons = [
        charge(journal, "b1", lease, 11),
        charge(journal, "b2", lease + 1, 1),
        charge(journal, "b3", lease, 1, expires_us=1),
        journal.submit(Click(id="x", time_us=1, bid_id="b9"), foreign).result(),
        charge(journal, "b4", 0, 41),
        charge(journal, "b5", lease, 0),
    ]
    ledger.close_expired(FAR).result()
    reasons.append(charge(journal, "b6", lease, 1))
    assert [receipt.reason for receipt in reasons] == [
        "the lease is used up",
        "no such lease",
        "the bid id has expired",
        "no such lease",
        "the budget is used up",
        "",
        "the lease is closed",
    ]
    assert {receipt.status for receipt in reasons} == {"accepted"}
    assert {receipt.charged_micros for receipt in reasons} == {0}
    assert ledger.verify() == []
    assert journal.last_seq == 7


def test_a_campaign_without_limits_is_charged_without_a_lease(journal: Journal, ledger: Ledger) -> None:
    """Its charges are booked on the day of the event."""
    assert charge(journal, "b", 0, 10**15, at=3 * DAY_US + 5).charged_micros == 10**15
    (row,) = ledger.report()
    assert (row["campaign"], row["day"], row["charged"], row["leased"]) == ("c", 3, 10**15, 0)
    assert row["daily_budget"] is row["total_budget"] is None
    assert ledger.overspend_micros() == 0


def test_closing_gives_back_what_was_not_charged(journal: Journal, ledger: Ledger) -> None:
    """Only leases whose time is over close, and then their remainder can be granted again."""
    ledger.set_budgets({"c": Budget(50, None)}, 0).result()
    lease = grant(ledger, ledger.claim("me", 0), 50).lease
    charge(journal, "b", lease, 20)
    assert ledger.close_expired(FAR - 1).result() == {}
    assert ledger.left("c", 0) == Left(0, None)
    assert ledger.close_expired(FAR).result() == {lease: "c"}
    assert ledger.left("c", 0) == Left(30, None)
    assert ledger.give_back(lease, 5, 0).result() == 0


def test_giving_back_stops_at_the_remainder(journal: Journal, ledger: Ledger) -> None:
    """However much a bank believes to hold, no more than the uncharged remainder returns."""
    ledger.set_budgets({"c": Budget(50, None)}, 0).result()
    lease = grant(ledger, ledger.claim("me", 0), 50).lease
    charge(journal, "b", lease, 20)
    assert ledger.give_back(lease, 10, 0).result() == 10
    assert ledger.give_back(lease, 100, 0).result() == 20
    assert ledger.verify() == []


def test_an_owner_that_was_replaced_is_granted_nothing(ledger: Ledger) -> None:
    """The later claim of a name fences the earlier; other names are not touched."""
    ledger.set_budgets({"c": Budget(50, None)}, 0).result()
    old, other = ledger.claim("me", 0), ledger.claim("you", 0)
    new = ledger.claim("me", 1)
    with pytest.raises(StoreError, match="replaced"):
        grant(ledger, old, 10)
    assert grant(ledger, new, 10).lease != grant(ledger, other, 10).lease


def test_a_lowered_limit_stops_grants_and_is_no_overspend(journal: Journal, ledger: Ledger) -> None:
    """What was promised under the old limit may still be charged; nothing more is granted."""
    ledger.set_budgets({"c": Budget(50, 50)}, 0).result()
    epoch = ledger.claim("me", 0)
    lease = grant(ledger, epoch, 40).lease
    ledger.set_budgets({"c": Budget(10, 10)}, 5).result()
    assert charge(journal, "b", lease, 40).charged_micros == 40
    assert grant(ledger, epoch, 1).granted == 0
    assert ledger.verify() == []


def test_bookings_cannot_be_altered(journal: Journal, ledger: Ledger) -> None:
    """The table itself refuses updates and deletions."""
    charge(journal, "b", 0, 5)
    for sql in ("UPDATE bookings SET micros = 1", "DELETE FROM bookings"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            journal.transact(lambda connection, sql=sql: connection.execute(sql)).result()  # type: ignore[misc]
    assert ledger.spent("c") == 5


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE leases SET remainder = remainder - 1", "lease"),
        ("UPDATE leases SET open = 0", "lease"),
        ("UPDATE balances SET charged = charged + 3", "charged"),
        ("UPDATE balances SET leased = 0", "leased"),
        ("UPDATE budgets SET daily = 39", "overspend"),
        ("UPDATE budgets SET total = 39", "overspend"),
    ],
)
def test_the_audit_finds_what_was_tampered_with(journal: Journal, ledger: Ledger, sql: str, what: str) -> None:
    """Every sum that no longer equals its bookings, and every exceeded limit, is reported."""
    ledger.set_budgets({"c": Budget(50, 50)}, 0).result()
    lease = grant(ledger, ledger.claim("me", 0), 40).lease
    charge(journal, "b", lease, 10)
    assert ledger.verify() == []
    journal.transact(lambda connection: connection.execute(sql).rowcount).result()
    assert what in {difference.what for difference in ledger.verify()}
    assert ledger.overspend_micros() == (1 if what == "overspend" else 0)


@pytest.mark.parametrize("budget", [Budget(-1, None), Budget(None, 2**62)])
def test_an_impossible_limit_is_refused(ledger: Ledger, budget: Budget) -> None:
    """Limits are micros from 0 on; InputError names the campaign."""
    with pytest.raises(InputError, match=r"c\."):
        ledger.set_budgets({"c": budget}, 0)


def test_a_negative_price_is_refused() -> None:
    """A charge never pays out."""
    with pytest.raises(InputError, match="price_micros"):
        Charge("b", "c", 0, -1, FAR)


def test_days_begin_at_midnight() -> None:
    """The last microsecond of a day belongs to it, the next to the next, before 1970 too."""
    assert [day_of(day_start(5) - 1), day_of(day_start(5)), day_of(-1)] == [4, 5, -1]
