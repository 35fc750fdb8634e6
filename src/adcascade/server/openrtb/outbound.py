"""From the engine's answer to an exchange's BidResponse."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from adcascade.catalog.formats import look_of
from adcascade.contracts import Look, Slot
from adcascade.server.backend import Answer, Served
from adcascade.server.links import Links
from adcascade.server.openrtb.amounts import offer
from adcascade.server.openrtb.categories import Codes
from adcascade.server.openrtb.chain import chain_of, serialized
from adcascade.server.openrtb.markup import banner_html, image_of
from adcascade.server.openrtb.native_markup import native_json
from adcascade.server.openrtb.objects import Bid, BidRequest, BidResponse, SeatBid
from adcascade.server.openrtb.places import PICTURE_AD, SCRIPT_AD, TEXT_AD, Place
from adcascade.server.openrtb.vast import vast_xml
from adcascade.server.openrtb.video import SKIPPABLE, skip_after_s, spoken
from adcascade.server.options import ServerOptions

BANNER, VIDEO, NATIVE = 1, 2, 4  # AdCOM list "Markup types"
MILLION = 1_000_000


class Written(NamedTuple):
    """What differs by format."""

    mtype: int
    adm: str
    size: tuple[int, int] = (0, 0)
    attr: tuple[int, ...] = ()
    dur: int = 0
    protocol: int = 0


class Price(NamedTuple):
    """In what an exchange pays: a currency and its rate to ours."""

    currency: str
    rate: Decimal


class Outbound:
    """Writes bid responses. `withheld` hears why a winner of the engine's auction is not offered, and its bid id."""

    def __init__(self, options: ServerOptions, withheld: Callable[[str, str], None]) -> None:
        self._options, self._withheld = options, withheld
        self._links = Links(options.public_url)
        self._codes = Codes(options)

    def response(
        self, request: BidRequest, places: Sequence[Place], answer: Answer, price: Price, now_us: int
    ) -> BidResponse | None:
        """The offers by seat (a seat is an advertiser); None where none is left."""
        seats: dict[str, list[Bid]] = {}
        for served in answer.winners:
            place = places[served.slot]
            bid = self._bid(request, place, served, price, now_us)
            if isinstance(bid, str):
                self._withheld(bid, served.bid_id)
            else:
                seats.setdefault(served.advertiser.id, []).append(bid)
        if not seats:
            return None
        return BidResponse(
            id=request.id,
            seatbid=[SeatBid(seat=seat, bid=bids) for seat, bids in seats.items()],
            bidid=answer.request_id,
            cur=price.currency,
        )

    def _bid(self, request: BidRequest, place: Place, served: Served, price: Price, now_us: int) -> Bid | str:
        """The offer, or a word why the winner cannot be offered."""
        reason = self._reason(request, place, served)
        look = _look(place.slot, served)
        if reason or look is None:
            return reason or "size"
        written = self._written(request, place, served, look)
        if isinstance(written, str):
            return written
        return self._told(request, place, served, written, price, now_us)

    def _reason(self, request: BidRequest, place: Place, served: Served) -> str:
        """Why the winner may not be offered; empty where it may."""
        if request.badv and _is_named(served.advertiser.domain, request.badv):
            return "badv"
        if request.wseat and served.advertiser.id not in request.wseat:
            return "seat"
        if served.campaign.currency != self._options.currency:
            return "currency"
        if served.ecpm_micros <= 0:
            return "unpriced"
        return "floor" if served.ecpm_micros < _floor(place, served) else ""

    def _told(  # noqa: PLR0917  all that a bid tells
        self, request: BidRequest, place: Place, served: Served, written: Written, price: Price, now_us: int
    ) -> Bid:
        links, token, creative = self._links, served.token, served.creative
        cat = self._codes.of(served.ad.category, served.ad.iab, request.cattax)
        return Bid(
            id=served.bid_id,
            impid=place.imp.id,
            price=offer(served.ecpm_micros, price.rate),
            adid=served.ad.id,
            nurl=links.win(token),
            burl=links.billing(token),
            lurl=links.loss(token),
            adm=written.adm,
            adomain=[served.advertiser.domain] if served.advertiser.domain else [],
            iurl=image_of(served, secure=place.secure),
            cid=served.campaign.id,
            crid=creative.id if creative is not None else served.ad.id,
            cat=cat,
            cattax=(request.cattax or 0) if cat else 0,
            attr=list(written.attr),
            dealid=served.deal,
            w=written.size[0],
            h=written.size[1],
            exp=max(0, (served.expires_us - now_us) // MILLION),
            dur=written.dur,
            protocol=written.protocol,
            mtype=written.mtype,
        )

    def _written(self, request: BidRequest, place: Place, served: Served, look: Slot | Look) -> Written | str:
        if look.format == "native":
            adm = native_json(served, self._links, place, self._options.privacy_url)
            return "native_assets" if adm is None else Written(NATIVE, adm)
        if look.format == "video":
            return self._video(request, place, served)
        return self._banner(place, served, look)

    def _banner(self, place: Place, served: Served, look: Slot | Look) -> Written | str:
        """The creative's size where it has one, else the first that is allowed."""
        creative = served.creative
        own = (creative.width, creative.height) if creative is not None else (0, 0)
        size = own if all(own) else (look.width, look.height)
        blocked = (place.imp.banner.btype or ()) if place.imp.banner is not None else ()
        pictures = PICTURE_AD not in blocked
        if TEXT_AD in blocked and not image_of(served, secure=place.secure):
            return "banner_type"
        scripts = SCRIPT_AD not in blocked
        html = banner_html(served, self._links, size, secure=place.secure, pictures=pictures, scripts=scripts)
        return Written(BANNER, html, size)

    def _video(self, request: BidRequest, place: Place, served: Served) -> Written | str:
        video, creative = place.imp.video, served.creative
        if video is None or creative is None:
            return "size"
        told = spoken(video, wrapped=not creative.video_url)
        seconds = (creative.duration_ms + 500) // 1000
        if told is None:
            return "protocol"
        if video.mincpmpersec and served.ecpm_micros < round(video.mincpmpersec * MILLION) * seconds:
            return "floor"
        skip = skip_after_s(video, seconds) if creative.video_url else None
        adm = vast_xml(
            served,
            self._links,
            version=told.version,
            secure=place.secure,
            skip_s=skip,
            chain=serialized(chain_of(request)),
        )
        if adm is None:
            return "insecure"
        attr = () if skip is None else (SKIPPABLE,)
        return Written(VIDEO, adm, (creative.width, creative.height), attr, seconds, told.protocol)


def _is_named(domain: str, names: Sequence[str]) -> bool:
    """Whether a domain, or one above it, is among the names; capitals do not matter."""
    return not _with_above(domain).isdisjoint(map(str.casefold, names))


@lru_cache(maxsize=4_096)  # the catalog's advertisers
def _with_above(domain: str) -> frozenset[str]:
    """A domain in small letters, and all above it."""
    parts = domain.casefold().split(".")
    return frozenset([".".join(parts[place:]) for place in range(len(parts))])


def _look(slot: Slot, served: Served) -> Slot | Look | None:
    """The way in which the winner fills its slot; None where it fits in none."""
    if served.creative is not None:
        return look_of(served.creative, slot)
    looks: tuple[Slot | Look, ...] = (slot, *slot.also)
    return next((look for look in looks if look.format == "banner" and not (look.width and look.height)), None)


def _floor(place: Place, served: Served) -> int:
    """The deal's where it is bought under one, else the place's."""
    slot = place.slot
    if not served.deal:
        return slot.floor_micros
    return next((deal.floor_micros for deal in slot.deals if deal.id == served.deal), slot.floor_micros)
