"""Live: simulated shoppers who visit a running server over HTTP, in real time, so that there is something to see.

Each page view of the market becomes a POST /v2/auctions; the page is seen (GET the impression URL) and sometimes
clicked (GET the click URL), by the market's own click model; an ad that somebody added to the catalog is taken like
its twin (market/twins.py). The stream ends with its thread.
"""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
import structlog

from adcascade.catalog.nouns import Ad
from adcascade.closedloop.shown import Slates
from adcascade.closedloop.world import World
from adcascade.contracts import AdRequest
from adcascade.market.market import Market
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.market.twins import Twins
from adcascade.market.views import PageViews

log = structlog.get_logger()


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
    """The shoppers of a market before one server."""

    market: Market
    twins: Twins
    find: Callable[[str], Ad | None]

    def visit(self, view: PageViews, request: AdRequest, address: tuple[str, int]) -> int:
        """One page view of one shopper; returns the number of clicks."""
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
