"""An exchange against the real engine, log and ledger: what is known of a user, what becomes of money, deals, video."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.server.privacy.writer import tcf

from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.cli.serve import options_of
from adcascade.events.records import AuctionRecord, Click, Notice
from adcascade.server.app import AdServer, create_app
from adcascade.server.openrtb.macros import substitute
from adcascade.settings import load_settings

USER = "user-that-must-not-leak"
CONSENT = tcf({1, 2, 3, 4, 7})
BANNER = {"w": 300, "h": 250}
LOOKS = (
    Creative(id="b", format="banner", title="A shoe", width=300, height=250),
    Creative(
        id="v",
        format="video",
        title="A film",
        video_url="https://v.example/a.mp4",
        mime="video/mp4",
        duration_ms=15_000,
    ),
)


class Exchange:
    """Speaks to the application in process."""

    def __init__(self, app: AdServer) -> None:
        self.app = app

    def call(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """One request; only the path and the query of a URL matter."""

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://ads.example") as client:
                parts = urlsplit(url)
                return await client.request(method, f"{parts.path}?{parts.query}", **arguments)

        return asyncio.run(once())

    def bids(self, imps: list[dict[str, Any]] | None = None, **request: Any) -> list[dict[str, Any]]:
        """The bids for a request; none where there is no answer."""
        body = {"id": "r", "imp": imps or [{"id": "1", "banner": BANNER}], **request}
        answer = self.call("POST", "/openrtb2/bid", json=body)
        assert answer.status_code in (200, 204), answer.text
        return [bid for seat in answer.json()["seatbid"] for bid in seat["bid"]] if answer.content else []


@pytest.fixture
def service(tmp_path: Path) -> Iterator[AdService]:
    """The real thing over two campaigns that pay per impression, one of which answers a deal alone."""
    store = CatalogStore(load_settings(tmp_path).catalog_url)
    common: dict[str, Any] = {
        "advertiser": "v",
        "billing": "impression",
        "bid_micros": 9_000,
        "daily_budget_micros": 10**9,
    }
    store.put(
        [Advertiser(id="v", domain="v.example")],
        [Campaign(id="open", **common), Campaign(id="dealt", deals=("d1",), **common)],
        [
            Ad(id=name, campaign=name, title="shoe", url="https://v.example/x", category="shoes", creatives=LOOKS)
            for name in ("open", "dealt")
        ],
    )
    store.close()
    opened = open_service(tmp_path, Surroundings(wait=True))
    yield opened
    opened.close()


@pytest.fixture
def exchange(service: AdService, tmp_path: Path) -> Exchange:
    """The application over the service."""
    return Exchange(create_app(service, options_of(load_settings(tmp_path), "http://ads.example")))


def told(service: AdService, kind: type) -> list[Any]:
    """The log's records of a kind, once all is on disk."""
    service.parts.journal.append([])
    return [record for _, record in service.parts.journal.read() if isinstance(record, kind)]


PRIVATE: list[dict[str, Any]] = [
    {"regs": {"gdpr": 1}},
    {"regs": {"gdpr": 1}, "consent": tcf({1, 2})},
    {"regs": {"gdpr": 1}, "consent": "not a string of consent"},
    {"regs": {"coppa": 1}},
    {"regs": {"us_privacy": "1YYN"}},
    {"regs": {"ext": {"gpc": 1}}},
    {"device": {"lmt": 1}},
]


@pytest.mark.parametrize("told_so", PRIVATE, ids=json.dumps)
def test_without_consent_nothing_of_the_user_is_read_or_written(
    told_so: dict[str, Any], service: AdService, exchange: Exchange
) -> None:
    """A profile is there and is not read; answer, token, log and memory hold nothing of the user, who gets an ad."""
    service.parts.memory.profiles.clicked(USER, "open", "shoes")
    before = service.parts.memory.profiles.history(USER)
    user = {"id": USER, "buyeruid": USER, "data": [{"segment": [{"id": "rich"}]}]}
    if "consent" in told_so:
        user["consent"] = told_so["consent"]
    answer = exchange.bids(user=user, **{name: part for name, part in told_so.items() if name != "consent"})
    assert answer
    assert USER not in json.dumps(answer)
    opened = service.parts.till.signer.open(urlsplit(answer[0]["burl"]).path.rpartition("/")[2], 0)
    assert USER not in repr(opened)
    exchange.call("GET", f"/t/c/{urlsplit(answer[0]['burl']).path.rpartition('/')[2]}")
    records = told(service, AuctionRecord)
    assert [record.user for record in records] == [None]
    assert records[0].seen["user"] is None
    assert not records[0].seen["history_ad"]
    assert USER not in repr(records)
    assert service.parts.memory.profiles.history(USER) == before


def test_with_consent_a_click_is_remembered_unless_the_browser_objects(service: AdService, exchange: Exchange) -> None:
    """The profile learns of a click; of one that came with Sec-GPC the log alone knows, now and after a restart."""
    profiles = service.parts.memory.profiles
    for header, length in (({"sec-gpc": "1"}, 0), ({}, 1)):
        bid = exchange.bids(regs={"gdpr": 1}, user={"id": USER, "consent": CONSENT})[0]
        token = urlsplit(bid["burl"]).path.rpartition("/")[2]
        assert exchange.call("GET", f"/t/c/{token}", headers=header).status_code == 302
        assert len(profiles.history(USER)[0]) == length
    assert [record.user for record in told(service, AuctionRecord)] == [USER, USER]
    assert [record.anonymous for record in told(service, Click)] == [True, False]


def test_a_lost_bid_frees_its_money_and_a_won_one_keeps_it(service: AdService, exchange: Exchange) -> None:
    """Loss: at once. Win, then loss: kept. Impression, then loss: charged, and the loss changes nothing."""
    bank = service.parts.till.bank
    bid = exchange.bids()[0]
    assert bank.held == 1
    values = {"AUCTION_LOSS": "102", "AUCTION_MIN_TO_WIN": "2.5", "AUCTION_SEAT_ID": "v", "AUCTION_CURRENCY": "USD"}
    for _ in range(2):
        assert exchange.call("GET", substitute(bid["lurl"], values)).status_code == 204
        assert bank.held == 0
    won = exchange.bids()[0]
    exchange.call("GET", substitute(won["nurl"], {"AUCTION_PRICE": "2.1", "AUCTION_MBR": "0.5"}))
    exchange.call("GET", substitute(won["lurl"], values))
    assert bank.held == 1
    exchange.call("GET", substitute(won["burl"], {"AUCTION_PRICE": "2.1", "AUCTION_MULTIPLIER": "3.5"}))
    assert bank.held == 0
    seen = exchange.bids()[0]
    exchange.call("GET", f"/t/i/{urlsplit(seen['burl']).path.rpartition('/')[2]}")
    exchange.call("GET", substitute(seen["lurl"], values))
    notices = told(service, Notice)
    assert [one.kind for one in notices] == ["loss", "win", "loss", "billing", "loss"]
    lost = notices[0]
    assert (lost.loss, lost.min_to_win_micros, lost.seat, lost.currency) == (102, 2_500_000, "v", "USD")
    assert (notices[1].price_micros, notices[1].bid_ratio, notices[3].multiplier) == (2_100_000, 0.5, 3.5)


def test_a_forged_notice_is_refused_and_frees_nothing(service: AdService, exchange: Exchange) -> None:
    """400, and the promise stands."""
    bid = exchange.bids()[0]
    token = urlsplit(bid["lurl"]).path.rpartition("/")[2]
    assert exchange.call("GET", f"/t/l/{token[:-2]}AA?loss=1").status_code == 400
    assert service.parts.till.bank.held == 1


def test_a_deal_is_in_the_bid_the_token_and_the_log(service: AdService, exchange: Exchange) -> None:
    """A private place goes to the campaign that holds the deal, at the deal's floor at least; nobody else gets it."""
    pmp = {"private_auction": 1, "deals": [{"id": "d1", "bidfloor": 3.0, "at": 3}]}
    found = [bid for _ in range(12) for bid in exchange.bids([{"id": "1", "banner": BANNER, "pmp": pmp}])]
    assert found
    assert {(bid["adid"], bid["dealid"], bid["price"]) for bid in found} == {("dealt", "d1", 3.0)}
    token = urlsplit(found[0]["burl"]).path.rpartition("/")[2]
    assert service.parts.till.signer.open(token, 0).deal == "d1"
    assert {winner.deal for record in told(service, AuctionRecord) for winner in record.winners} == {"d1"}
    assert not exchange.bids(
        [{"id": "1", "banner": BANNER, "pmp": {**pmp, "deals": [{"id": "d1", "wseat": ["other"]}]}}]
    )


def test_a_place_of_two_formats_and_one_of_video_are_filled(exchange: Exchange) -> None:
    """A size that no banner has leaves the video; a player's errors are notices."""
    video = {"mimes": ["video/mp4"], "protocols": [7], "maxduration": 15}
    bid = next(
        filter(None, (exchange.bids([{"id": "1", "banner": {"w": 9, "h": 9}, "video": video}]) for _ in range(9)))
    )[0]
    assert (bid["mtype"], bid["protocol"], bid["dur"], bid["crid"]) == (2, 7, 15, "v")
    error = f"/t/e/{urlsplit(bid['burl']).path.rpartition('/')[2]}?code=405"
    assert exchange.call("GET", error).status_code == 204
    assert 'adcascade_notices_total{code="405",kind="error"} 1.0' in exchange.call("GET", "/metrics").text


def test_the_chain_is_logged(service: AdService, exchange: Exchange) -> None:
    """From its place in 2.6 and from the older one."""
    node = {"asi": "a.example", "sid": "7", "hp": 1}
    exchange.bids(source={"schain": {"complete": 1, "ver": "1.0", "nodes": [node]}})
    exchange.bids(source={"ext": {"schain": {"complete": 0, "ver": "1.0", "nodes": [node]}}})
    exchange.bids(source={"ext": {"schain": {"nodes": "damaged"}}})
    assert [record.chain for record in told(service, AuctionRecord)] == [
        "1.0,1!a.example,7,1",
        "1.0,0!a.example,7,1",
        "",
    ]
