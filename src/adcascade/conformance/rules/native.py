"""Markup of a native ad: the answer's assets beside those asked for. Dynamic Native Ads 1.2, sections 4 and 5."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from adcascade.conformance.reading import Document, child, document_of, objects, text, whole, wholes
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Offer, Outcome, Trial

KINDS = ("title", "img", "video", "data")
PIXEL, SCRIPT = 1, 2  # methods of event trackers


@dataclass(frozen=True, slots=True)
class Filled:
    """One asset of the answer, and the asset of that id that was asked for (None: not asked for)."""

    path: str
    asset: Document
    asked: Document | None

    def found(self, field: str, value: object, says: str) -> Finding:
        """A violation inside this asset."""
        return Finding(f"{self.path}.{field}", value, says)


@lru_cache(maxsize=64)
def _decoded(source: str) -> Document | None:
    """The native object in a string, without its wrapper."""
    found = document_of(source)
    return child(found, "native") or found


def answer_of(offer: Offer) -> Document | None:
    """The native answer in `adm`."""
    return _decoded(offer.adm) if offer.media == "native" and offer.adm is not None else None


def asked_of(offer: Offer) -> Document | None:
    """The native request inside `imp.native.request`; None where an asset's id cannot be read."""
    asked = _decoded(text(offer.wanted, "request") or "") if offer.media == "native" else None
    readable = all(whole(asset, "id") is not None for asset in objects(asked, "assets"))
    return asked if readable else None


def _answers(trial: Trial) -> Iterator[tuple[Offer, Document]]:
    for offer in trial.offers:
        answer = answer_of(offer)
        if answer is not None:
            yield offer, answer


def _assets(trial: Trial) -> Iterator[Filled]:
    """Every asset of every native answer whose request can be read."""
    for offer, answer in _answers(trial):
        asked = asked_of(offer)
        if asked is not None:
            by_id = {whole(each, "id"): each for each in objects(asked, "assets")}
            for place, asset in enumerate(objects(answer, "assets")):
                yield Filled(f"{offer.path}.adm.assets[{place}]", asset, by_id.get(whole(asset, "id")))


def is_json(trial: Trial) -> Iterator[Outcome]:
    """The markup is one JSON object with assets."""
    for offer in trial.offers:
        if offer.media == "native" and offer.adm is not None:
            answer = answer_of(offer)
            right = answer is not None and ("assets" in answer or "assetsurl" in answer)
            yield None if right else Finding(f"{offer.path}.adm", offer.adm[:80], "no JSON object with assets")


def has_link(trial: Trial) -> Iterator[Outcome]:
    """Where a click leads."""
    for offer, answer in _answers(trial):
        link = child(answer, "link")
        right = (text(link, "url") or "").startswith(("http://", "https://"))
        yield None if right else Finding(f"{offer.path}.adm.link", answer.get("link"), "no link with an http(s) url")


def required_given(trial: Trial) -> Iterator[Outcome]:
    """Every required asset is answered."""
    for offer, answer in _answers(trial):
        asked = asked_of(offer)
        if asked is None or "assetsurl" in answer:
            continue
        given = {whole(asset, "id") for asset in objects(answer, "assets")}
        for asset in objects(asked, "assets"):
            if whole(asset, "required") == 1:
                right = whole(asset, "id") in given
                yield None if right else Finding(f"{offer.path}.adm.assets", asset.get("id"), "required and not given")


def asked_for(trial: Trial) -> Iterator[Outcome]:
    """Every asset of the answer was asked for, and is there once."""
    for offer, answer in _answers(trial):
        if asked_of(offer) is not None:
            given = [whole(asset, "id") for asset in objects(answer, "assets")]
            wanted = {whole(asset, "id") for asset in objects(asked_of(offer), "assets")}
            for place, own in enumerate(given):
                right = own in wanted and given.count(own) == 1
                where = f"{offer.path}.adm.assets[{place}].id"
                yield None if right else Finding(where, own, "not asked for, or given twice")


def same_kind(trial: Trial) -> Iterator[Outcome]:
    """A title answers a title, an image an image."""
    for filled in _assets(trial):
        if filled.asked is not None:
            wanted = [kind for kind in KINDS if kind in filled.asked]
            given = [kind for kind in KINDS if kind in filled.asset]
            yield None if given == wanted or len(wanted) != 1 else filled.found("", given, f"asked for {wanted}")


def title_length(trial: Trial) -> Iterator[Outcome]:
    """At most as many characters as the page has room for."""
    yield from _lengths(trial, "title", "text")


def data_length(trial: Trial) -> Iterator[Outcome]:
    """At most as many characters as the page has room for."""
    yield from _lengths(trial, "data", "value")


def _lengths(trial: Trial, kind: str, field: str) -> Iterator[Outcome]:
    for filled in _assets(trial):
        written, most = text(child(filled.asset, kind), field), whole(child(filled.asked, kind), "len")
        if written is not None and most is not None and most > 0:
            right = len(written) <= most
            yield None if right else filled.found(f"{kind}.{field}", written[:80], f"longer than {most} characters")


def filled_with_text(trial: Trial) -> Iterator[Outcome]:
    """A title has its text, data its value, an image its URL."""
    for filled in _assets(trial):
        for kind, field in (("title", "text"), ("data", "value"), ("img", "url")):
            if kind in filled.asset:
                right = text(child(filled.asset, kind), field)
                yield None if right else filled.found(f"{kind}.{field}", filled.asset[kind], "required, and absent")


def image_size(trial: Trial) -> Iterator[Outcome]:
    """At least as large as the page needs, as far as the answer says."""
    for filled in _assets(trial):
        given, wanted = child(filled.asset, "img"), child(filled.asked, "img")
        for side, least in (("w", "wmin"), ("h", "hmin")):
            pixels, needed = whole(given, side), whole(wanted, least)
            if pixels and needed is not None:
                right = pixels >= needed
                yield None if right else filled.found(f"img.{side}", pixels, f"smaller than {least}, {needed}")


def trackers(trial: Trial) -> Iterator[Outcome]:
    """Trackers are of events and methods that the page reports."""
    for offer, answer in _answers(trial):
        wanted = _reported(offer)
        if wanted is None:
            continue
        for place, each in enumerate(objects(answer, "eventtrackers")):
            own = (whole(each, "event"), whole(each, "method"))
            right = any(own[0] == event and (own[1] in methods or not methods) for event, methods in wanted)
            where = f"{offer.path}.adm.eventtrackers[{place}]"
            yield None if right else Finding(where, own, f"the page reports {wanted}")


def _reported(offer: Offer) -> list[tuple[int | None, list[int]]] | None:
    """The events that the page reports, each with its methods (none: any); None where they cannot all be read."""
    asked = asked_of(offer)
    events = objects(asked, "eventtrackers")
    readable = asked is not None and asked.get("eventtrackers", []) == events and all(map(_whole_event, events))
    return [(whole(each, "event"), wholes(each, "methods")) for each in events] if readable else None


def _whole_event(event: Document) -> bool:
    return whole(event, "event") is not None and event.get("methods", []) == wholes(event, "methods")


def tracker_urls(trial: Trial) -> Iterator[Outcome]:
    """A tracker that is a pixel has a URL."""
    for offer, answer in _answers(trial):
        pixels = answer.get("imptrackers", [])
        urls = pixels if isinstance(pixels, list) else [pixels]
        urls = urls + [
            each.get("url") for each in objects(answer, "eventtrackers") if each.get("method") in (PIXEL, SCRIPT)
        ]
        if urls:
            wrong = [url for url in urls if not str(url).startswith(("http://", "https://"))]
            yield Finding(f"{offer.path}.adm", wrong[0], "a tracker without an http(s) URL") if wrong else None


NATIVE = "Native 1.2, 5"
RULES = (
    Rule(id="native.json", section=f"{NATIVE}.1 Native Markup Response", says="adm is JSON with assets", check=is_json),
    Rule(id="native.link", section=f"{NATIVE}.7 Link Response", says="the ad has a link", check=has_link),
    Rule(
        id="native.required",
        section="Native 1.2, 4.2 Asset Request",
        says="every required asset is given",
        check=required_given,
    ),
    Rule(
        id="native.asked",
        section=f"{NATIVE}.2 Asset Response",
        says="every asset given was asked for, and stands once",
        check=asked_for,
    ),
    Rule(id="native.kind", section=f"{NATIVE}.2 Asset Response", says="an asset is of the kind asked", check=same_kind),
    Rule(
        id="native.filled",
        section=f"{NATIVE}.3 to 5.5 Title, Image, Data Response",
        says="title has text, data a value, image a url",
        check=filled_with_text,
    ),
    Rule(
        id="native.title-len",
        section="Native 1.2, 4.3 Title Request",
        says="a title is at most len characters",
        check=title_length,
    ),
    Rule(
        id="native.data-len",
        section="Native 1.2, 4.6 Data Request",
        says="data is at most len characters",
        check=data_length,
    ),
    Rule(
        id="native.image-size",
        section="Native 1.2, 4.4 Image Request",
        says="an image is at least wmin by hmin",
        check=image_size,
    ),
    Rule(
        id="native.trackers",
        section=f"{NATIVE}.8 Event Tracker Response",
        says="event trackers are of events and methods that the page reports",
        check=trackers,
    ),
    Rule(
        id="native.tracker-urls",
        section=f"{NATIVE}.8 Event Tracker Response",
        says="trackers are http(s) URLs",
        check=tracker_urls,
    ),
)
