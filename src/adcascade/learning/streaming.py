"""Predict, then update: who may score which stretch of a stream.

    boundary_k    = k refresh, from the first one that leaves warm_up behind it
    train_k       = (-inf, boundary_k - delay)
    score_k       = [boundary_k, boundary_{k+1})

A stretch is scored by a teacher that has learned from what came before it alone, and joins the teacher's data only
afterwards: the label of an impression never reaches its own prediction. `delay` is how late the teacher's data ends.
Boundaries are whole multiples of `refresh` since the epoch, so whoever asks again later gets the same ones.
"""

from typing import NamedTuple

from adcascade.errors import InputError


class Period(NamedTuple):
    """Times in one unit, of which each interval's end is outside."""

    train_until: int
    score_from: int
    score_until: int


def predict_then_update(start: int, end: int, *, warm_up: int, refresh: int, delay: int = 0) -> list[Period]:
    """The periods of a stream over [start, end), in order; the last may be cut short by its end.

    >>> predict_then_update(3, 25, warm_up=5, refresh=10)
    [Period(train_until=10, score_from=10, score_until=20), Period(train_until=20, score_from=20, score_until=25)]
    """
    for name, value, least in (("refresh", refresh, 1), ("warm_up", warm_up, 0), ("delay", delay, 0)):
        if value < least:
            raise InputError(name, value, f"at least {least}")
    first = -(-(start + warm_up + delay) // refresh) * refresh
    return [Period(at - delay, at, min(at + refresh, end)) for at in range(first, end, refresh)]
