"""Row: one figure of a benchmark, what stands beside it, and whether its bar holds."""

import statistics
from typing import Any, Literal

import msgspec


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold: the ratio to the peer, or the value itself, is at least or at most a number."""

    of: Literal["ratio", "value"]
    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        """For tables: `ratio >= 4`."""
        parts = []
        if self.least is not None:
            parts.append(f"{self.of} >= {self.least:g}")
        if self.most is not None:
            parts.append(f"{self.of} <= {self.most:g}")
        return " and ".join(parts)

    def holds(self, number: float) -> bool:
        """Whether the number keeps the bar; NaN never does."""
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure.

    value: the median over the rounds, in `unit`; spread: half the distance of its quartiles, as a share of the median.
    peer: who ran in the same rounds, and `peer_value` its median in the same unit; ratio: value / peer_value, or where
    `turned` peer_value / value (for times and bytes), always so that more is better for us, unless the bar says "at
    most". floor: what the hardware allows, in the same unit. A row without a bar informs and judges nothing.
    ratios: those of several runs, of which the median then counts.
    """

    name: str
    value: float
    unit: str
    spread: float = 0.0
    peer: str = ""
    peer_value: float | None = None
    turned: bool = False
    floor: float | None = None
    floor_of: str = ""
    bar: Bar | None = None
    note: str = ""
    ratios: tuple[float, ...] = ()

    @property
    def ratio(self) -> float | None:
        """How we stand to the peer; None where no peer ran."""
        if self.peer_value is None:
            return None
        if self.ratios:
            return statistics.median(self.ratios)
        above, below = (self.peer_value, self.value) if self.turned else (self.value, self.peer_value)
        return above / below if below else float("inf")

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None without a bar. A bar of a ratio does not hold where no peer ran."""
        if self.bar is None:
            return None
        number = self.value if self.bar.of == "value" else self.ratio
        return number is not None and self.bar.holds(number)

    def plain(self) -> dict[str, Any]:
        """For JSON: all fields, the ratio and the verdict; the bar as text."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "spread": self.spread,
            "peer": self.peer or None,
            "peer_value": self.peer_value,
            "ratio": self.ratio,
            "floor": self.floor,
            "floor_of": self.floor_of or None,
            "bar": str(self.bar) if self.bar else None,
            "holds": self.holds,
            "note": self.note or None,
        }
