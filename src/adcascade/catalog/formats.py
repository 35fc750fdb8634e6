"""Which creative fits which slot.

A slot takes creatives of its format, or of one that it names beside it. A banner must also have the slot's size, where
both tell one; products and natives are laid out by the page; a video must be of a kind and a length that the player
plays, and of a bitrate that it bears. An ad without creatives shows its product: it counts as one creative of the
format "product".

The bitrate is left out of `Shape`: shapes are few, so that the catalog can keep a bitmap for each. So `shape_fits` may
say yes to a video of which `fits` says no; the auction asks `fits`.
"""

from typing import NamedTuple

from adcascade.catalog.nouns import Ad, Creative
from adcascade.contracts.request import Look, Slot, VideoSpec


class Shape(NamedTuple):
    """What decides whether a creative fits; what does not matter for its format is 0 or empty."""

    format: str
    width: int = 0
    height: int = 0
    mime: str = ""
    seconds: int = 0  # the nearest whole one; 0: not told
    wrapped: bool = False  # another server's VAST document


def fits(creative: Creative, slot: Slot) -> bool:
    """Whether the slot takes this creative."""
    return look_of(creative, slot) is not None


def look_of(creative: Creative, slot: Slot) -> Slot | Look | None:
    """The first way of filling the slot that takes this creative: the slot itself or one of `also`."""
    looks: tuple[Slot | Look, ...] = (slot, *slot.also)
    for look in looks:
        if look.format == creative.format and _takes(_shape(creative), look) and _bearable(creative, look.video):
            return look
    return None


def ad_fits(ad: Ad, slot: Slot) -> bool:
    """Whether the slot takes one of the ad's creatives, as far as shapes tell."""
    return any(shape_fits(shape, slot) for shape in shapes_of(ad))


def shapes_of(ad: Ad) -> frozenset[Shape]:
    """The shapes in which the ad can be shown."""
    return frozenset(map(_shape, ad.creatives)) or frozenset({Shape("product")})


def shape_fits(shape: Shape, slot: Slot) -> bool:
    """Whether the slot takes a creative of this shape."""
    return _takes(shape, slot) or any(_takes(shape, look) for look in slot.also)


def _takes(shape: Shape, look: Slot | Look) -> bool:
    if shape.format != look.format:
        return False
    if shape.format == "banner":
        return _same(shape.width, look.width) and _same(shape.height, look.height)
    return shape.format != "video" or look.video is None or _plays(shape, look.video)


def _plays(shape: Shape, spec: VideoSpec) -> bool:
    """A wrapped document tells no mime; a length that is not told fits where any does."""
    if not (spec.wrappers if shape.wrapped else spec.files and (not spec.mimes or shape.mime in spec.mimes)):
        return False
    if spec.durations:
        return shape.seconds in spec.durations
    return spec.min_s <= shape.seconds and (not spec.max_s or 0 < shape.seconds <= spec.max_s)


def _bearable(creative: Creative, spec: VideoSpec | None) -> bool:
    """Whether the bitrate, where it is told, lies within the bounds."""
    rate = creative.bitrate_kbps
    if spec is None or not rate:
        return True
    return rate >= spec.min_kbps and (not spec.max_kbps or rate <= spec.max_kbps)


def _shape(creative: Creative) -> Shape:
    match creative.format:
        case "banner":
            return Shape("banner", creative.width, creative.height)
        case "video":
            seconds, wrapped = (creative.duration_ms + 500) // 1000, not creative.video_url
            return Shape("video", mime=creative.mime, seconds=seconds, wrapped=wrapped)
        case _:
            return Shape(creative.format)


def _same(one: int, other: int) -> bool:
    return one == other or 0 in (one, other)
