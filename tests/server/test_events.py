"""Events by body: taken once, in order, after they are on disk."""

import json
from typing import Any

import pytest
from tests.server.conftest import Call
from tests.server.shop import Shop

from adcascade.errors import StoreError
from adcascade.events.records import Conversion, Order, OrderLine, Viewable

WHEN = "2025-06-15T15:06:40Z"


def bought(call: Call, slots: int = 2) -> list[dict[str, Any]]:
    """The winners of an auction."""
    answer = call("POST", "/v2/auctions", json={"auctions": [{"type": "listings", "slots": slots}]})
    winners: list[dict[str, Any]] = answer.json()["results"][0]["winners"]
    return winners


def report(call: Call, **body: Any) -> dict[str, Any]:
    """The receipts of a body of events."""
    answer = call("POST", "/v2/events", json=body)
    assert answer.status_code == 200, answer.text
    receipts: dict[str, Any] = answer.json()
    return receipts


def seen(id: str, token: str, when: str = WHEN) -> dict[str, str]:  # noqa: A002  the API's name
    """An impression or a click."""
    return {"id": id, "resolvedBidId": token, "occurredAt": when}


def test_an_event_is_taken_once(call: Call, shop: Shop) -> None:
    """The second report of an id is a duplicate, and the log holds the event once."""
    token = bought(call)[0]["resolvedBidId"]
    first = report(call, impressions=[seen("i1", token)], clicks=[seen("c1", token)])
    again = report(call, impressions=[seen("i1", token)], clicks=[seen("c1", token)])
    assert [first["impressions"][0]["status"], first["clicks"][0]["status"]] == ["accepted", "accepted"]
    assert [again["impressions"][0]["status"], again["clicks"][0]["status"]] == ["duplicate", "duplicate"]
    assert len(list(shop.journal.read())) == 2


def test_receipts_stand_in_the_order_of_the_body(call: Call) -> None:
    """A forged event between good ones gets its own receipt in its own place."""
    one, two = (winner["resolvedBidId"] for winner in bought(call))
    told = report(call, clicks=[seen("a", one), seen("b", one[:-1] + "!"), seen("c", two), seen("a", one)])
    assert [(each["id"], each["status"]) for each in told["clicks"]] == [
        ("a", "accepted"),
        ("b", "rejected"),
        ("c", "accepted"),
        ("a", "duplicate"),
    ]


def test_late_is_right_and_the_future_is_not(call: Call) -> None:
    """An event of last year is taken; one of next year, or before 1970, is rejected with a reason."""
    token = bought(call)[0]["resolvedBidId"]
    told = report(
        call,
        impressions=[seen("old", token, "2024-06-15T00:00:00+02:00"), seen("new", token, "2026-06-15T00:00:00Z")],
        clicks=[seen("ancient", token, "1969-12-31T23:59:59Z")],
    )
    assert [each["status"] for each in told["impressions"]] == ["accepted", "rejected"]
    assert "future" in told["impressions"][1]["reason"]
    assert told["clicks"][0]["status"] == "rejected"


def test_a_purchase_is_credited_item_by_item(call: Call, shop: Shop) -> None:
    """Items that name an ad become conversions worth quantity times price; the order holds them all."""
    one, two = (winner["resolvedBidId"] for winner in bought(call))
    items = [
        {"productId": "p1", "quantity": 3, "unitPrice": 0.1, "resolvedBidId": one},
        {"productId": "p2", "unitPrice": 5, "brand": "b", "parentId": "p"},
        {"productId": "p3", "unitPrice": 19.99, "resolvedBidId": two},
    ]
    purchase = {"id": "order", "opaqueUserId": "u", "occurredAt": WHEN, "items": items}
    told = report(call, purchases=[purchase])["purchases"][0]
    assert [told["status"], *(item["status"] for item in told["items"])] == ["accepted"] * 4
    values = [record.value_micros for _, record in shop.journal.read() if isinstance(record, Conversion)]
    assert values == [300_000, 19_990_000]
    (order,) = [record for _, record in shop.journal.read() if isinstance(record, Order)]
    assert (order.id, order.user, len(order.lines)) == ("order", "u", 3)
    assert order.lines[1] == OrderLine(product="p2", parent="p", brand="b", price_micros=5_000_000)
    again = report(call, purchases=[purchase])["purchases"][0]
    assert [again["status"], *(item["status"] for item in again["items"])] == ["duplicate"] * 4


def test_an_item_whose_bid_is_forged_leaves_the_order_alone(call: Call) -> None:
    """The conversion is rejected, the purchase and its other items are taken."""
    token = bought(call)[0]["resolvedBidId"]
    items = [{"productId": "p1", "resolvedBidId": token[:-1] + "!"}, {"productId": "p2"}]
    told = report(call, purchases=[{"id": "o", "occurredAt": WHEN, "items": items}])["purchases"][0]
    assert [told["status"], *(item["status"] for item in told["items"])] == ["accepted", "rejected", "accepted"]


def test_a_viewable_impression_is_an_event_of_its_own(call: Call, shop: Shop) -> None:
    """It has its own list in body and answer, and its own place in the log."""
    token = bought(call)[0]["resolvedBidId"]
    told = report(call, viewables=[seen("v1", token)], impressions=[seen("i1", token)])
    assert [told["viewables"][0]["status"], told["impressions"][0]["status"]] == ["accepted", "accepted"]
    assert [record.id for _, record in shop.journal.read() if isinstance(record, Viewable)] == ["v1"]


def test_a_disk_that_refuses_is_503_and_acknowledges_nothing(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """StoreError: the caller is told to send the body again."""
    token = bought(call)[0]["resolvedBidId"]

    async def refuse(records: object) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(shop.journal, "accept_many", refuse)
    answer = call("POST", "/v2/events", json={"clicks": [seen("c", token)]})
    assert answer.status_code == 503
    assert "again" in answer.json()["error"]["remedy"]


def test_a_body_of_too_many_events_is_refused_whole(call: Call, shop: Shop) -> None:
    """One event above the limit: 400, and the log stays empty."""
    token = bought(call)[0]["resolvedBidId"]
    answer = call("POST", "/v2/events", json={"clicks": [seen(str(i), token) for i in range(1001)]})
    assert answer.status_code == 400
    assert not list(shop.journal.read())


def test_an_auction_that_fails_spoils_no_other(call: Call, shop: Shop) -> None:
    """A broken engine: 200 with `error` for the page, 204 for the exchange, and a counted failure."""
    shop.broken = True
    answer = call("POST", "/v2/auctions", json={"auctions": [{"type": "listings", "slots": 1}]})
    assert (answer.status_code, answer.json()["results"][0]["error"]) == (200, True)
    bid = call("POST", "/openrtb2/bid", content=json.dumps({"id": "1", "imp": [{"id": "1", "banner": {}}]}))
    assert bid.status_code == 204
    metrics = call("GET", "/metrics").text
    assert 'adcascade_failures_total{route="/v2/auctions"} 1.0' in metrics
    assert 'adcascade_failures_total{route="/openrtb2/bid"} 1.0' in metrics
