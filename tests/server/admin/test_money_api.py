"""Money over HTTP: an order moves money once, statements add up, bookings are traceable, foreign money is unseen."""

from itertools import pairwise

import pytest
from tests.server.admin.conftest import Ask, Clock
from tests.server.shop import NOW

from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.charge import Charge
from adcascade.money.terms import Budget
from adcascade.server.admin.app import Admin

DAY_US = 86_400_000_000
UNIT = 1_000_000


def order(ask: Ask, kind: str, micros: int, identity: str, **more: str) -> tuple[int, dict[str, object]]:
    """Status and body."""
    body = {"id": identity, "kind": kind, "advertiser": "v", "micros": micros, **more}
    answer = ask("POST", "/transfers", json=body)
    return answer.status_code, answer.json()


def charge(admin: Admin, journal: Journal, bid: str, micros: int, now_us: int) -> None:
    """One click of advertiser v, billed."""
    admin.books.set_budgets({"v-k": Budget(advertiser="v", fee_bp=1000)}, now_us).result()
    bill = Charge(bid_id=bid, campaign="v-k", lease=0, price_micros=micros, expires_us=now_us + DAY_US, now_us=now_us)
    (receipt,) = journal.append([Click(id=f"click:{bid}", time_us=now_us, bid_id=bid)], [bill])
    assert receipt.charged_micros == micros


def test_an_order_moves_money_once(ask: Ask) -> None:
    """The same id again is a duplicate and moves nothing; a payout takes no more than is free."""
    assert order(ask, "top_up", 5 * UNIT, "t1") == (200, {"id": "t1", "status": "accepted", "micros": 5 * UNIT})
    assert order(ask, "top_up", 5 * UNIT, "t1")[1]["status"] == "duplicate"
    assert order(ask, "payout", 6 * UNIT, "p1")[0] == 400
    assert order(ask, "payout", 2 * UNIT, "p2")[0] == 200
    told = ask("GET", "/wallets/v").json()
    assert told == {"advertiser": "v", "micros": 3 * UNIT, "currency": "USD", "prepaid": False}
    assert ask("GET", "/ledger").json() == {"balanced": True, "differences": []}


def test_statements_add_up_from_day_to_day(ask: Ask, admin: Admin, journal: Journal, clock: Clock) -> None:
    """Closing is opening and what moved; the next day opens with it; a refund gives back what was charged."""
    order(ask, "top_up", 5 * UNIT, "t1")
    charge(admin, journal, "b1", 2 * UNIT, NOW)
    clock.now_us = NOW + DAY_US
    assert order(ask, "refund", 0, "r1", bid_id="b1")[1]["micros"] == 2 * UNIT
    days = ask("GET", "/statements/v").json()["items"]
    assert len(days) == 7
    for before, after in pairwise(days):
        assert before["closing"] == after["opening"]
    for day in days:
        moved = day["top_ups"] - day["payouts"] + day["refunds"] - sum(line["micros"] for line in day["charges"])
        assert day["closing"] == day["opening"] + moved
    assert [day["closing"] for day in days[-2:]] == [3 * UNIT, 5 * UNIT]
    (line,) = days[-2]["charges"]
    assert (line["campaign"], line["count"], line["micros"], line["fee"]) == ("v-k", 1, 2 * UNIT, 2 * UNIT // 10)


def test_every_booking_names_its_event_or_its_order(ask: Ask, admin: Admin, journal: Journal) -> None:
    """A charge names the click that billed it, a transfer its order and who gave it."""
    order(ask, "top_up", 5 * UNIT, "t1", note="invoice 17")
    charge(admin, journal, "b1", 2 * UNIT, NOW)
    top_up, *charges = ask("GET", "/bookings", params={"advertiser": "v"}).json()["items"]
    administrator = next(key for key in admin.keys.all() if key.name == "administrator")
    assert (top_up["transfer"], top_up["note"]) == ("t1", "invoice 17")
    assert top_up["by"] == f"key:{administrator.id}:administrator"
    assert {each["event"] for each in charges} == {"click:b1"}
    assert sum(each["micros"] for each in charges) == 2 * UNIT
    assert ask("GET", "/bookings", params={"bid": "b1"}).json()["items"] == charges


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_only_an_administrator_moves_money(ask: Ask, role: str) -> None:
    """The others may look."""
    body = {"id": "t", "kind": "top_up", "advertiser": "v", "micros": 5}
    assert ask("POST", "/transfers", role=role, json=body).status_code == 403
    assert ask("GET", "/wallets/v", role=role).status_code == 200


def test_a_key_for_one_advertiser_sees_no_other_money(ask: Ask, admin: Admin) -> None:
    """Another's wallet and statements are as good as absent, and all bookings together are refused."""
    _, key = admin.keys.create("agency", "viewer", now_us=NOW, by="test", advertisers=("v",))
    assert ask("GET", "/wallets/v", key=key).status_code == ask("GET", "/statements/v", key=key).status_code == 200
    assert ask("GET", "/wallets/w", key=key).status_code == ask("GET", "/statements/w", key=key).status_code == 404
    assert ask("GET", "/bookings", key=key).status_code == 403
    assert ask("GET", "/bookings", key=key, params={"advertiser": "v"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/statements/v?from=yesterday", "from"),
        ("/statements/v?from=2026-03-31&to=2026-03-01", "to"),
        ("/statements/v?since=2026-03-31", "since"),
        ("/bookings?after=x", "after"),
        ("/bookings?limit=5000", "limit"),
    ],
)
def test_what_cannot_be_read_is_named(ask: Ask, path: str, field: str) -> None:
    """The parameter as the caller wrote it."""
    answer = ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"kind": "gift"}, 400, "kind"),
        ({"micros": -5}, 400, "micros"),
        ({"micros": 0}, 400, "micros"),
        ({"id": ""}, 400, "id"),
        ({"advertiser": "nobody"}, 404, "advertiser"),
        ({"kind": "refund", "bid_id": "never"}, 400, "bid_id"),
        ({"amount": 5}, 400, "amount"),
    ],
)
def test_an_impossible_order_moves_nothing(ask: Ask, change: dict[str, object], status: int, field: str) -> None:
    """Refused by name, and no account has moved."""
    body = {"id": "t", "kind": "top_up", "advertiser": "v", "micros": 5} | change
    answer = ask("POST", "/transfers", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert ask("GET", "/bookings").json()["items"] == []
