"""Attribution's report: what each ad earned, by which kind of touch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from adcascade.events.attribution.rule import Credit, Line

HOWS = ("click", "view", "direct")
FIGURES = ("orders", "units", "value_micros")


@dataclass(slots=True)
class Earned:
    """Orders, units and value that one kind of touch earned."""

    orders: set[str] = field(default_factory=set)
    units: int = 0
    value_micros: int = 0

    def add(self, line: Line) -> None:
        """One more line."""
        self.orders.add(line.order)
        self.units += line.quantity
        self.value_micros += line.value_micros


def report_of(lines: Sequence[Line], earned: Sequence[Credit | None], names: Sequence[tuple[str, str]]) -> pa.Table:
    """One row an ad, the one that earned most first: campaign, ad, FIGURES, and the same by click, by view, direct.

    earned: as long as `lines`; names: campaign and id by row of the ad. An order whose lines were earned in two ways
    counts once among the ad's orders, and once in each.
    """
    by_ad: dict[int, dict[str, Earned]] = {}
    for line, credit in zip(lines, earned, strict=True):
        if credit is not None:
            kinds = by_ad.setdefault(credit.touch.ad, {how: Earned() for how in ("all", *HOWS)})
            kinds["all"].add(line)
            kinds[credit.how].add(line)
    rows = [_row(names[ad], kinds) for ad, kinds in by_ad.items()]
    rows.sort(key=lambda row: (-int(row["value_micros"]), row["campaign"], row["ad"]))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _columns() -> Iterable[pa.Field]:
    yield pa.field("campaign", pa.string())
    yield pa.field("ad", pa.string())
    for prefix in ("", *(f"{how}_" for how in HOWS)):
        for figure in FIGURES:
            yield pa.field(prefix + figure, pa.int64())


SCHEMA = pa.schema(list(_columns()))


def _row(name: tuple[str, str], kinds: dict[str, Earned]) -> dict[str, str | int]:
    row: dict[str, str | int] = {"campaign": name[0], "ad": name[1]}
    for how, found in kinds.items():
        prefix = "" if how == "all" else f"{how}_"
        row |= {
            f"{prefix}orders": len(found.orders),
            f"{prefix}units": found.units,
            f"{prefix}value_micros": found.value_micros,
        }
    return row


def totals_of(lines: Sequence[Line], earned: Sequence[Credit | None]) -> dict[str, int]:
    """Of all orders of the time: how many there are, are credited, and what all and the credited are worth."""
    credited = [line for line, credit in zip(lines, earned, strict=True) if credit is not None]
    return {
        "orders": len({line.order for line in lines}),
        "credited_orders": len({line.order for line in credited}),
        "value_micros": sum(line.value_micros for line in lines),
        "credited_value_micros": sum(line.value_micros for line in credited),
    }
