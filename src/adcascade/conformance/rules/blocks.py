"""What the publisher does not want: OpenRTB 2.6, sections 3.2.1 and 3.2.6 to 3.2.9."""

import re
from collections.abc import Iterator

from adcascade.conformance.reading import text, texts, whole, wholes
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Offer, Outcome, Trial

BARE = re.compile(r"[^\s/:?#@]+")
CONTENT_1 = 1  # AdCOM list "Category Taxonomies": IAB Content Taxonomy 1.0, whose codes name their parents


def domain_blocked(trial: Trial) -> Iterator[Outcome]:
    """No domain of badv, in whatever case."""
    blocked = {each.lower() for each in texts(trial.request, "badv")}
    if blocked:
        for offer in trial.offers:
            hits = [own for own in texts(offer.bid, "adomain") if own.lower() in blocked]
            yield offer.found("adomain", f"{hits[0]} is blocked by badv") if hits else None


def domain_form(trial: Trial) -> Iterator[Outcome]:
    """A bare domain, without scheme or path: otherwise no block list matches it."""
    for offer in trial.offers:
        for domain in texts(offer.bid, "adomain"):
            yield None if BARE.fullmatch(domain) else offer.found("adomain", "no bare domain")


def category_blocked(trial: Trial) -> Iterator[Outcome]:
    """No category of bcat; in Content Taxonomy 1.0 a blocked IAB7 blocks IAB7-3 as well."""
    blocked = set(texts(trial.request, "bcat"))
    if blocked:
        for offer in trial.offers:
            if _same_taxonomy(trial, offer):
                hits = [own for own in texts(offer.bid, "cat") if blocked & _lineage(own, offer)]
                yield offer.found("cat", f"{hits[0]} is blocked by bcat") if hits else None


def category_allowed(trial: Trial) -> Iterator[Outcome]:
    """Categories of acat only."""
    allowed = set(texts(trial.request, "acat"))
    if allowed:
        for offer in trial.offers:
            if _same_taxonomy(trial, offer):
                misses = [own for own in texts(offer.bid, "cat") if not allowed & _lineage(own, offer)]
                yield offer.found("cat", f"{misses[0]} is not among acat") if misses else None


def _same_taxonomy(trial: Trial, offer: Offer) -> bool:
    asked = (trial.request or {}).get("cattax", CONTENT_1)
    return bool(asked == offer.bid.get("cattax", CONTENT_1))


def _lineage(code: str, offer: Offer) -> set[str]:
    """The code, and its parent where the taxonomy writes it in front."""
    parent = code.partition("-")[0]
    return {code, parent} if (whole(offer.bid, "cattax") or CONTENT_1) == CONTENT_1 else {code}


def app_blocked(trial: Trial) -> Iterator[Outcome]:
    """No app of bapp."""
    blocked = texts(trial.request, "bapp")
    if blocked:
        for offer in trial.offers:
            bundle = text(offer.bid, "bundle")
            yield offer.found("bundle", "is blocked by bapp") if bundle in blocked else None


def attribute_blocked(trial: Trial) -> Iterator[Outcome]:
    """No creative attribute of battr."""
    for offer in trial.offers:
        blocked = wholes(offer.wanted, "battr")
        if blocked:
            hits = sorted({*wholes(offer.bid, "attr")} & {*blocked})
            yield offer.found("attr", f"{hits[0]} is blocked by battr") if hits else None


def language_allowed(trial: Trial) -> Iterator[Outcome]:
    """A language of wlang; `xx` has no words."""
    allowed = texts(trial.request, "wlang")
    if allowed:
        for offer in trial.offers:
            language = text(offer.bid, "language")
            if language is not None:
                right = language == "xx" or language in allowed
                yield None if right else offer.found("language", f"not among wlang {allowed}")


def secure_markup(trial: Trial) -> Iterator[Outcome]:
    """Nothing in the markup is loaded without TLS; names of XML are no addresses."""
    for offer in trial.offers:
        if whole(offer.imp, "secure") == 1 and offer.adm is not None:
            place = _insecure(offer.adm)
            yield None if place < 0 else Finding(f"{offer.path}.adm", offer.adm[place : place + 80], "plain http")


def _insecure(markup: str) -> int:
    """Where the markup names an http URL that is none of the schemas of XML; -1: nowhere."""
    place = -1
    while (place := markup.find("http://", place + 1)) >= 0:
        if not markup.startswith(("http://www.w3.org/", "http://www.iab.com/VAST"), place):
            return place
    return -1


def secure_notices(trial: Trial) -> Iterator[Outcome]:
    """Notices may be called from the page."""
    for offer in trial.offers:
        if whole(offer.imp, "secure") == 1:
            plain = [name for name in ("nurl", "burl", "lurl") if (text(offer.bid, name) or "").startswith("http://")]
            yield offer.found(plain[0], "plain http") if plain else None


REQUEST = "3.2.1 Object: BidRequest"
RULES = (
    Rule(id="block.badv", section=REQUEST, says="adomain is not blocked by badv", check=domain_blocked),
    Rule(
        id="block.adomain-form",
        section="4.2.3 Object: Bid",
        says="adomain holds bare domains",
        check=domain_form,
    ),
    Rule(id="block.bcat", section=REQUEST, says="cat is not blocked by bcat, nor its parent", check=category_blocked),
    Rule(id="block.acat", section=REQUEST, says="cat is allowed by acat", check=category_allowed),
    Rule(id="block.bapp", section=REQUEST, says="bundle is not blocked by bapp", check=app_blocked),
    Rule(id="block.wlang", section=REQUEST, says="language is allowed by wlang", check=language_allowed),
    Rule(
        id="block.battr",
        section="3.2.6 Object: Banner, 3.2.7 Video, 3.2.8 Audio, 3.2.9 Native",
        says="attr is not blocked by battr",
        check=attribute_blocked,
    ),
    Rule(id="secure.markup", section="3.2.4 Object: Imp", says="secure=1: no http URL in markup", check=secure_markup),
    Rule(
        id="secure.notices",
        section="3.2.4 Object: Imp",
        says="secure=1: no http URL in nurl, burl, lurl",
        check=secure_notices,
        level="recommended",
    ),
)
