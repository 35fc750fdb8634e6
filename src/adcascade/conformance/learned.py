"""Requests made of a bidder's own answer: what it just offered is blocked, priced out or asked for again.

Fixed examples cannot know whom a bidder bids for. The first plain banner that it bids on tells: its advertiser,
categories, seat, price and currency go into new requests, and the same rules judge whether it obeys.
"""

import json
from collections.abc import Iterator
from typing import Any

from adcascade.conformance.probe import JSON_HEADERS, Probe
from adcascade.conformance.reading import Document, number, text, texts, wholes
from adcascade.conformance.trial import Offer, Trial


def learned(trial: Trial) -> tuple[Probe, ...]:
    """What to ask next, after a valid request that got a bid; nothing where there is none to learn from."""
    offer = next((each for each in trial.offers if each.media == "banner"), None)
    if trial.request is None or offer is None:
        return ()
    return tuple(
        Probe(
            name=f"learned-{name}",
            about=about,
            kind="valid",
            headers=JSON_HEADERS,
            body=json.dumps({**trial.request, "id": f"conform-learned-{name}", **change}).encode(),
        )
        for name, about, change in _changes(trial.request, offer)
    )


def _changes(request: Document, offer: Offer) -> Iterator[tuple[str, str, dict[str, Any]]]:
    domains, categories = texts(offer.bid, "adomain"), texts(offer.bid, "cat")
    price, attributes = number(offer.bid, "price"), wholes(offer.bid, "attr")
    if domains:
        yield "badv", "the advertiser that just bid is blocked", {"badv": domains}
        yield "badv-capitals", "the same, in capitals", {"badv": [each.upper() for each in domains]}
    if categories:
        yield "bcat", "the category that just bid is blocked", {"bcat": categories}
        yield (
            "bcat-parent",
            "the category above it is blocked",
            {"bcat": [each.partition("-")[0] for each in categories]},
        )
    if offer.seat:
        yield "bseat", "the seat that just bid is blocked", {"bseat": [offer.seat]}
        yield "wseat", "only the seat that just bid is invited", {"wseat": [offer.seat]}
        deal = {"id": "deal-learned-1", "wseat": [offer.seat], "wadomain": domains}
        market = {"private_auction": 1, "deals": [deal]}
        yield "deal", "a deal for the seat and advertiser that just bid", _imp(request, pmp=market)
    if attributes:
        yield "battr", "the creative's attributes are blocked", _imp(request, banner={"battr": attributes})
    if price:
        terms: dict[str, Any] = {"bidfloorcur": offer.currency}
        yield "floor-at", "a floor at the price just offered", _imp(request, bidfloor=price, **terms)
        yield "floor-above", "a floor just above it", _imp(request, bidfloor=price * 1.01, **terms)
        yield "floor-far", "a floor a hundred times as high", _imp(request, bidfloor=price * 100, **terms)
    yield (
        "currency",
        "only another currency than just bid is allowed",
        {"cur": ["EUR" if offer.currency != "EUR" else "USD"]},
    )
    if text(offer.bid, "bundle"):
        yield "bapp", "the app that just bid is blocked", {"bapp": [offer.bid["bundle"]]}


def _imp(request: Document, *, banner: Document | None = None, **change: Any) -> dict[str, Any]:
    """The first imp, changed."""
    first = {**request["imp"][0], **change}
    if banner is not None:
        first["banner"] = {**first["banner"], **banner}
    return {"imp": [first, *request["imp"][1:]]}
