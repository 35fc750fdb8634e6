"""Rounds: the variants of one hot path take turns, so that a noisy neighbour meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Clock = Callable[[], float]


class Figure(NamedTuple):
    """The median of some measurements, and half the distance of their quartiles as a share of it."""

    median: float
    spread: float


def figure(measured: Sequence[float]) -> Figure:
    """Of at least one measurement."""
    median = statistics.median(measured)
    if len(measured) < 2 or median == 0:
        return Figure(median, 0.0)
    low, _, high = statistics.quantiles(measured, n=4, method="inclusive")
    return Figure(median, (high - low) / 2 / abs(median))


def alternate(
    calls: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm: int = 1,
    clock: Clock = time.thread_time,
) -> dict[str, list[float]]:
    """Seconds of each call by name, A B A B ...: `rounds` numbers each, after `warm` rounds that are not counted.

    clock: CPU time of this thread, which neighbours hardly touch; `time.perf_counter` where a call uses other threads,
    processes or the disk; `time.process_time` for CPU time of all threads.
    """
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-warm, rounds):
        for name, call in calls.items():
            start = clock()
            call()
            if number >= 0:
                spent[name].append(clock() - start)
    return spent


def rates(seconds: Sequence[float], amount: float) -> list[float]:
    """`amount` things in each of these times -> things a second."""
    return [amount / second for second in seconds]
