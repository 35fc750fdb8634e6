"""The bid response and its seats: OpenRTB 2.6, sections 4.2.1, 4.2.2, 7.1."""

import re
from collections.abc import Iterator

from adcascade.conformance.reading import Document, is_whole, objects, text, texts, whole
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Outcome, Trial

CURRENCY = re.compile(r"[A-Z]{3}")
LAST_NBR, FIRST_OWN_NBR = 33, 500  # reason codes of OpenRTB 3.0, and where an exchange's own begin


def readable(trial: Trial) -> Iterator[Outcome]:
    """The body of a 200 is one JSON object."""
    if trial.answers and trial.reply.body and not isinstance(trial.content, str):
        wrong = isinstance(trial.response, str)
        yield Finding("body", trial.reply.body[:80], str(trial.response)) if wrong else None


def same_id(trial: Trial) -> Iterator[Outcome]:
    """The response names its request; an empty object is a no-bid."""
    response, asked = trial.bid_response, text(trial.request, "id")
    if response and asked is not None:
        right = response.get("id") == asked
        yield None if right else Finding("id", response.get("id"), f"not the request's id {asked[:60]!r}")


def response_types(trial: Trial) -> Iterator[Outcome]:
    """Attributes have their types."""
    response = trial.bid_response
    if response:
        yield from _typed(response, "", strings=("bidid", "cur", "customdata"), integers=("nbr",), arrays=("seatbid",))


def seat_types(trial: Trial) -> Iterator[Outcome]:
    """Attributes have their types."""
    for path, seat in trial.seats:
        yield from _typed(seat, f"{path}.", strings=("seat",), integers=("group",), arrays=("bid",))


def _typed(
    document: Document, prefix: str, *, strings: tuple[str, ...], integers: tuple[str, ...], arrays: tuple[str, ...]
) -> Iterator[Outcome]:
    wrong: list[tuple[str, str]] = [(each, "no string") for each in strings if not _is(document, each, str)]
    wrong += [(each, "no integer") for each in integers if each in document and not is_whole(document[each])]
    wrong += [(each, "no array of objects") for each in arrays if not _is_objects(document, each)]
    for name, says in wrong:
        yield Finding(prefix + name, document[name], says)
    if not wrong:
        yield None


def _is(document: Document, name: str, kind: type) -> bool:
    return name not in document or isinstance(document[name], kind)


def _is_objects(document: Document, name: str) -> bool:
    return _is(document, name, list) and len(objects(document, name)) == len(document.get(name, []))


def currency_form(trial: Trial) -> Iterator[Outcome]:
    """ISO 4217."""
    currency = text(trial.bid_response, "cur")
    if currency is not None:
        right = CURRENCY.fullmatch(currency) is not None
        yield None if right else Finding("cur", currency, "no ISO 4217 code")


def currency_allowed(trial: Trial) -> Iterator[Outcome]:
    """One that the request allows, where it names any; USD where the response names none."""
    allowed = texts(trial.request, "cur")
    if trial.offers and allowed:
        currency = trial.offers[0].currency
        if CURRENCY.fullmatch(currency):
            yield None if currency in allowed else Finding("cur", currency, f"not among {allowed[:5]}")


def reason_code(trial: Trial) -> Iterator[Outcome]:
    """A known code, or one of the bidder's and exchange's own."""
    code = whole(trial.bid_response, "nbr")
    if code is not None:
        right = 0 <= code <= LAST_NBR or code >= FIRST_OWN_NBR
        yield None if right else Finding("nbr", code, "no no-bid reason code")


def reason_or_bids(trial: Trial) -> Iterator[Outcome]:
    """A reason for not bidding stands alone."""
    if trial.bid_response and "nbr" in trial.bid_response:
        yield Finding("nbr", trial.bid_response["nbr"], "beside bids") if trial.offers else None


def seat_has_bids(trial: Trial) -> Iterator[Outcome]:
    """At least one bid a seat."""
    for path, seat in trial.seats:
        yield None if seat.get("bid", []) != [] else Finding(f"{path}.bid", seat.get("bid"), "no bid in a seatbid")


def group_flag(trial: Trial) -> Iterator[Outcome]:
    """0 or 1."""
    for path, seat in trial.seats:
        group = whole(seat, "group")
        if group is not None:
            yield None if group in (0, 1) else Finding(f"{path}.group", group, "neither 0 nor 1")


def seat_invited(trial: Trial) -> Iterator[Outcome]:
    """Seats of wseat only."""
    allowed = texts(trial.request, "wseat")
    if allowed:
        for path, seat in trial.seats:
            right = text(seat, "seat") in allowed
            yield None if right else Finding(f"{path}.seat", seat.get("seat"), f"not among wseat {allowed[:5]}")


def seat_not_blocked(trial: Trial) -> Iterator[Outcome]:
    """No seat of bseat."""
    blocked = texts(trial.request, "bseat")
    if blocked:
        for path, seat in trial.seats:
            wrong = text(seat, "seat") in blocked
            yield Finding(f"{path}.seat", seat.get("seat"), "among bseat") if wrong else None


RESPONSE, SEAT, REQUEST = "4.2.1 Object: BidResponse", "4.2.2 Object: SeatBid", "3.2.1 Object: BidRequest"
RULES = (
    Rule(id="response.json", section="2.3 Data Format", says="a 200 holds one JSON object in UTF-8", check=readable),
    Rule(id="response.id", section=RESPONSE, says="id is the id of the request", check=same_id),
    Rule(id="response.types", section=RESPONSE, says="attributes have their types", check=response_types),
    Rule(id="response.cur-form", section=RESPONSE, says="cur is an ISO 4217 code", check=currency_form),
    Rule(
        id="response.cur",
        section=REQUEST,
        says="bids are in a currency that cur of the request allows",
        check=currency_allowed,
    ),
    Rule(id="response.nbr", section="7.1 No-Bid Signaling", says="nbr is a no-bid reason code", check=reason_code),
    Rule(
        id="response.nbr-alone",
        section="7.1 No-Bid Signaling",
        says="a reason for not bidding does not stand beside bids",
        check=reason_or_bids,
    ),
    Rule(id="seatbid.types", section=SEAT, says="attributes have their types", check=seat_types),
    Rule(id="seatbid.bid", section=SEAT, says="a seatbid holds at least one bid", check=seat_has_bids),
    Rule(id="seatbid.group", section=SEAT, says="group is 0 or 1", check=group_flag),
    Rule(id="seatbid.wseat", section=REQUEST, says="only seats of wseat bid", check=seat_invited),
    Rule(id="seatbid.bseat", section=REQUEST, says="no seat of bseat bids", check=seat_not_blocked),
)
