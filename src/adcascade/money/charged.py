"""What bids were charged: the price with its fee, and the event that was billed; and what of it was given back."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

CHARGED_BIDS = "SELECT bid_id, event, micros FROM bookings WHERE bid_id IN (...) AND kind <> 'refund'"
REFUNDED_BIDS = (
    "SELECT bid_id, CAST(sum(micros) AS BIGINT) FROM bookings WHERE kind = 'refund' AND bid_id IS NOT NULL"
    " GROUP BY bid_id"
)


class Charged(NamedTuple):
    """Micros booked for a bid, refunds not taken off, and the id of the event that was billed."""

    event: str
    micros: int


def charged_of(bookings: Iterable[tuple[str, str | None, int]]) -> dict[str, Charged]:
    """By bid id, of (bid id, event, micros) of bookings that are no refunds: a price and its fee are two."""
    micros: dict[str, int] = defaultdict(int)
    events: dict[str, str] = {}
    for bid_id, event, booked in bookings:
        micros[bid_id] += booked
        events[bid_id] = event or ""
    return {bid_id: Charged(events[bid_id], booked) for bid_id, booked in micros.items()}
