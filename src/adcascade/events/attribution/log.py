"""What attribution reads of the log: the lines of orders, then the touches of those who ordered.

The log is read three times, by kind: orders, answers, touches. Held in memory are the lines of the asked time and the
bids that can have earned them; ranked candidates and features are passed over undecoded.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from adcascade.events.attribution.rule import Goods, Line, Rule, Touch
from adcascade.events.brief import Answered, read_brief
from adcascade.events.records import Click, Conversion, Impression, Order, Viewable

NOTHING = Goods("")


Bids = dict[str, tuple[str | None, int]]  # user and row of the ad, by bid id

_bought = msgspec.msgpack.Decoder(Order | Conversion)
_answered = msgspec.msgpack.Decoder(Answered)
_touched = msgspec.msgpack.Decoder(Impression | Viewable | Click)


def read_lines(log: Path, from_us: int, to_us: int, known: Mapping[str, Goods]) -> list[Line]:
    """The lines of the orders from `from_us` until before `to_us`.

    known: goods by product, where the shop told neither parent nor brand. A conversion that belongs to no order in the
    log, as older logs have them, is a line of its own, which only its bid can earn.
    """
    lines: list[Line] = []
    lone: dict[str, list[Line]] = {}  # conversions by what their order would be called
    orders: set[str] = set()
    for _, record in read_brief(log, ("order", "conversion"), _bought):
        if isinstance(record, Order):
            orders.add(record.id)
        if not from_us <= record.time_us < to_us:
            continue
        if isinstance(record, Order):
            lines += _lines(record, known)
        else:
            line = Line(record.id, record.time_us, None, NOTHING, 1, record.value_micros, record.bid_id)
            lone.setdefault(record.id.rpartition(":")[0], []).append(line)
    return lines + [line for order, found in lone.items() if order not in orders for line in found]


def read_touches(
    log: Path, lines: list[Line], rule: Rule, goods_of: Callable[[int], Goods], views: str = "impression"
) -> Iterator[Touch]:
    """The clicks and views of those who ordered, and of the bids that orders name, in order of arrival.

    goods_of: row of an ad -> its goods. views: "impression" or "viewable", what counts as a view.
    """
    if not lines:
        return
    since_us = 0 if rule.longest_us is None else min(line.time_us for line in lines) - rule.longest_us
    bids = _bids(log, lines)
    for _, record in read_brief(log, (views, "click"), _touched):
        found = bids.get(record.bid_id)
        if found is not None and record.time_us >= since_us:
            user, ad = found
            yield Touch(record.time_us, user, record.bid_id, isinstance(record, Click), ad, goods_of(ad))


def _bids(log: Path, lines: list[Line]) -> Bids:
    """Every answered bid that may have earned a line."""
    users = {line.user for line in lines} - {None}
    named = {line.bid_id for line in lines} - {""}
    bids: Bids = {}
    for _, record in read_brief(log, ("auction",), _answered):
        mine = record.user in users
        for sold in record.winners:
            if mine or sold.bid_id in named:
                bids[sold.bid_id] = (record.user, sold.ad)
    return bids


def _lines(order: Order, known: Mapping[str, Goods]) -> list[Line]:
    lines = []
    for line in order.lines:
        catalog = known.get(line.product, NOTHING)
        goods = Goods(line.product, line.parent or catalog.parent, line.brand or catalog.brand)
        lines.append(Line(order.id, order.time_us, order.user, goods, line.quantity, line.price_micros, line.bid_id))
    return lines
