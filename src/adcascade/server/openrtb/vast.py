"""VAST: the document that a video player reads. InLine for a file of ours, Wrapper around another server's document.

    VAST > Ad > InLine | Wrapper > Impression, Error, Creatives > Creative > Linear > MediaFiles, VideoClicks

Built as a tree, so no title of an advertiser can break it. Versions 2.0 to 4.3 differ in what they add (3.0: the
advertiser, skipping; 4.0: an id of the serving and one of the creative), and in the order of elements.
"""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from adcascade.catalog.nouns import Creative
from adcascade.server.backend import Served
from adcascade.server.links import Links, is_web_url

SYSTEM = "adcascade"
CHAIN = "[SCHAIN]"  # in the URL of a wrapped document: the supply chain
UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold
MP4 = "video/mp4"  # what a file is taken for that tells no type
ORDER_3 = ("AdSystem", "AdTitle", "Advertiser", "VASTAdTagURI", "Error", "Impression", "Creatives")
ORDER_4 = ("AdSystem", "Error", "Impression", "AdServingId", "AdTitle", "Advertiser", "Creatives", "VASTAdTagURI")


def vast_xml(
    served: Served, links: Links, *, version: str, secure: bool = False, skip_s: int | None = None, chain: str = ""
) -> str | None:
    """The document for a won video place; None where the creative has no address that the page may load.

    skip_s: after so many seconds a viewer may skip; chain: what a wrapped document's address holds for `[SCHAIN]`.
    """
    look = served.creative
    url = "" if look is None else look.video_url or look.vast_url.replace(CHAIN, chain)
    if look is None or not is_web_url(url, secure=secure):
        return None
    root = Element("VAST", version=version)
    body = SubElement(SubElement(root, "Ad", id=_plain(served.ad.id)), "InLine" if look.video_url else "Wrapper")
    _text(body, "AdSystem", SYSTEM)
    _text(body, "Error", links.error(served.token))
    _text(body, "Impression", links.impression(served.token))
    if look.video_url:
        _text(body, "AdTitle", look.title or served.ad.title or served.ad.id)
        if version >= "3" and served.advertiser.name:
            _text(body, "Advertiser", served.advertiser.name)
        if version >= "4":
            _text(body, "AdServingId", served.bid_id)
        linear = _film(look, links.click(served.token), version, skip_s)
    else:
        _text(body, "VASTAdTagURI", url)
        linear = Element("Linear")
        _text(SubElement(linear, "VideoClicks"), "ClickTracking", links.click_count(served.token))
    creative = SubElement(SubElement(body, "Creatives"), "Creative", id=_plain(look.id))
    creative.append(linear)
    if version >= "4" and look.video_url:
        _universal(creative, look.id, version)
    order = ORDER_4 if version >= "4" else ORDER_3
    body[:] = sorted(body, key=lambda child: order.index(child.tag))
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(root, "unicode")


def clock(ms: int) -> str:
    """A length as VAST writes it.

    >>> clock(75_250)
    '00:01:15.250'
    """
    seconds, rest = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}" + (f".{rest:03}" if rest else "")


def _film(look: Creative, click: str, version: str, skip_s: int | None) -> Element:
    """Our own file. A size that is not told is written as 0, which players take as unknown."""
    linear = Element("Linear")
    if skip_s is not None and version >= "3":
        linear.set("skipoffset", clock(skip_s * 1000))
    _text(linear, "Duration", clock(look.duration_ms))
    media = _text(SubElement(linear, "MediaFiles"), "MediaFile", look.video_url)
    media.attrib.update(
        {
            "id": _plain(look.id),
            "delivery": "progressive",
            "type": _plain(look.mime or MP4),
            "width": str(look.width),
            "height": str(look.height),
        }
    )
    if look.bitrate_kbps:
        media.set("bitrate", str(look.bitrate_kbps))
    _text(SubElement(linear, "VideoClicks"), "ClickThrough", click)
    return linear


def _universal(creative: Element, name: str, version: str) -> None:
    """The creative's own id, in no registry; 4.0 wants it twice."""
    element = _text(creative, "UniversalAdId", name)
    element.set("idRegistry", "unknown")
    if version == "4.0":
        element.set("idValue", _plain(name))


def _text(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = _plain(text)
    return child


def _plain(text: str) -> str:
    """Without the characters that no XML document may hold."""
    return UNPRINTABLE.sub("", text)
