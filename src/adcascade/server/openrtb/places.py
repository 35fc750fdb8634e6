"""Places: the imps of a request that we can fill, each with the slot that the engine sees."""

import math

import msgspec

from adcascade.contracts import Slot
from adcascade.server.openrtb.native import NativeRequest, parse_native
from adcascade.server.openrtb.objects import Banner, BidRequest, Imp
from adcascade.server.options import ServerOptions


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An imp with its slot. sizes: allowed (w, h) of a banner, empty if any; native: what the page lays out."""

    imp: Imp
    slot: Slot
    sizes: tuple[tuple[int, int], ...] = ()
    native: NativeRequest | None = None
    wrapped: bool = False

    @property
    def secure(self) -> bool:
        """Whether all URLs of the markup must be https."""
        return self.imp.secure == 1


def places(request: BidRequest, options: ServerOptions) -> tuple[list[Place], str]:
    """The places in order, and why there are none. InputError: a native request is damaged."""
    if request.cur and options.currency not in request.cur:
        return [], "currency"
    found, reason = [], "format"
    for number, imp in enumerate(request.imp):
        place = _place(imp, number, options)
        if isinstance(place, str):
            reason = place
        else:
            found.append(place)
    return found, "" if found else reason


def _place(imp: Imp, number: int, options: ServerOptions) -> Place | str:
    """The place, or a word why it cannot be filled."""
    if imp.native is not None:
        native, wrapped = parse_native(imp.native.request, f"imp[{number}].native.request")
    if imp.pmp is not None and imp.pmp.private_auction == 1:
        return "private_auction"
    if imp.secure == 1 and not options.secure:
        return "insecure"
    floor = floor_micros(imp, options)
    if floor is None:
        return "floor_currency"
    if imp.banner is not None:
        sizes = banner_sizes(imp.banner)
        width, height = sizes[0] if len(sizes) == 1 else (0, 0)
        slot = Slot(id=imp.id, format="banner", width=width, height=height, floor_micros=floor)
        return Place(imp=imp, slot=slot, sizes=sizes)
    if imp.native is not None:
        slot = Slot(id=imp.id, format="native", floor_micros=floor)
        return Place(imp=imp, slot=slot, native=native, wrapped=wrapped)
    return "format"


def banner_sizes(banner: Banner) -> tuple[tuple[int, int], ...]:
    """All sizes that a banner may have: those of `format`, or else `w` and `h`; unknown ones are left out."""
    sizes = [(size.w or 0, size.h or 0) for size in banner.format or ()] or [(banner.w or 0, banner.h or 0)]
    return tuple(dict.fromkeys((w, h) for w, h in sizes if w and h))


def floor_micros(imp: Imp, options: ServerOptions) -> int | None:
    """The floor per thousand impressions in micros of our currency, rounded up; None: no rate for its currency."""
    floor = imp.bidfloor or 0.0
    currency = imp.bidfloorcur or "USD"
    if floor and currency != options.currency:
        rate = options.rates.get(currency)
        if rate is None:
            return None
        floor /= rate
    return math.ceil(round(floor * 1e6, 3))
