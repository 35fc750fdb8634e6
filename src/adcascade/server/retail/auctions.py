"""POST /v2/auctions: fill the slots of a shop's page."""

from collections.abc import Callable, Mapping

import msgspec
import structlog

from adcascade.contracts import AdRequest, Slot
from adcascade.errors import InputError
from adcascade.server.backend import Answer, Asked, Served
from adcascade.server.links import Links, is_web_url
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.privacy.permission import Permission
from adcascade.server.problems import decode
from adcascade.server.reply import Reply
from adcascade.server.retail.consent import permission_of
from adcascade.server.retail.objects import (
    Asset,
    AuctionAsked,
    AuctionsAsked,
    Products,
    ResultsTold,
    ResultTold,
    WinnerTold,
)


class AuctionsEndpoint:
    """Each auction of the body is a request of its own; one that fails is told as such and spoils no other."""

    def __init__(
        self,
        backend: Asked,
        options: ServerOptions,
        metrics: Metrics,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._backend, self._options, self._metrics = backend, options, metrics
        self._clock, self._new_id = clock, new_id
        self._links = Links(options.public_url)
        self._decoder = msgspec.json.Decoder(AuctionsAsked)

    async def __call__(self, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """One body of auctions."""
        told = decode(self._decoder, body)
        self._check(told.auctions)
        allowed = permission_of(told.consent, headers, self._options.privacy)
        results = [await self._result(auction, allowed) for auction in told.auctions]
        return Reply(200, msgspec.json.encode(ResultsTold(results=results)))

    async def _result(self, auction: AuctionAsked, allowed: Permission) -> ResultTold:
        try:
            asked = ad_request(auction, self._new_id(), self._clock(), self._options, allowed)
            answer = await self._backend.auction(asked)
        except Exception as error:  # noqa: BLE001  the page gets its other auctions and shows organic products here
            self._metrics.failed("/v2/auctions")
            structlog.get_logger().error("auction failed", exc_info=error)
            return ResultTold(result_type=auction.type, winners=[], error=True)
        self._metrics.stages(answer)
        if not answer.winners:
            self._metrics.no_bid(answer.no_bid_reason)
        return ResultTold(result_type=auction.type, winners=self._winners(answer), reason=answer.no_bid_reason)

    def _winners(self, answer: Answer) -> list[WinnerTold]:
        ordered = sorted(answer.winners, key=lambda served: served.slot)
        return [self._told(rank, served) for rank, served in enumerate(ordered, 1)]

    def _told(self, rank: int, served: Served) -> WinnerTold:
        creative = served.creative
        assets = []
        if creative is not None and is_web_url(creative.image_url):
            assets = [Asset(url=creative.image_url, width=creative.width, height=creative.height)]
        return WinnerTold(
            rank=rank,
            position=served.position,
            type="product",
            id=served.ad.product or served.ad.id,
            resolved_bid_id=served.token,
            ad_id=served.ad.id,
            campaign_id=served.campaign.id,
            vendor_id=served.advertiser.id,
            title=(creative.title if creative is not None else "") or served.ad.title,
            impression_url=self._links.impression(served.token),
            viewable_url=self._links.viewable(served.token),
            click_url=self._links.click(served.token),
            asset=assets,
        )

    def _check(self, asked: list[AuctionAsked]) -> None:
        options = self._options
        if len(asked) > options.max_auctions:
            raise InputError(
                "auctions", f"{len(asked)} auctions", f"at most {options.max_auctions}", "send several bodies"
            )
        for place, auction in enumerate(asked):
            field = f"auctions[{place}]"
            if auction.slots > options.max_slots:
                raise InputError(f"{field}.slots", auction.slots, f"at most {options.max_slots}")
            for name, products in (("products", auction.products), ("organic", auction.organic)):
                if products is not None and len(products.ids) > options.max_products:
                    raise InputError(
                        f"{field}.{name}.ids", f"{len(products.ids)} ids", f"at most {options.max_products}"
                    )
            if auction.products is not None and not auction.products.ids:
                raise InputError(f"{field}.products.ids", [], "at least one id", "leave products out to allow all")


def ad_request(
    auction: AuctionAsked,
    id: str,  # noqa: A002  the contract's name
    time_us: int,
    options: ServerOptions,
    allowed: Permission,
) -> AdRequest:
    """The auction in the engine's words; of the shopper only what is allowed."""
    size = auction.dimensions
    banner = auction.type == "banners"
    slots = tuple(
        Slot(
            id=str(place),
            format="banner" if banner else "product",
            width=size.width if size is not None else 0,
            height=size.height if size is not None else 0,
        )
        for place in range(1, auction.slots + 1)
    )
    return AdRequest(
        id=id,
        time_us=time_us,
        slots=slots,
        scenario=auction.scenario or "",
        user=auction.opaque_user_id if allowed.user else None,
        query=auction.search_query or "",
        category=auction.category.id if auction.category is not None else "",
        device=auction.device or "",
        country=auction.geo.country if auction.geo is not None else "",
        context=auction.context or {},
        products=_ids(auction.products),
        organic=_ids(auction.organic),
        timeout_us=options.timeout_us,
    )


def _ids(products: Products | None) -> tuple[str, ...]:
    return tuple(products.ids) if products is not None else ()
