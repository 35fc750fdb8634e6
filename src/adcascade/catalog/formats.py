"""Which creative fits which slot.

A slot takes creatives of its format. A banner must also have the slot's size, where both tell one;
products and natives are laid out by the page. An ad without creatives shows its product: it counts as
one creative of the format "product".
"""

from adcascade.catalog.nouns import Ad, Creative
from adcascade.contracts.request import Slot

Shape = tuple[str, int, int]  # format, width, height; sizes are 0 where they do not matter


def fits(creative: Creative, slot: Slot) -> bool:
    """Whether the slot takes this creative."""
    return shape_fits(_shape(creative), slot)


def ad_fits(ad: Ad, slot: Slot) -> bool:
    """Whether the slot takes one of the ad's creatives."""
    return any(shape_fits(shape, slot) for shape in shapes_of(ad))


def shapes_of(ad: Ad) -> frozenset[Shape]:
    """The shapes in which the ad can be shown."""
    return frozenset(map(_shape, ad.creatives)) or frozenset({("product", 0, 0)})


def shape_fits(shape: Shape, slot: Slot) -> bool:
    """Whether the slot takes a creative of this shape."""
    kind, width, height = shape
    if kind != slot.format:
        return False
    return kind != "banner" or (_same(width, slot.width) and _same(height, slot.height))


def _shape(creative: Creative) -> Shape:
    if creative.format != "banner":
        return (creative.format, 0, 0)
    return (creative.format, creative.width, creative.height)


def _same(one: int, other: int) -> bool:
    return one == other or 0 in (one, other)
