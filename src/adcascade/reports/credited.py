"""Another rule of attribution: conversions and their value as it credits orders, instead of as the log names bids.

Without a rule, a conversion is the ad's whose bid the shop named. With one, every line of an order is credited to the
touch that earned it (events/attribution), and counts as one conversion of that touch's ad, at the time of its answer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from adcascade.catalog.snapshot import Snapshot
from adcascade.events.attribution.credits import credits_of
from adcascade.events.attribution.log import NOTHING, read_lines, read_touches
from adcascade.events.attribution.rule import Goods, Rule

FOREVER_US = 2**63 - 1


class Earned(NamedTuple):
    """What a bid's ad earned: lines of orders, and what was paid for them."""

    conversions: int
    value_micros: int


def goods_in(snapshot: Snapshot) -> tuple[Goods, ...]:
    """What each row of a catalog advertises."""
    return tuple(Goods("") if ad is None else Goods(ad.product, ad.parent, ad.brand) for ad in snapshot.ads)


def earned_of(
    journal: Path, rule: Rule, goods: Sequence[Goods], from_us: int, views: str = "impression"
) -> dict[str, Earned]:
    """What each bid earned of the orders from `from_us` on: no order is credited to a later answer.

    goods: by row of the catalog, none of a row beyond it; views: "impression" or "viewable", what counts as a view.
    """
    lines = read_lines(journal, from_us, FOREVER_US, {each.product: each for each in goods})
    earned: dict[str, Earned] = defaultdict(lambda: Earned(0, 0))
    touches = read_touches(journal, lines, rule, lambda row: goods[row] if row < len(goods) else NOTHING, views)
    for line, credit in zip(lines, credits_of(lines, touches, rule), strict=True):
        if credit is not None:
            before = earned[credit.touch.bid_id]
            earned[credit.touch.bid_id] = Earned(before.conversions + 1, before.value_micros + line.value_micros)
    return dict(earned)


def credited(table: pa.Table, earned: Mapping[str, Earned]) -> pa.Table:
    """Facts with `bid_id` and `offered`: conversions and value are those of `earned`, in the row that was offered."""
    nothing = Earned(0, 0)
    found = [
        earned.get(bid_id, nothing) if offered else nothing
        for bid_id, offered in zip(table["bid_id"].to_pylist(), table["offered"].to_pylist(), strict=True)
    ]
    for place, name in enumerate(("conversions", "value_micros")):
        if name in table.column_names:
            values = pa.array([each[place] for each in found], pa.int64())
            table = table.set_column(table.schema.get_field_index(name), name, values)
    return table
