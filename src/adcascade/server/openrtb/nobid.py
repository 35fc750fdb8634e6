"""No bid: 204, or 200 with a reason code, as the house's setting says."""

import msgspec

from adcascade.server.openrtb.objects import BidResponse
from adcascade.server.reply import Headers, Reply

VERSION: Headers = ((b"x-openrtb-version", b"2.6"),)
NO_BID = Reply(204, b"", VERSION)

UNKNOWN, TECHNICAL, INVALID, UNSUITABLE_TIME, INCOMPLETE_CHAIN = 0, 1, 2, 15, 16  # OpenRTB list "No-Bid Reason Codes"
CODES = {
    "incomplete_chain": INCOMPLETE_CHAIN,
    "late": UNSUITABLE_TIME,
    "retrieval-failed": TECHNICAL,
    "log-unhealthy": TECHNICAL,
    "log-full": TECHNICAL,
}


def no_bid(request_id: str, reason: str, status: int) -> Reply:
    """The reply without bids; `reason` is the word that is counted."""
    if status == 204:
        return NO_BID
    body = msgspec.json.encode(BidResponse(id=request_id, nbr=CODES.get(reason, UNKNOWN)))
    return Reply(200, body, VERSION)
