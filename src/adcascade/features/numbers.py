"""Numbers: what a numeric column means to a model, as a standardised number or as a bin.

Missing is null or NaN. Values beyond what fitting saw, infinities included, count as the nearest
value that it did see. With `log`, x is first replaced by sign(x) log(1 + |x|).
"""

import math

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adcascade.errors import InputError


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """z = (x - mean) / deviation with x clipped to [low, high]; missing is z = 0.

    Where fitting saw missing values, a second number says 1 for missing and 0 otherwise.
    """

    mean: float
    deviation: float
    low: float
    high: float
    indicator: bool
    log: bool = False

    @property
    def width(self) -> int:
        """How many numbers: 1, or 2 with the indicator."""
        return 2 if self.indicator else 1

    def one(self, value: object, name: str) -> tuple[float, ...]:
        """The number or two of one Python value of the column `name`."""
        x = number_of(value, name)
        missing = math.isnan(x)
        if missing:
            z = 0.0
        else:
            x = signed_log(x) if self.log else x
            z = (min(max(x, self.low), self.high) - self.mean) / self.deviation
        return (z, float(missing)) if self.indicator else (z,)

    def many(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 [n], NaN is missing -> [n, width]."""
        missing = np.isnan(x)
        x = signed_logs(x) if self.log else x
        z = np.where(missing, 0.0, (np.clip(x, self.low, self.high) - self.mean) / self.deviation)
        return np.stack((z, missing.astype(np.float64)), axis=1) if self.indicator else z[:, None]


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """Local rows of a binned number: 0 missing, 1 never used, 2 + how many edges lie at or below x."""

    edges: tuple[float, ...]
    log: bool = False

    @property
    def size(self) -> int:
        """How many local rows."""
        return 3 + len(self.edges)

    def one(self, value: object, name: str) -> int:
        """The row of one Python value of the column `name`."""
        x = number_of(value, name)
        return 0 if math.isnan(x) else int(self.many(np.array([x]))[0])

    def many(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """float64 [n], NaN is missing -> int64 [n]."""
        y = signed_logs(x) if self.log else x
        rows = 2 + np.searchsorted(np.asarray(self.edges), y, side="right")
        return np.where(np.isnan(x), 0, rows)


def number_of(value: object, name: str) -> float:
    """One Python value as a number, NaN where missing; InputError, naming the column, for text and the like."""
    if value is None:
        return math.nan
    if isinstance(value, int | float | np.generic):
        return float(value)
    raise InputError(name, value, "a number", "send a JSON number, or declare the column as categorical")


def numbers_of(values: pa.Array, name: str) -> NDArray[np.float64]:
    """An Arrow array [n] of numbers -> float64 [n], NaN where null."""
    kind = values.type
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if pa.types.is_dictionary(kind):
        values, kind = values.dictionary_decode(), kind.value_type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise InputError(name, str(kind), "a column of numbers", "declare it as categorical, or mend the import")
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    found: NDArray[np.float64] = (
        pc.cast(values, pa.float64(), safe=False).fill_null(math.nan).to_numpy(zero_copy_only=False)
    )
    return found


def signed_log(x: float) -> float:
    """sign(x) log(1 + |x|).

    >>> round(signed_log(-math.e + 1), 6)
    -1.0
    """
    return math.copysign(math.log1p(abs(x)), x)


def signed_logs(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """sign(x) log(1 + |x|), elementwise."""
    return np.copysign(np.log1p(np.abs(x)), x)
