"""POST /openrtb2/bid: 200 with bids, 204 (or 200 and a reason) without, 400 for what no bidder could answer."""

from collections.abc import Callable, Mapping

import msgspec

from adcascade.errors import AdcascadeError, InputError
from adcascade.server.backend import Asked
from adcascade.server.endpoint import JsonPost
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.amounts import WHOLE, rate_of
from adcascade.server.openrtb.categories import known_codes
from adcascade.server.openrtb.chain import chain_of, is_complete
from adcascade.server.openrtb.check import check_request
from adcascade.server.openrtb.consent import signals_of
from adcascade.server.openrtb.inbound import ad_request
from adcascade.server.openrtb.nobid import INVALID, NO_BID, VERSION, no_bid
from adcascade.server.openrtb.objects import BidRequest
from adcascade.server.openrtb.outbound import Outbound, Price
from adcascade.server.openrtb.places import places
from adcascade.server.options import ServerOptions
from adcascade.server.privacy.permission import permission
from adcascade.server.problems import ErrorBody, decode, error_body, status_of
from adcascade.server.reply import Reply


class RefusedRequest(msgspec.Struct, kw_only=True):
    """The body of a 400: a bid response without bids, and our reason."""

    nbr: int = INVALID
    error: ErrorBody


class BidEndpoint:
    """Decodes, asks the engine, encodes. clock: now in microseconds; new_id: an id that no request had before."""

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
        self._decoder = msgspec.json.Decoder(BidRequest, strict=False)
        self._encode = msgspec.json.Encoder().encode
        self._outbound = Outbound(options, self._withheld)

    async def __call__(self, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """One bid request."""
        check_version(headers.get(b"x-openrtb-version"))
        request = decode(self._decoder, body)
        check_request(request, self._options.max_imps, entries=body.count(b",") + 1)
        gpc = headers.get(b"sec-gpc") == b"1"
        reply = await self._answer(request, gpc=gpc)
        if isinstance(reply, Reply):
            return reply
        self._metrics.no_bid(reply)
        return no_bid(request.id, reply, self._options.no_bid)

    async def _answer(self, request: BidRequest, *, gpc: bool) -> Reply | str:
        """The bids, or a word why there are none."""
        options = self._options
        codes = known_codes(request.cattax, options)
        price = price_of(request, options)
        reason = self._reason(request, codes, price)
        if reason or price is None:
            return reason
        found, reason = places(request, options)
        if not found:
            return reason
        allowed = permission(signals_of(request, gpc=gpc), options.privacy)
        now_us = self._clock()
        asked = ad_request(
            request, found, options, id=self._new_id(), time_us=now_us, codes=codes or {}, allowed=allowed
        )
        answer = await self._backend.auction(asked)
        self._metrics.stages(answer)
        if not answer.winners:
            return answer.no_bid_reason
        response = self._outbound.response(request, found, answer, price, now_us)
        if response is None:
            return no_bid(request.id, "withheld", options.no_bid)  # each winner's reason is counted
        return Reply(200, self._encode(response), VERSION)

    def _reason(self, request: BidRequest, codes: Mapping[str, str] | None, price: Price | None) -> str:
        """Why this house does not even look for ads; empty where it does."""
        if price is None:
            return "currency"
        if codes is None and (request.bcat or request.acat):
            return "taxonomy"
        if request.tmax and request.tmax * 1000 <= self._options.network_reserve_us:
            return "late"
        if self._options.require_complete_chain and not is_complete(chain_of(request)):
            return "incomplete_chain"
        return ""

    def _withheld(self, reason: str, bid_id: str) -> None:
        self._metrics.no_bid(reason)
        self._backend.release((bid_id,))


def price_of(request: BidRequest, options: ServerOptions) -> Price | None:
    """Our currency where it is allowed, else the first allowed one that has a rate; None: none has."""
    if not request.cur or options.currency in request.cur:
        return Price(options.currency, WHOLE)
    rates = ((currency, rate_of(currency, options.currency, options.rates)) for currency in request.cur)
    return next((Price(currency, rate) for currency, rate in rates if rate is not None), None)


def bid_route(endpoint: BidEndpoint, options: ServerOptions, metrics: Metrics) -> JsonPost:
    """The route: an exchange gets 400 or 413 for its faults and 204 for ours, never 500."""
    return JsonPost(
        route="/openrtb2/bid", handler=endpoint, options=options, metrics=metrics, refused=refused, failed=NO_BID
    )


def refused(error: AdcascadeError) -> Reply:
    """400, 405 or 413 with the reason; 204 where the fault is ours."""
    status = status_of(error)
    if status >= 500:
        return NO_BID
    body = msgspec.json.encode(RefusedRequest(error=error_body(error)))
    headers = (*VERSION, (b"allow", b"POST")) if status == 405 else VERSION
    return Reply(status if status in (405, 413) else 400, body, headers)


def check_version(version: bytes | None) -> None:
    """InputError where the caller speaks another generation of the protocol."""
    if version is not None and not version.strip().startswith(b"2."):
        raise InputError("x-openrtb-version", version.decode("latin-1"), "2.x, best 2.6")
