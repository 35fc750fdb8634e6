"""Private marketplaces: OpenRTB 2.6, sections 3.2.11, 3.2.12 and 7.3."""

from collections.abc import Iterator

from adcascade.conformance.reading import Document, child, number, objects, text, texts, whole
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Offer, Outcome, Trial

ROUNDING = 1e-9


def offered(trial: Trial) -> Iterator[Outcome]:
    """A deal of this imp."""
    for offer in trial.offers:
        if "dealid" in offer.bid and offer.imp is not None:
            yield None if _deal(offer) is not None else offer.found("dealid", "no deal of the imp has this id")


def private(trial: Trial) -> Iterator[Outcome]:
    """Where the auction is private, no bid without a deal."""
    for offer in trial.offers:
        if whole(child(offer.imp, "pmp"), "private_auction") == 1:
            yield None if text(offer.bid, "dealid") else offer.found("dealid", "absent in a private auction")


def above_floor(trial: Trial) -> Iterator[Outcome]:
    """At least the deal's floor, where it shares the bid's currency; the imp's bidfloorcur is its default."""
    for offer in trial.offers:
        deal, price = _deal(offer), number(offer.bid, "price")
        floor = number(deal, "bidfloor")
        if deal is None or offer.imp is None or price is None or price <= 0 or not floor:
            continue
        currency = deal.get("bidfloorcur", offer.imp.get("bidfloorcur", "USD"))
        if currency == offer.currency:
            right = price >= floor * (1 - ROUNDING)
            yield None if right else offer.found("price", f"below the deal's floor {floor} {currency}")


def seat_invited(trial: Trial) -> Iterator[Outcome]:
    """A seat of the deal."""
    for offer in trial.offers:
        allowed = texts(_deal(offer), "wseat")
        if allowed:
            yield None if offer.seat in allowed else offer.found("dealid", f"seat {offer.seat!r} is not in {allowed}")


def advertiser_invited(trial: Trial) -> Iterator[Outcome]:
    """An advertiser of the deal."""
    for offer in trial.offers:
        allowed = [each.lower() for each in texts(_deal(offer), "wadomain")]
        if allowed:
            misses = [own for own in texts(offer.bid, "adomain") if own.lower() not in allowed]
            yield offer.found("adomain", f"{misses[0]} is not among the deal's wadomain") if misses else None


def _deal(offer: Offer) -> Document | None:
    """The deal that the bid names, where exactly one has that id."""
    named = text(offer.bid, "dealid")
    found = [deal for deal in objects(child(offer.imp, "pmp"), "deals") if text(deal, "id") == named]
    return found[0] if named is not None and found else None


DEAL = "3.2.12 Object: Deal"
RULES = (
    Rule(id="deal.offered", section=DEAL, says="dealid is a deal of the imp", check=offered),
    Rule(
        id="deal.private",
        section="3.2.11 Object: Pmp",
        says="private_auction=1: every bid names a deal",
        check=private,
    ),
    Rule(id="deal.floor", section=DEAL, says="price is at least the deal's bidfloor", check=above_floor),
    Rule(id="deal.wseat", section=DEAL, says="the seat is among the deal's wseat", check=seat_invited),
    Rule(id="deal.wadomain", section=DEAL, says="adomain is among the deal's wadomain", check=advertiser_invited),
)
