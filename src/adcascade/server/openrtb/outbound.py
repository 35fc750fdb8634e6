"""From the engine's answer to an exchange's BidResponse."""

from collections.abc import Callable, Sequence

from adcascade.server.backend import Answer, Served
from adcascade.server.links import Links
from adcascade.server.openrtb.markup import banner_html, native_json
from adcascade.server.openrtb.objects import Bid, BidRequest, BidResponse, SeatBid
from adcascade.server.openrtb.places import Place
from adcascade.server.options import ServerOptions

BANNER, NATIVE = 1, 4  # AdCOM list "Markup types"


class Outbound:
    """Writes bid responses. `withheld` hears why a winner of the engine's auction is not offered, and its bid id."""

    def __init__(self, options: ServerOptions, withheld: Callable[[str, str], None]) -> None:
        self._options, self._withheld = options, withheld
        self._links = Links(options.public_url)
        self._codes = {path: code for code, path in options.categories.items()}

    def response(self, request: BidRequest, places: Sequence[Place], answer: Answer) -> BidResponse | None:
        """The offers by seat (a seat is an advertiser); None where none is left."""
        seats: dict[str, list[Bid]] = {}
        for served in answer.winners:
            place = places[served.slot]
            bid = self._bid(request, place, served)
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
            cur=self._options.currency,
        )

    def _bid(self, request: BidRequest, place: Place, served: Served) -> Bid | str:
        """The offer, or a word why the winner cannot be offered."""
        if request.wseat and served.advertiser.id not in request.wseat:
            return "seat"
        if served.campaign.currency != self._options.currency:
            return "currency"
        if served.ecpm_micros <= 0 or served.ecpm_micros < place.slot.floor_micros:
            return "floor" if served.ecpm_micros > 0 else "unpriced"
        size = self._size(place, served)
        if size is None:
            return "size"
        markup = self._markup(place, served, size)
        if markup is None:
            return "native_assets"
        return self._written(place, served, markup, size)

    def _written(self, place: Place, served: Served, markup: str, size: tuple[int, int]) -> Bid:
        links, token = self._links, served.token
        creative = served.creative
        return Bid(
            id=served.bid_id,
            impid=place.imp.id,
            price=served.ecpm_micros / 1e6,
            adid=served.ad.id,
            nurl=links.win(token),
            burl=links.billing(token),
            lurl=links.loss(token),
            adm=markup,
            adomain=[served.advertiser.domain] if served.advertiser.domain else [],
            cid=served.campaign.id,
            crid=creative.id if creative is not None else served.ad.id,
            cat=self._categories(served.ad.category),
            w=size[0],
            h=size[1],
            mtype=BANNER if place.native is None else NATIVE,
        )

    def _markup(self, place: Place, served: Served, size: tuple[int, int]) -> str | None:
        if place.native is None:
            return banner_html(served, self._links, size, secure=place.secure)
        return native_json(served, self._links, place)

    def _size(self, place: Place, served: Served) -> tuple[int, int] | None:
        """The banner's size: the creative's where it is allowed, the first allowed where the creative has none."""
        creative = served.creative
        own = (creative.width, creative.height) if creative is not None else (0, 0)
        if place.native is not None:
            return (0, 0)
        if not place.sizes or own in place.sizes:
            return own
        return place.sizes[0] if not (own[0] and own[1]) else None

    def _categories(self, path: str) -> list[str]:
        """The exchange's code of the narrowest translated category above the ad's."""
        if not self._codes:
            return []
        while path:
            if path in self._codes:
                return [self._codes[path]]
            path = path.rpartition("/")[0]
        return []
