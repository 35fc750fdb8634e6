"""From plain Python values to Arrow columns of one type, decided over a whole log before its first table."""

from collections.abc import Iterable, Sequence, Sized

import pyarrow as pa

from adcascade.errors import InputError

NUMBERS = (int, float)


class ColumnType:
    """The type that holds every value observed: null < int64 < float64 < string, or a list of one kind.

    Where numbers meet texts, text wins; where lists meet single values, the value becomes a list of one.
    Lists of numbers become float32 vectors, of fixed size where all have the same length.
    """

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._lengths: set[int] = set()

    def observe(self, values: Iterable[object]) -> None:
        """Take these values into account."""
        for value in values:
            kind = _kind(value)
            self._kinds.add(kind)
            if kind == "vector" and isinstance(value, Sized):
                self._lengths.add(len(value))

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type; a column without any value is text."""
        kinds = self._kinds
        if "texts" in kinds or ("vector" in kinds and kinds & {"text", "int", "float"}):
            return pa.list_(pa.string())
        if "vector" in kinds:
            return pa.list_(pa.float32(), *self._lengths) if len(self._lengths) == 1 else pa.list_(pa.float32())
        if "text" in kinds or not kinds & {"int", "float"}:
            return pa.string()
        return pa.float64() if "float" in kinds else pa.int64()


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, (list, tuple)):
        return "vector" if value and all(isinstance(item, NUMBERS) for item in value) else "texts"
    raise InputError("feature", value, "a text, a number, a list of them, or None")


def column(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """The values as an array of the type that a ColumnType decided."""
    if pa.types.is_string(kind):
        values = [None if value is None else str(value) for value in values]
    elif pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        values = [None if value is None else _texts(value) for value in values]
    return pa.array(values, kind)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
