"""POST /openrtb2/bid: 200 with bids, 204 without, 400 for a request that no bidder could answer."""

from collections.abc import Callable, Mapping

import msgspec

from adcascade.errors import AdcascadeError, InputError
from adcascade.server.backend import Seller
from adcascade.server.endpoint import JsonPost
from adcascade.server.metrics import Metrics
from adcascade.server.openrtb.check import check_request
from adcascade.server.openrtb.inbound import ad_request
from adcascade.server.openrtb.objects import BidRequest
from adcascade.server.openrtb.outbound import Outbound
from adcascade.server.openrtb.places import places
from adcascade.server.options import ServerOptions
from adcascade.server.problems import ErrorBody, decode, error_body, status_of
from adcascade.server.reply import Headers, Reply

VERSION: Headers = ((b"x-openrtb-version", b"2.6"),)
NO_BID = Reply(204, b"", VERSION)
INVALID_REQUEST = 2  # OpenRTB list "No-Bid Reason Codes"


class RefusedRequest(msgspec.Struct, kw_only=True):
    """The body of a 400: a bid response without bids, and our reason."""

    nbr: int = INVALID_REQUEST
    error: ErrorBody


class BidEndpoint:
    """Decodes, asks the engine, encodes. clock: now in microseconds; new_id: an id that no request had before."""

    def __init__(
        self,
        backend: Seller,
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
        check_request(request, self._options.max_imps)
        found, reason = places(request, self._options)
        if not found:
            return self._no_bid(reason)
        asked = ad_request(request, found, self._options, id=self._new_id(), time_us=self._clock())
        answer = self._backend.auction(asked)
        self._metrics.stages(answer)
        if not answer.winners:
            return self._no_bid(answer.no_bid_reason)
        response = self._outbound.response(request, found, answer)
        return NO_BID if response is None else Reply(200, self._encode(response), VERSION)

    def _withheld(self, reason: str, bid_id: str) -> None:
        self._metrics.no_bid(reason)
        self._backend.release((bid_id,))

    def _no_bid(self, reason: str) -> Reply:
        self._metrics.no_bid(reason)
        return NO_BID


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
