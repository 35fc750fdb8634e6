"""A banner: its size, and HTML whose tags fit, of a type that is not blocked. OpenRTB 2.6, 3.2.6, 3.2.10 and 4.3."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from adcascade.conformance.reading import Document, objects, whole, wholes
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Offer, Outcome, Trial

VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
}  # fmt: skip
OPTIONAL = {
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "tr", "td", "th",
    "colgroup", "rp", "rt",
}  # fmt: skip
TEXT_AD, BANNER_AD, SCRIPT_AD, IFRAME_AD = 1, 2, 3, 4  # values of `btype`


class Tags(HTMLParser):
    """Follows the tags of a document; `wrong` is the first that does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.wrong = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's signature
        """Remember what must be closed."""
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's signature
        """Closed at once, as in XHTML and SVG."""
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it, and above it only what needs no end tag."""
        if tag in VOID:
            return
        while self.open and self.open[-1] != tag and self.open[-1] in OPTIONAL:
            self.open.pop()
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in OPTIONAL:
            self.wrong = self.wrong or f"</{tag}> closes nothing"


def fault_of(markup: str) -> tuple[str, set[str]]:
    """Why the markup is no HTML (empty: it is), and the tags that it uses."""
    tags = Tags()
    try:
        tags.feed(markup)
        tags.close()
    except AssertionError as error:  # what the parser raises at a declaration that it does not know
        return str(error), tags.seen
    left = [tag for tag in tags.open if tag not in OPTIONAL]
    if not tags.seen:
        return "no tag at all", tags.seen
    if not tags.wrong and (left or re.search(r"<[^>]*$", markup)):
        return f"<{left[-1]}> is never closed" if left else "cut off inside a tag", tags.seen
    return tags.wrong, tags.seen


def html(trial: Trial) -> Iterator[Outcome]:
    """The tags of the markup fit."""
    for offer in trial.offers:
        if offer.media == "banner" and offer.adm is not None:
            wrong, _ = fault_of(offer.adm)
            yield Finding(f"{offer.path}.adm", offer.adm[:80], wrong) if wrong else None


def blocked_type(trial: Trial) -> Iterator[Outcome]:
    """No script where script ads are blocked, no frame where frames are."""
    for offer in trial.offers:
        blocked = wholes(offer.wanted, "btype") if offer.media == "banner" else []
        if blocked and offer.adm is not None:
            _, seen = fault_of(offer.adm)
            hits = [tag for code, tag in ((SCRIPT_AD, "script"), (IFRAME_AD, "iframe")) if code in blocked]
            used = [tag for tag in hits if tag in seen]
            yield Finding(f"{offer.path}.adm", f"<{used[0]}>", "of a type that btype blocks") if used else None


def banner_size(trial: Trial) -> Iterator[Outcome]:
    """One of the sizes that the banner may have."""
    for offer in trial.offers:
        sizes = _sizes(offer)
        width, height = whole(offer.bid, "w"), whole(offer.bid, "h")
        if sizes and width is not None and height is not None and width >= 0 and height >= 0 and (width or height):
            right = (width, height) in sizes
            yield None if right else Finding(f"{offer.path}.w,h", (width, height), f"not among {sorted(sizes)}")


def banner_says_size(trial: Trial) -> Iterator[Outcome]:
    """Where there are several sizes, the exchange must be told which one comes."""
    for offer in trial.offers:
        if len(_sizes(offer)) > 1:
            yield None if "w" in offer.bid and "h" in offer.bid else offer.found("w", "absent, of several sizes")


def _sizes(offer: Offer) -> set[tuple[int, int]]:
    """The sizes of a banner; empty where any is allowed, or where they cannot all be read."""
    banner = offer.wanted if offer.media == "banner" else None
    if banner is None or _flexible(banner):
        return set()
    formats = banner.get("format") or [banner]
    if not isinstance(formats, list) or any(not isinstance(each, dict) for each in formats):
        return set()
    sizes = [(whole(each, "w") or 0, whole(each, "h") or 0) for each in formats]
    return set(sizes) if all(w > 0 and h > 0 for w, h in sizes) else set()


def _flexible(banner: Document) -> bool:
    return any("wratio" in each or "wmin" in each for each in objects(banner, "format"))


RULES = (
    Rule(id="banner.size", section="3.2.6 Object: Banner", says="w and h are a size of the banner", check=banner_size),
    Rule(
        id="banner.size-given",
        section="3.2.10 Object: Format",
        says="w and h are given where several sizes are allowed",
        check=banner_says_size,
        level="recommended",
    ),
    Rule(id="banner.html", section="4.3 Ad Serving Options", says="markup is HTML whose tags fit", check=html),
    Rule(
        id="banner.btype",
        section="3.2.6 Object: Banner",
        says="no script or frame where btype blocks them",
        check=blocked_type,
    ),
)
