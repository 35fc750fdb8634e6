"""The bid by itself and against its imp: OpenRTB 2.6, sections 4.2.3, 4.3 and 3.2.4."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from adcascade.conformance.reading import is_number, is_whole, number, permitted, text, whole
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import MEDIA, Outcome, Trial

STRINGS = (
    "adm", "nurl", "burl", "lurl", "adid", "bundle", "iurl", "cid", "crid", "tactic", "language", "langb", "dealid",
)  # fmt: skip
INTEGERS = ("cattax", "api", "protocol", "qagmediarating", "w", "h", "wratio", "hratio", "exp", "dur", "mtype")
COUNTS = ("w", "h", "wratio", "hratio", "exp", "dur")
ARRAYS: dict[str, Callable[[object], bool]] = {
    "adomain": lambda value: isinstance(value, str),
    "cat": lambda value: isinstance(value, str),
    "attr": is_whole,
    "apis": is_whole,
}
LANGUAGE = re.compile(r"[a-z]{2}")
ROUNDING = 1e-9  # of a price that was computed in binary floating point


def types(trial: Trial) -> Iterator[Outcome]:
    """Every known attribute has its type."""
    for offer in trial.offers:
        wrong = [name for name in STRINGS if name in offer.bid and not isinstance(offer.bid[name], str)]
        wrong += [name for name in INTEGERS if name in offer.bid and not is_whole(offer.bid[name])]
        wrong += [name for name, fits in ARRAYS.items() if name in offer.bid and not _is_array(offer.bid[name], fits)]
        for name in wrong:
            yield offer.found(name, f"is a {type(offer.bid[name]).__name__}")
        if not wrong:
            yield None


def _is_array(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and all(fits(each) for each in value)


def has_id(trial: Trial) -> Iterator[Outcome]:
    """A string that is not empty."""
    for offer in trial.offers:
        yield None if text(offer.bid, "id") else offer.found("id", "no id")


def unique_id(trial: Trial) -> Iterator[Outcome]:
    """No two bids of a response share one."""
    times = Counter(text(offer.bid, "id") for offer in trial.offers)
    for offer in trial.offers:
        own = text(offer.bid, "id")
        if own:
            yield None if times[own] == 1 else offer.found("id", f"{times[own]} bids have it")


def for_an_imp(trial: Trial) -> Iterator[Outcome]:
    """The imp was offered."""
    if trial.request is not None:
        for offer in trial.offers:
            yield None if offer.imp is not None else offer.found("impid", "no imp of the request has this id")


def positive_price(trial: Trial) -> Iterator[Outcome]:
    """A finite number above nothing."""
    for offer in trial.offers:
        price = offer.bid.get("price")
        right = is_number(price) and number(offer.bid, "price") > 0  # type: ignore[operator]  # a number, just said
        yield None if right else offer.found("price", "no positive number")


def above_floor(trial: Trial) -> Iterator[Outcome]:
    """At least the imp's floor, where floor and bid share a currency; a deal has a floor of its own."""
    for offer in trial.offers:
        price, floor = number(offer.bid, "price"), number(offer.imp, "bidfloor")
        same = offer.imp is not None and offer.imp.get("bidfloorcur", "USD") == offer.currency
        if price is not None and price > 0 and floor and same and "dealid" not in offer.bid:
            right = price >= floor * (1 - ROUNDING)
            yield None if right else offer.found("price", f"below the floor {floor} {offer.currency}")


def counts(trial: Trial) -> Iterator[Outcome]:
    """Pixels, ratios and seconds are not negative."""
    for offer in trial.offers:
        given = [name for name in COUNTS if whole(offer.bid, name) is not None]
        wrong = [name for name in given if offer.bid[name] < 0]
        for name in wrong:
            yield offer.found(name, "negative")
        if given and not wrong:
            yield None


def has_markup(trial: Trial) -> Iterator[Outcome]:
    """In the bid, by the win notice, or preloaded."""
    for offer in trial.offers:
        served = any(text(offer.bid, name) for name in ("adm", "nurl", "adid"))
        yield None if served else offer.found("adm", "neither adm, nor nurl, nor adid")


def notice_urls(trial: Trial) -> Iterator[Outcome]:
    """Absolute http or https URLs."""
    for offer in trial.offers:
        for name in ("nurl", "burl", "lurl", "iurl"):
            url = text(offer.bid, name)
            if url is not None:
                yield None if _is_web(url) else offer.found(name, "no absolute http or https URL")


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not re.search(r"[\x00-\x20\x7f]", url)


def known_kind(trial: Trial) -> Iterator[Outcome]:
    """The markup is of a kind that the imp asks for."""
    for offer in trial.offers:
        mtype = whole(offer.bid, "mtype")
        if mtype is not None and offer.imp is not None:
            right = MEDIA.get(mtype) in offer.offered
            yield None if right else offer.found("mtype", f"the imp asks for {' or '.join(offer.offered)}")


def says_kind(trial: Trial) -> Iterator[Outcome]:
    """Where the imp offers several kinds, the exchange must be told which one this is."""
    for offer in trial.offers:
        if len(offer.offered) > 1:
            yield None if "mtype" in offer.bid else offer.found("mtype", "absent, and the imp offers several kinds")


def protocol(trial: Trial) -> Iterator[Outcome]:
    """One that the player supports."""
    for offer in trial.offers:
        used, allowed = whole(offer.bid, "protocol"), permitted(offer.wanted, "protocols")
        if used is not None and allowed:
            yield None if used in allowed else offer.found("protocol", f"not among {allowed}")


def language_form(trial: Trial) -> Iterator[Outcome]:
    """ISO 639-1, and not together with a BCP 47 tag."""
    for offer in trial.offers:
        language = text(offer.bid, "language")
        if language is not None:
            right = LANGUAGE.fullmatch(language) is not None and "langb" not in offer.bid
            yield None if right else offer.found("language", "no ISO 639-1 code, or beside langb")


def named_creative(trial: Trial) -> Iterator[Outcome]:
    """Ad quality needs a campaign and a creative to name."""
    for offer in trial.offers:
        missing = [name for name in ("cid", "crid") if not text(offer.bid, name)]
        yield offer.found(missing[0], "absent") if missing else None


def named_advertiser(trial: Trial) -> Iterator[Outcome]:
    """Block lists can be checked."""
    for offer in trial.offers:
        yield None if offer.bid.get("adomain") else offer.found("adomain", "absent")


BID, IMP = "4.2.3 Object: Bid", "3.2.4 Object: Imp"
RULES = (
    Rule(id="bid.types", section=BID, says="attributes have their types", check=types),
    Rule(id="bid.id", section=BID, says="a bid has an id", check=has_id),
    Rule(id="bid.id-unique", section=BID, says="no two bids of a response have one id", check=unique_id),
    Rule(id="bid.impid", section=BID, says="impid is the id of an imp of the request", check=for_an_imp),
    Rule(id="bid.price", section=BID, says="price is a positive number", check=positive_price),
    Rule(id="bid.counts", section=BID, says="sizes, exp and dur are not negative", check=counts),
    Rule(id="bid.urls", section=BID, says="nurl, burl, lurl, iurl are absolute http(s) URLs", check=notice_urls),
    Rule(id="bid.language", section=BID, says="language is ISO 639-1, without langb beside it", check=language_form),
    Rule(
        id="bid.creative",
        section=BID,
        says="cid and crid are given",
        check=named_creative,
        level="recommended",
    ),
    Rule(id="bid.adomain", section=BID, says="adomain is given", check=named_advertiser, level="recommended"),
    Rule(
        id="bid.markup",
        section="4.3 Ad Serving Options",
        says="markup is in adm, served by nurl, or preloaded under adid",
        check=has_markup,
    ),
    Rule(id="bid.floor", section=IMP, says="price is at least bidfloor, in its currency", check=above_floor),
    Rule(id="bid.mtype", section=IMP, says="mtype is a kind that the imp offers", check=known_kind),
    Rule(
        id="bid.mtype-given",
        section=BID,
        says="mtype is given where the imp offers several kinds",
        check=says_kind,
        level="recommended",
    ),
    Rule(
        id="bid.protocol",
        section="3.2.7 Object: Video",
        says="protocol is one that the player supports",
        check=protocol,
    ),
)
