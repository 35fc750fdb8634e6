"""Figures: charts whose x axis is a day or a number, such as a calibration curve; `overview.Chart` is for a clock."""

from typing import Literal

import msgspec

Across = Literal["day", "percent", "money"]
Unit = Literal["ratio", "percent", "count", "money"]


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A row. x: UTC microseconds, a share or an amount; label: what the table says of x; notes: beside the values,
    not drawn."""

    x: float
    label: str
    values: tuple[float | None, ...]
    notes: tuple[str, ...] = ()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Series over x, as a table that the script draws where it has two rows. note_heads: of the rows' notes;
    tight: the y axis need not begin at zero; banded: the series come by threes, a value with the low and the high end
    of its interval."""

    name: str
    title: str
    across: Across
    head: str  # of the rows' labels
    unit: Unit
    series: tuple[str, ...]
    rows: tuple[Spot, ...]
    note_heads: tuple[str, ...] = ()
    tight: bool = False
    banded: bool = False
