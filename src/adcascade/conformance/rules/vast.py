"""Markup of video and audio: a VAST document beside the player that asked. OpenRTB 2.6, 3.2.7, 3.2.8; VAST 2 to 4."""

import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree import ElementTree as ET

from adcascade.conformance.reading import number, permitted, whole
from adcascade.conformance.reading import texts as strings
from adcascade.conformance.rule import Rule
from adcascade.conformance.trial import Finding, Offer, Outcome, Trial

PROTOCOLS: dict[str, tuple[int, int]] = {  # VAST version -> AdCOM "Creative Subtypes", inline and wrapper
    "1.0": (1, 4), "2.0": (2, 5), "3.0": (3, 6), "4.0": (7, 8), "4.1": (11, 12), "4.2": (13, 14), "4.3": (15, 16),
}  # fmt: skip
CLOCK = re.compile(r"(\d{2}):([0-5]\d):([0-5]\d)(\.\d{1,3})?")
LINEAR, NON_LINEAR = 1, 2  # values of `linearity`
Element = ET.Element


@lru_cache(maxsize=64)
def parsed(markup: str) -> Element | str:
    """The root of the document; a sentence where it is no XML. A document type is refused, so no entity expands."""
    if re.search(r"<!(DOCTYPE|ENTITY)", markup, re.IGNORECASE):
        return "a document type declaration"
    try:
        root = ET.fromstring(markup)  # noqa: S314  without a document type there are no entities
    except (ET.ParseError, ValueError) as error:
        return str(error)
    return root if root.tag == "VAST" else f"the root is <{root.tag}>"


def _documents(trial: Trial) -> Iterator[tuple[Offer, Element]]:
    """Every bid whose markup is VAST, with its root."""
    for offer in trial.offers:
        if offer.media in ("video", "audio") and offer.adm is not None:
            root = parsed(offer.adm)
            if not isinstance(root, str):
                yield offer, root


def _ads(trial: Trial) -> Iterator[tuple[Offer, Element]]:
    """Every InLine or Wrapper."""
    for offer, root in _documents(trial):
        for ad in (*root.findall("Ad/InLine"), *root.findall("Ad/Wrapper")):
            yield offer, ad


def _at(offer: Offer, element: str) -> str:
    return f"{offer.path}.adm {element}"


def is_vast(trial: Trial) -> Iterator[Outcome]:
    """Well-formed XML below VAST."""
    for offer in trial.offers:
        if offer.media in ("video", "audio") and offer.adm is not None:
            root = parsed(offer.adm)
            yield Finding(f"{offer.path}.adm", offer.adm[:80], root) if isinstance(root, str) else None


def has_ad(trial: Trial) -> Iterator[Outcome]:
    """At least one Ad with InLine or Wrapper."""
    for offer, root in _documents(trial):
        ads = root.findall("Ad")
        right = ads and all(len(ad.findall("InLine")) + len(ad.findall("Wrapper")) == 1 for ad in ads)
        yield None if right else Finding(_at(offer, "Ad"), len(ads), "no Ad with one InLine or Wrapper")


def required_elements(trial: Trial) -> Iterator[Outcome]:
    """What each InLine and each Wrapper must hold."""
    for offer, ad in _ads(trial):
        needed = ("AdSystem", "AdTitle", "Creatives/Creative") if ad.tag == "InLine" else ("AdSystem", "VASTAdTagURI")
        missing = [name for name in needed if ad.find(name) is None]
        yield Finding(_at(offer, ad.tag), missing[0], "is required") if missing else None


def has_impression(trial: Trial) -> Iterator[Outcome]:
    """An impression URL each."""
    for offer, ad in _ads(trial):
        urls = [(each.text or "").strip() for each in ad.findall("Impression")]
        right = urls and all(url.startswith(("http://", "https://")) for url in urls)
        yield None if right else Finding(_at(offer, f"{ad.tag}/Impression"), urls, "no http(s) URL")


def known_version(trial: Trial) -> Iterator[Outcome]:
    """A version of the standard."""
    for offer, root in _documents(trial):
        version = root.get("version")
        yield None if version in PROTOCOLS else Finding(_at(offer, "version"), version, "no version of VAST")


def version_supported(trial: Trial) -> Iterator[Outcome]:
    """A version that the player supports, as inline or as wrapper."""
    for offer, ad in _ads(trial):
        root = parsed(offer.adm or "")
        version = root.get("version", "") if not isinstance(root, str) else ""
        allowed = permitted(offer.wanted, "protocols")
        if allowed and version in PROTOCOLS:
            own = PROTOCOLS[version][ad.tag == "Wrapper"]
            says = f"{version} {ad.tag} is protocol {own}, the player takes {allowed}"
            yield None if own in allowed else Finding(_at(offer, "version"), version, says)


def media_files(trial: Trial) -> Iterator[Outcome]:
    """A type that the player supports among the files of a linear ad, each with its size and URL."""
    for offer, ad in _ads(trial):
        allowed = [each.lower() for each in strings(offer.wanted, "mimes")]
        for linear in ad.iter("Linear") if ad.tag == "InLine" else ():
            files = linear.findall("MediaFiles/MediaFile")
            types = [(each.get("type") or "").lower() for each in files]
            fits = not allowed or any(each in allowed for each in types)
            yield None if files and fits else Finding(_at(offer, "MediaFile"), types, f"none of {allowed}")


def media_attributes(trial: Trial) -> Iterator[Outcome]:
    """Delivery, type, width, height and URL of each file."""
    for offer, ad in _ads(trial):
        for file in ad.iter("MediaFile"):
            missing = [name for name in ("delivery", "type", "width", "height") if not file.get(name)]
            if not (file.text or "").strip().startswith(("http://", "https://")):
                missing.append("URL")
            yield Finding(_at(offer, "MediaFile"), missing[0], "is required") if missing else None


def durations(trial: Trial) -> Iterator[Outcome]:
    """HH:MM:SS, and within the bounds of the request."""
    for offer, ad in _ads(trial):
        for linear in ad.iter("Linear") if ad.tag == "InLine" else ():
            written = (linear.findtext("Duration") or "").strip()
            seconds = seconds_of(written)
            if seconds is None:
                yield Finding(_at(offer, "Duration"), written, "no HH:MM:SS")
            else:
                says = _out_of_bounds(offer, seconds)
                yield Finding(_at(offer, "Duration"), written, says) if says else None


def bid_duration(trial: Trial) -> Iterator[Outcome]:
    """`dur` of the bid is within the bounds of the request, too."""
    for offer in trial.offers:
        seconds = whole(offer.bid, "dur")
        if seconds is not None and seconds >= 0 and offer.media in ("video", "audio"):
            says = _out_of_bounds(offer, seconds)
            yield offer.found("dur", says) if says else None


def seconds_of(written: str) -> float | None:
    """`00:00:15.500` -> 15.5; None where it is no such time."""
    found = CLOCK.fullmatch(written)
    if found is None:
        return None
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    return 3600 * hours + 60 * minutes + seconds + float(found[4] or 0)


def _out_of_bounds(offer: Offer, seconds: float) -> str:
    """Why a duration does not fit; empty where it does."""
    exact = permitted(offer.wanted, "rqddurs")
    least, most = number(offer.wanted, "minduration"), number(offer.wanted, "maxduration")
    extended = whole(offer.wanted, "maxextended") or 0
    if exact:
        return "" if seconds in exact else f"not among rqddurs {exact}"
    if least is not None and seconds < least:
        return f"shorter than minduration, {least} s"
    if most is not None and most > 0 and extended != -1 and seconds > most + max(0, extended):
        return f"longer than maxduration, {most} s"
    return ""


def linearity(trial: Trial) -> Iterator[Outcome]:
    """Linear where linear is asked for, and the other way round."""
    for offer, ad in _ads(trial):
        wanted = whole(offer.wanted, "linearity")
        if offer.media == "video" and wanted in (LINEAR, NON_LINEAR) and ad.tag == "InLine":
            element = "Linear" if wanted == LINEAR else "NonLinear"
            right = next(ad.iter(element), None) is not None
            yield None if right else Finding(_at(offer, ad.tag), None, f"no {element}, and linearity={wanted}")


VIDEO = "3.2.7 Object: Video, 3.2.8 Object: Audio"
RULES = (
    Rule(id="vast.xml", section="4.3 Ad Serving Options", says="markup is a VAST document", check=is_vast),
    Rule(id="vast.version", section="VAST, <VAST>", says="version is a version of VAST", check=known_version),
    Rule(id="vast.ad", section="VAST, <Ad>", says="each Ad has one InLine or Wrapper", check=has_ad),
    Rule(
        id="vast.elements",
        section="VAST, <InLine>, <Wrapper>",
        says="required elements are there",
        check=required_elements,
    ),
    Rule(id="vast.impression", section="VAST, <Impression>", says="each ad has impression URLs", check=has_impression),
    Rule(id="vast.file", section="VAST, <MediaFile>", says="a file has its attributes and URL", check=media_attributes),
    Rule(id="vast.protocol", section=VIDEO, says="the version is among protocols", check=version_supported),
    Rule(id="vast.mimes", section=VIDEO, says="a media file is of a type in mimes", check=media_files),
    Rule(id="vast.duration", section=VIDEO, says="the duration is within its bounds", check=durations),
    Rule(id="vast.dur", section=VIDEO, says="dur of the bid is within its bounds", check=bid_duration),
    Rule(id="vast.linearity", section="3.2.7 Object: Video", says="linearity is as asked", check=linearity),
)
