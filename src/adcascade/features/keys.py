"""Keys: the one written form of a categorical value, and its hash that never changes.

A value may come as text, as a number of a Parquet column or as a number of a JSON request; all three
must find the same row. So a value is first written as text: 7, 7.0 and "7" are the same key.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.errors import InputError


def key_of(value: object, name: str = "value") -> str | None:
    """The text of a categorical value; None where it is missing (None, "", NaN).

    Whole numbers are written without a point, booleans as "true" and "false", other numbers by repr.
    Raises InputError, naming the column `name`, for anything else (a list, a dictionary).
    """
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number_key(value)
    raise InputError(name, value, "text or a number", "pass one value, or declare the column as a sequence")


def _number_key(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


@njit(cache=True)
def hash_bytes(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """64-bit FNV-1a of data[start:stop], its bits then mixed as in MurmurHash3 (so that low bits are good)."""
    h = np.uint64(14695981039346656037)
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * np.uint64(1099511628211)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))  # type: ignore[return-value]


def hash_text(text: str) -> int:
    """The same hash of the text's UTF-8 bytes, 0 <= hash < 2**64; equal on every machine and in every run."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return int(hash_bytes(data, 0, len(data)))
