"""OpenRTB Dynamic Native Ads 1.2 (IAB Tech Lab): the request inside `imp.native.request`, the answer inside `adm`."""

import msgspec
from msgspec import Struct

from adcascade.errors import InputError
from adcascade.server.openrtb.lengths import ASSETS, check_length
from adcascade.server.openrtb.objects import nothing
from adcascade.server.problems import decode


class TitleAsset(Struct):
    """A title of at most `len` characters."""

    len: int | None = None


class ImageAsset(Struct):
    """An image; type 1 is an icon, 3 the main one."""

    type: int | None = None
    w: int | None = None
    h: int | None = None
    wmin: int | None = None
    hmin: int | None = None


class DataAsset(Struct):
    """A line of text; the list of types is 7.4 of the specification."""

    type: int
    len: int | None = None


class Asset(Struct):
    """One part of the ad that the page lays out."""

    id: int
    required: int | None = None
    title: TitleAsset | None = None
    img: ImageAsset | None = None
    data: DataAsset | None = None
    video: msgspec.Raw = msgspec.field(default_factory=nothing)


class EventTracker(Struct):
    """An event the page can report; 1 is the impression, 2 a viewable one; method 1 is a pixel."""

    event: int
    methods: list[int] | None = None


class NativeRequest(Struct):
    """The parts wanted."""

    assets: list[Asset]
    ver: str | None = None
    context: int | None = None
    plcmttype: int | None = None
    plcmtcnt: int | None = None
    seq: int | None = None
    privacy: int | None = None  # 1: the answer may name the page of a privacy notice
    eventtrackers: list[EventTracker] | None = None


class Wrapped(Struct):
    """Version 1.0 and many since put the request one level lower."""

    native: NativeRequest | None = None


class TitleText(Struct):
    """A title."""

    text: str


class ImageUrl(Struct, omit_defaults=True):
    """An image."""

    url: str
    w: int = 0
    h: int = 0
    type: int = 0


class DataValue(Struct):
    """A line of text."""

    value: str
    type: int


class FilledAsset(Struct, omit_defaults=True, kw_only=True):
    """One part, filled."""

    id: int
    required: int = 0
    title: TitleText | None = None
    img: ImageUrl | None = None
    data: DataValue | None = None


class Link(Struct):
    """Where a click leads."""

    url: str


class Tracker(Struct):
    """A URL to call when the event happens."""

    event: int
    method: int
    url: str


class NativeResponse(Struct, omit_defaults=True, kw_only=True):
    """The ad in parts. eventtrackers since 1.2; imptrackers where the page asked for none."""

    ver: str
    assets: list[FilledAsset]
    link: Link
    imptrackers: list[str] = []
    eventtrackers: list[Tracker] = []
    privacy: str = ""


class WrappedResponse(Struct):
    """The answer to a wrapped request."""

    native: NativeResponse


_WRAPPED = msgspec.json.Decoder(Wrapped, strict=False)
_BARE = msgspec.json.Decoder(NativeRequest, strict=False)


def parse_native(text: str, field: str) -> tuple[NativeRequest, bool]:
    """The request in the string, and whether it was wrapped. InputError names the field below `field`."""
    body = text.encode()
    wrapped = decode(_WRAPPED, body, field).native
    request = wrapped if wrapped is not None else decode(_BARE, body, field)
    if not request.assets:
        raise InputError(f"{field}.assets", [], "at least one asset")
    check_length(f"{field}.assets", request.assets, ASSETS)
    if len({asset.id for asset in request.assets}) < len(request.assets):
        raise InputError(f"{field}.assets", [asset.id for asset in request.assets], "assets with different ids")
    return request, wrapped is not None
