"""Timings: a histogram of times that costs less than a microsecond to add to.

prometheus_client's own takes a lock and walks through all bounds with every observation, ten of which are made for one
request. This one belongs to one thread, the event loop's, finds its bound by bisection, and sums up when it is scraped;
what a scrape reads is the same to the letter.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Cell:
    """The times of one label: how many lie below each bound and above the last, and their sum."""

    __slots__ = ("_bounds", "counts", "since", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total_s = 0.0
        self.since = time.time()

    def observe(self, seconds: float) -> None:
        """One more; a time that equals a bound lies below it."""
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total_s += seconds


class Timings(Collector):
    """Times by the values of one label. bounds: seconds, rising."""

    def __init__(self, name: str, meaning: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._meaning, self._label = name, meaning, label
        self._bounds = bounds
        self._names = [floatToGoString(bound) for bound in (*bounds, float("inf"))]  # type: ignore[no-untyped-call]
        self._cells: dict[str, Cell] = {}

    def of(self, value: str) -> Cell:
        """The times of one value of the label; the same object each time."""
        cell = self._cells.get(value)
        if cell is None:
            cell = self._cells[value] = Cell(self._bounds)
        return cell

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family, each bound's count with those below it."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=(self._label,))
        for value, cell in self._cells.items():
            buckets = list(zip(self._names, accumulate(cell.counts), strict=True))
            family.add_metric((value,), buckets, cell.total_s)
            family.add_sample(f"{self._name}_created", {self._label: value}, cell.since)
        yield family
