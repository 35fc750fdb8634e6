"""What is read of bids in Redis, a part at a time: what they were charged, and what was given back."""

from collections.abc import Sequence

from adcascade.money.charged import Charged, charged_of
from adcascade.money.redis.line import RedisLine, key
from adcascade.money.redis.mirror import entry_in


def charged(line: RedisLine, bids: Sequence[str]) -> dict[str, Charged]:
    """Those of the bids that were charged: the bookings of each are two at most, one behind the other."""
    places = line.client.hmget(key("bids"), list(bids)) if bids else []
    pipeline = line.client.pipeline(transaction=False)
    for place in places:
        if place is not None:
            pipeline.xrange(key("bookings"), f"{int(place)}-0", f"{int(place) + 1}-0")
    entries = [entry_in(fields) for rows in pipeline.execute() for _, fields in rows]
    known = {(e.bid_id, e.event, e.kind, e.micros) for e in entries if e.kind in ("charge", "fee")}
    wanted = set(bids)
    return charged_of((bid, event, micros) for bid, event, _, micros in known if bid in wanted)


def refunded(line: RedisLine, cursor: int, count: int) -> tuple[int, dict[str, int]]:
    """Where to go on (0: at the end), and about `count` bids with what each was refunded; one may come twice."""
    following, part = line.client.hscan(key("refunds"), cursor, count=count)
    return int(following), {bid.decode(): int(micros) for bid, micros in part.items()}
