"""The stream of training records that late conversions make of clicks, by each method's protocol.

A click at time c converts after a delay d, or never. Waiting for the whole attribution window w_a would make every
model old; a short observation window w_o shows the record early and lets some labels be wrong:

    once        at c + w_o, with the label d <= w_o                                    Vanilla
    repaired    the same, and once more with label 1 at c + d if w_o < d <= w_a         Vanilla-Win, ES-DFM, DEFUSE
                (with w_o = 0 every click is a negative at first:                       FNW, FNC)
    twice       once, and *every* click again with its final label at min(c + d, c + w_a)       DEFER
    settled     at c + w_a with the final label                                         waiting
    truth       at c with the final label: nobody can know it                           oracle

A record is what a learner sees at its time: an immediate positive (IP), a negative (which may be a fake one), or the
late positive (DP) of a click that was a negative before. Nothing is emitted before its label can be known (the code
that came with the DEFUSE paper stamps originals with the click's time, so that its stream peeks into the future).

Source: "Asymptotically Unbiased Estimation for Delayed Feedback Modeling via Label Correction", arXiv 2202.06472.
Letters in shapes: N clicks, R records.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import InputError

Protocol = Literal["once", "repaired", "twice", "settled", "truth"]
IMMEDIATE: Final = 0  # converted within the observation window; label 1
NEGATIVE: Final = 1  # no conversion was seen; label 0, perhaps a fake one
LATE: Final = 2  # the click again, now with its conversion; label 1
NEVER = -1  # the delay of a click without a conversion

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Records:
    """R records in order of time."""

    click: Ints  # [R] which click
    kind: NDArray[np.uint8]  # [R] IMMEDIATE, NEGATIVE or LATE
    time: Ints  # [R] when the record is there, in the unit of the clicks

    def __len__(self) -> int:
        """R."""
        return len(self.click)

    @property
    def label(self) -> NDArray[np.float32]:
        """The label that the record shows, [R]."""
        shown: NDArray[np.float32] = (self.kind != NEGATIVE).astype(np.float32)
        return shown

    def between(self, start: int, stop: int) -> "Records":
        """Those of start <= time < stop."""
        return self.part(slice(*np.searchsorted(self.time, [start, stop])))

    def part(self, index: slice) -> "Records":
        """Some of them."""
        return Records(self.click[index], self.kind[index], self.time[index])


def records(click_time: Ints, delay: Ints, protocol: Protocol, *, observation: int, attribution: int) -> Records:
    """The stream of N clicks; delay [N] is NEVER (-1) or at least 0, later than `attribution` counts as never.

    All four are in one unit of time. InputError where the windows are not 0 <= observation <= attribution.
    """
    if not 0 <= observation <= attribution:
        raise InputError("observation", observation, f"from 0 to the attribution window, {attribution}")
    converts = (delay >= 0) & (delay <= attribution)
    seen = converts & ((delay <= observation) & (observation > 0))
    every = np.arange(len(click_time))
    final = np.where(converts, LATE, NEGATIVE)
    if protocol in {"settled", "truth"}:
        wait = attribution if protocol == "settled" else 0
        return _ordered(every, np.where(converts, IMMEDIATE, NEGATIVE), click_time + wait)
    first = (every, np.where(seen, IMMEDIATE, NEGATIVE), click_time + observation)
    if protocol == "once":
        return _ordered(*first)
    if protocol == "repaired":
        again = np.flatnonzero(converts & ~seen)
        second = (again, final[again], click_time[again] + delay[again])
    else:
        end = np.where(converts, np.maximum(delay, observation), attribution)
        second = (every, final, click_time + end)
    return _ordered(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


def _ordered(click: Ints, kind: Ints, time: Ints) -> Records:
    order = np.argsort(time, kind="stable")
    return Records(click[order], kind[order].astype(np.uint8), time[order])
