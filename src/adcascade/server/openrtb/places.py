"""Places: the imps of a request that we can fill, each with the slot that the engine sees.

An imp may offer a banner, a video and a native ad at once: then its slot holds all of them, and the engine's winner
decides which it becomes.
"""

import msgspec

from adcascade.contracts import Deal, Look, Slot
from adcascade.server.openrtb import objects
from adcascade.server.openrtb.amounts import floor_micros, rate_of
from adcascade.server.openrtb.native import NativeRequest, parse_native
from adcascade.server.openrtb.objects import Banner, BidRequest, Imp
from adcascade.server.openrtb.video import video_spec
from adcascade.server.options import ServerOptions

FIRST_PRICE, SECOND_PRICE, FIXED = 1, 2, 3
TEXT_AD, PICTURE_AD, SCRIPT_AD = 1, 2, 3  # banner types
MOST_DEALS = 100  # of one imp


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An imp with its slot; native: what the page lays out, and whether its request was wrapped."""

    imp: Imp
    slot: Slot
    native: NativeRequest | None = None
    wrapped: bool = False

    @property
    def secure(self) -> bool:
        """Whether all URLs of the markup must be https."""
        return self.imp.secure == 1


def places(request: BidRequest, options: ServerOptions) -> tuple[list[Place], str]:
    """The places in order, and why there are none. InputError: a native request is damaged."""
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
    native, wrapped = None, False
    if imp.native is not None:
        native, wrapped = parse_native(imp.native.request, f"imp[{number}].native.request")
    if imp.secure == 1 and not options.secure:
        return "insecure"
    rate = rate_of(imp.bidfloorcur or "USD", options.currency, options.rates)
    if rate is None and imp.bidfloor:
        return "floor_currency"
    looks, reason = _looks(imp)
    if not looks:
        return reason
    private = imp.pmp is not None and imp.pmp.private_auction == 1
    deals = _deals(imp, options)
    if private and not deals:
        return "private_auction"
    first, *others = looks
    slot = Slot(
        id=imp.id,
        format=first.format,
        width=first.width,
        height=first.height,
        floor_micros=0 if rate is None else floor_micros(imp.bidfloor, rate),
        deals=deals,
        private=private,
        video=first.video,
        also=tuple(others),
    )
    return Place(imp=imp, slot=slot, native=native, wrapped=wrapped)


def _looks(imp: Imp) -> tuple[list[Look], str]:
    """All ways to fill the imp, and why there is none."""
    looks, reason = [], "format"
    if imp.banner is not None:
        if shows_html(imp.banner):
            looks += [Look(format="banner", width=w, height=h) for w, h in banner_sizes(imp.banner) or ((0, 0),)]
        else:
            reason = "banner_type"
    if imp.video is not None:
        spec = video_spec(imp.video)
        if isinstance(spec, str):
            reason = spec
        else:
            looks.append(Look(format="video", video=spec))
    if imp.native is not None:
        looks.append(Look(format="native"))
    return looks, reason


def shows_html(banner: Banner) -> bool:
    """Whether a link around a picture, written in HTML, may stand there."""
    mimes = banner.mimes or ()
    if mimes and not any(mime == "text/html" or mime.startswith("image/") for mime in mimes):
        return False
    blocked = banner.btype
    return not (blocked and TEXT_AD in blocked and PICTURE_AD in blocked)


def banner_sizes(banner: Banner) -> tuple[tuple[int, int], ...]:
    """All sizes that a banner may have: those of `format`, or else `w` and `h`; unknown ones are left out."""
    sizes = [(size.w, size.h) for size in banner.format or ()] or [(banner.w, banner.h)]
    return tuple(dict.fromkeys([(w, h) for w, h in sizes if w and h]))


def _deals(imp: Imp, options: ServerOptions) -> tuple[Deal, ...]:
    """The deals that we can price: a floor in a currency without a rate cannot be judged."""
    if imp.pmp is None or not imp.pmp.deals:
        return ()
    deals = [_deal(deal, options) for deal in imp.pmp.deals[:MOST_DEALS]]
    return tuple([deal for deal in deals if deal is not None])


def _deal(deal: objects.Deal, options: ServerOptions) -> Deal | None:
    rate = rate_of(deal.bidfloorcur or "USD", options.currency, options.rates)
    if rate is None and deal.bidfloor:
        return None
    return Deal(
        id=deal.id,
        floor_micros=0 if rate is None else floor_micros(deal.bidfloor, rate),
        seats=tuple(deal.wseat or ()),
        domains=tuple(one.casefold() for one in deal.wadomain or ()),
        first_price={FIRST_PRICE: True, SECOND_PRICE: False}.get(deal.at or 0),
        fixed=deal.at == FIXED,
    )
