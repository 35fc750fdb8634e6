"""Coding: the values of a feature that trees may tell apart; rare values share the code 0.

Splits ordered by residuals learn the labels of rare values by heart. So a value needs some rows to have a code of its
own, and there are at most 63 of them a feature: the most frequent.

Letters in shapes: n samples, F features.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 50, 63


class FieldCodes(msgspec.Struct, frozen=True, kw_only=True):
    """The codes of one feature: rows[0] has code 1, rows[1] code 2, and so on."""

    name: str
    size: int  # rows are in 0..size-1
    rows: tuple[int, ...]


def fit_codes(names: Sequence[str], sizes: Sequence[int], rows: NDArray[np.integer]) -> tuple[FieldCodes, ...]:
    """Of each feature the values that LEAST samples or more have, the MOST frequent of them; rows: values [n, F]."""
    return tuple(
        FieldCodes(name=name, size=size, rows=_frequent(np.bincount(column, minlength=size)))
        for name, size, column in zip(names, sizes, rows.T, strict=True)
    )


def _frequent(count: NDArray[np.int64]) -> tuple[int, ...]:
    best = np.argsort(-count, kind="stable")[:MOST]
    return tuple(best[count[best] >= LEAST].tolist())


class Coder:
    """Values to codes by table; one without a code of its own is 0."""

    def __init__(self, fields: Sequence[FieldCodes]) -> None:
        """ValueError where the codes of a field are none."""
        self.fields = tuple(fields)
        self._tables = [_table(one) for one in fields]

    @property
    def codes(self) -> int:
        """How many codes the feature with the most has, 0 included."""
        return 1 + max((len(one.rows) for one in self.fields), default=0)

    def __call__(self, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Codes [n, F] of values [n, F]."""
        out = np.empty(rows.shape, np.uint8)
        for f, table in enumerate(self._tables):
            out[:, f] = table[rows[:, f]]
        return out


def _table(one: FieldCodes) -> NDArray[np.uint8]:
    rows = np.array(one.rows, np.int64)
    if len(rows) > 255 or len(np.unique(rows)) < len(rows) or np.any((rows < 0) | (rows >= one.size)):
        raise ValueError(
            f"field {one.name!r} has the codes of {len(rows)} rows; expected different ones below {one.size}"
        )
    table = np.zeros(one.size, np.uint8)
    table[rows] = np.arange(1, len(rows) + 1)
    return table
