"""Field: what a column of a source file must hold, and its vectorised conversion.

A whole block is cast at once; only where that fails is it halved until the offending rows stand alone,
so that good files pay one cast a column and bad rows are found by the very rule that accepts the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Kind = Literal["text", "integer", "number", "flag", "time", "list", "vector"]
Mask = NDArray[np.bool_]
EPOCHS = {"s": 1_000_000, "ms": 1_000, "us": 1}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a file.

    kind -> type it becomes: text -> string, integer -> int64, number -> float64, flag -> float32 (0 or 1),
    time -> int64 microseconds, list -> list of string, vector -> list of float32.
    """

    name: str  # of the column it becomes
    kind: Kind = "text"
    source: tuple[str, ...] = ()  # names it may have in the file; empty: `name`
    required: bool = False  # an empty value is a fault
    optional: bool = False  # the file may lack the column; then it is all null
    low: float | None = None
    high: float | None = None
    pattern: str = ""  # text: regular expression that the whole value must match
    format: str = "iso"  # time: "iso", "s", "ms", "us" since 1970, or a strptime pattern; "+ms": three more digits
    separator: str = "|"  # list and vector, where the file has them as text
    length: int = 0  # vector: how many numbers it must have; 0: any

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the column may have in a file."""
        return self.source or (self.name,)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type that it becomes."""
        return TYPES[self.kind]

    @property
    def expected(self) -> str:
        """What would be right, for the error message."""
        return _range(self, _nouns(self))


TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.float32(),
    "time": pa.int64(),
    "list": pa.list_(pa.string()),
    "vector": pa.list_(pa.float32()),
}


def parse(column: pa.Array, field: Field) -> tuple[pa.Array, Mask]:
    """The column converted, [n] of `field.type`, and where it holds what it must not, bool [n] (null there)."""
    values, bad = _bisect(column, _converter(field, column.type), field.type)
    outside = _outside(values, field)
    if field.required:
        outside = outside | values.is_null().to_numpy(zero_copy_only=False)
    return values, bad | outside


def _bisect(column: pa.Array, convert: Callable[[pa.Array], pa.Array], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Convert all at once, or halve until the wrong values stand alone."""
    try:
        return convert(column), np.zeros(len(column), np.bool_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        if len(column) == 1:
            return pa.nulls(1, kind), np.ones(1, np.bool_)
    middle = len(column) // 2
    left, left_bad = _bisect(column.slice(0, middle), convert, kind)
    right, right_bad = _bisect(column.slice(middle), convert, kind)
    return pa.concat_arrays([left, right]), np.concatenate([left_bad, right_bad])


def _converter(field: Field, given: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    """How an array of the given type becomes the field's type; it raises ArrowInvalid on a bad value."""
    textual = pa.types.is_binary(given) or pa.types.is_string(given) or pa.types.is_large_string(given)
    match field.kind:
        case "time":
            return lambda column: _times(_text(column) if textual else column, field.format)
        case "list" | "vector":
            return lambda column: _lists(_text(column) if textual else column, field)
        case "number" | "flag":
            return lambda column: _numbers(_text(column) if textual else column, field.type)
        case _:
            return lambda column: (_text(column) if textual else column).cast(field.type)


def _text(column: pa.Array) -> pa.Array:
    """Strings of bytes; raises ArrowInvalid where they are not UTF-8."""
    return column.cast(pa.string())


def _numbers(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Numbers; "not a number" is missing."""
    values = column.cast(pa.float64())
    missing = pc.fill_null(pc.is_nan(values), False)
    return pc.if_else(missing, pa.scalar(None, pa.float64()), values).cast(kind, safe=False)


def _times(column: pa.Array, format_: str) -> pa.Array:
    """Microseconds since 1970 of times without a zone (taken as UTC) or with one."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return column.cast(pa.timestamp("us", getattr(column.type, "tz", None))).cast(pa.int64())
    if format_ in EPOCHS:
        return _epochs(column, EPOCHS[format_])
    if format_.endswith("+ms"):
        return _with_milliseconds(column.cast(pa.string()), format_.removesuffix("+ms"))
    if format_ != "iso":
        return pc.strptime(column.cast(pa.string()), format_, unit="us", error_is_null=False).cast(pa.int64())
    try:
        return column.cast(pa.timestamp("us")).cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())


def _with_milliseconds(column: pa.Array, format_: str) -> pa.Array:
    """Times whose last three characters are milliseconds."""
    whole = pc.strptime(pc.utf8_slice_codeunits(column, 0, -3), format_, unit="us", error_is_null=False)
    thousandths = pc.utf8_slice_codeunits(column, -3).cast(pa.int64())
    return pc.add(whole.cast(pa.int64()), pc.multiply(thousandths, 1000))


def _epochs(column: pa.Array, scale: int) -> pa.Array:
    """Numbers since 1970, whole or not, times the unit in microseconds."""
    try:
        return pc.multiply_checked(column.cast(pa.int64()), scale)
    except pa.ArrowInvalid:
        return pc.multiply(column.cast(pa.float64()), scale).cast(pa.int64(), safe=False)


def _lists(column: pa.Array, field: Field) -> pa.Array:
    """Lists, or text that is split into them."""
    if pa.types.is_string(column.type):
        column = pc.split_pattern(column, field.separator)
    return column.cast(field.type)


def _outside(values: pa.Array, field: Field) -> Mask:
    """Where a converted value breaks the field's range, flag or pattern."""
    wrong = np.zeros(len(values), np.bool_)
    if field.kind == "text" and field.pattern:
        fits = pc.match_substring_regex(values, f"^(?:{field.pattern})$")
        wrong |= ~_plain(fits, default=True)
    if field.kind == "flag":
        wrong |= ~_plain(pc.is_in(values, pa.array([0, 1, None], pa.float32())), default=True)
    if field.length:
        wrong |= ~_plain(pc.equal(pc.list_value_length(values), field.length), default=True)
    if field.kind in ("integer", "number"):
        numbers = pc.fill_null(values, field.low or 0).to_numpy(zero_copy_only=False)
        wrong |= ~np.isfinite(numbers)
        wrong |= numbers < (-np.inf if field.low is None else field.low)
        wrong |= numbers > (np.inf if field.high is None else field.high)
        wrong &= _plain(values.is_valid(), default=False)
    return wrong


def _plain(mask: pa.Array, *, default: bool) -> Mask:
    """A mask without nulls."""
    flags: Mask = pc.fill_null(mask, default).to_numpy(zero_copy_only=False)
    return flags


def _nouns(field: Field) -> str:
    """What a value of this kind is called."""
    nouns: dict[Kind, str] = {
        "text": f"text like {field.pattern}" if field.pattern else "text in UTF-8",
        "integer": "an integer",
        "number": "a number",
        "flag": "0 or 1",
        "time": _time_noun(field.format),
        "list": f"a list, or text with {field.separator!r} between the items",
        "vector": f"{_many(field.length)} numbers, or text with {field.separator!r} between them",
    }
    return nouns[field.kind]


def _many(length: int) -> str:
    """The beginning of a vector's description."""
    return f"a list of {length}" if length else "a list of"


def _time_noun(format_: str) -> str:
    """What a time of this format looks like."""
    if format_ in EPOCHS:
        return f"a time in {format_} since 1970"
    return "a time like 2017-11-06 16:00:00" if format_ == "iso" else f"a time like {format_}"


def _range(field: Field, noun: str) -> str:
    """The noun with its bounds."""
    if field.low is not None and field.high is not None:
        noun += f" from {field.low:g} to {field.high:g}"
    elif field.low is not None:
        noun += f" of at least {field.low:g}"
    return noun
