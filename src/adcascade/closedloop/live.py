"""Live: simulated shoppers who visit a running server over HTTP, in real time, so that there is something to see.

Each page view of the market becomes a POST /v2/auctions; the page is seen (GET the impression URL), sometimes clicked
(GET the click URL), and now and then something is bought (POST /v2/events), by the market's own models. An ad that
somebody added to the catalog is taken like its twin (market/twins.py). The stream ends with its thread.
"""

import heapq
import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import numpy as np
import structlog

from adcascade.catalog.nouns import Ad
from adcascade.closedloop.shown import Slates
from adcascade.closedloop.world import World
from adcascade.contracts import AdRequest
from adcascade.market.market import Market
from adcascade.market.responses import Responses
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.market.twins import Twins
from adcascade.market.views import PageViews

log = structlog.get_logger()


class Basket(NamedTuple):
    """A purchase to come. time_us: by the market's clock."""

    time_us: int
    id: str
    bid: str
    product: str
    value_micros: int


@dataclass(slots=True)
class Shoppers:
    """A stream of shoppers. host, port: where the server listens; per_second: page views."""

    world: World
    host: str
    port: int
    find: Callable[[str], Ad | None]  # an ad of the server's catalog
    per_second: float = 5.0
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> threading.Thread:
        """Begin in a thread of its own."""
        thread = threading.Thread(target=self.run, name="shoppers", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Visit until told to stop; a server that does not answer is tried again."""
        market, tick = self.world.market(), self.world.tick
        crowd = Crowd(market, Twins(market), self.find)
        while not self.stop.is_set():
            views = market.views(tick)
            for row, request in enumerate(market.requests(views)):
                if self.stop.wait(1.0 / self.per_second):
                    return
                try:
                    crowd.visit(views.take(np.array([row])), request, (self.host, self.port))
                except (OSError, http.client.HTTPException) as error:
                    log.info("shopper_waits", reason=str(error))
                    self.stop.wait(1.0)
            tick += 1


@dataclass(slots=True)
class Crowd:
    """The shoppers of a market before one server. What they buy, they buy when the market's time has come so far."""

    market: Market
    twins: Twins
    find: Callable[[str], Ad | None]
    _later: list[Basket] = field(default_factory=list)  # a heap

    def visit(self, view: PageViews, request: AdRequest, address: tuple[str, int]) -> int:
        """One page view of one shopper, and what others buy meanwhile; returns the number of clicks."""
        connection = http.client.HTTPConnection(*address, timeout=10)
        try:
            winners = _ask(connection, request)[:MOST_SLOTS]
            slates = Slates.empty(1, MOST_SLOTS)
            for place, winner in enumerate(winners):
                slates.ad[0, place] = self._number(winner["adId"])
            responses = self.market.respond(view, slates.ad)
            for place, winner in enumerate(winners):
                _get(connection, winner["impressionUrl"])
                if responses.clicks[0, place]:
                    _get(connection, winner["clickUrl"])
                if responses.conversions[0, place]:
                    heapq.heappush(self._later, _basket(responses, place, request, winner))
            while self._later and self._later[0].time_us <= view.time_us[0]:
                _buy(connection, heapq.heappop(self._later))
            return int(responses.clicks.sum())
        finally:
            connection.close()

    def _number(self, name: str) -> int:
        own = self.market.ad_index.get(name)
        if own is not None:
            return own
        stranger = self.find(name)
        return -1 if stranger is None else self.twins.of(stranger)  # -1: removed meanwhile


def _ask(connection: http.client.HTTPConnection, request: AdRequest) -> list[dict[str, Any]]:
    """The winners of an auction, best first."""
    auction: dict[str, Any] = {
        "type": "listings",
        "slots": len(request.slots),
        "scenario": request.scenario,
        "device": request.device,
        "geo": {"country": request.country},
        "context": request.context,
        "organic": {"ids": list(request.organic)} if request.organic else None,
        "category": {"id": request.category} if request.category else None,
        "searchQuery": request.query or None,
        "opaqueUserId": request.user,
    }
    body = msgspec.json.encode({"auctions": [{k: v for k, v in auction.items() if v is not None}]})
    connection.request("POST", "/v2/auctions", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise http.client.HTTPException(f"status {answer.status}: {text[:200]!r}")
    winners: list[dict[str, Any]] = msgspec.json.decode(text)["results"][0]["winners"]
    return winners


def _get(connection: http.client.HTTPConnection, url: str) -> None:
    """Call a tracking URL; a redirect is not followed."""
    connection.request("GET", urlsplit(url).path)
    connection.getresponse().read()


def _basket(responses: Responses, place: int, request: AdRequest, winner: dict[str, Any]) -> Basket:
    """What the shopper of a page will buy after the click on this winner."""
    return Basket(
        time_us=int(responses.conversion_time_us[0, place]),
        id=f"{request.id}-{place}",
        bid=winner["resolvedBidId"],
        product=winner["id"],
        value_micros=int(responses.value_micros[0, place]),
    )


def _buy(connection: http.client.HTTPConnection, basket: Basket) -> None:
    """Tell the server of an order; a refusal is the server's to count."""
    item = {"productId": basket.product, "unitPrice": basket.value_micros / 1e6, "resolvedBidId": basket.bid}
    order = {"id": f"order-{basket.id}", "occurredAt": datetime.now(UTC).isoformat(), "items": [item]}
    body = msgspec.json.encode({"purchases": [order]})
    connection.request("POST", "/v2/events", body, {"content-type": "application/json"})
    connection.getresponse().read()
