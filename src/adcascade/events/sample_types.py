"""The columns of the sample table and their types, and what `samples.json` says; see `samples.py` for the whole."""

from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import InputError

TYPES: dict[str, pa.DataType] = {
    "time_us": pa.int64(),
    "request_id": pa.string(),
    "user": pa.string(),
    "scenario": pa.string(),
    "position": pa.int32(),
    "propensity": pa.float32(),
    "weight": pa.float32(),
    "click": pa.float32(),
    "click_time_us": pa.int64(),
    "conversion": pa.float32(),
    "conversion_time_us": pa.int64(),
    "conversion_value_micros": pa.int64(),
}
RESERVED = tuple(TYPES)
ROW_GROUP = 65_536
PART_ROWS = 4 * ROW_GROUP
MANIFEST = "samples.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `samples.json` says; it is written last, so a folder without it is no sample set."""

    source: str
    rows: int
    parts: list[tuple[str, int]]  # file name, rows; in order
    features: list[dict[str, Any]]  # declarations, see features.feature.Feature
    label: Literal["click", "conversion"] = "click"  # what the source is about
    ordered: bool = False  # time_us is there and never falls


def normal(table: pa.Table) -> pa.Table:
    """The same rows with plain types, the reserved columns checked."""
    if "click" not in table.column_names:
        raise InputError("table", table.column_names, "a column 'click'")
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        wanted = TYPES.get(name, plain(column.type))
        try:
            columns.append(column if column.type == wanted else column.cast(wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(f"column {name}", str(column.type), f"{wanted}", str(error)) from error
    table = pa.table(columns, names=table.column_names)
    _check_label(table, "click", nulls=False)
    _check_label(table, "conversion", nulls=True)
    return table


def _check_label(table: pa.Table, name: str, *, nulls: bool) -> None:
    """Raise InputError where a label is not 0 or 1."""
    if name not in table.column_names:
        return
    values = pc.unique(table[name]).to_pylist()
    wrong = [value for value in values if value not in ((0.0, 1.0, None) if nulls else (0.0, 1.0))]
    if wrong:
        raise InputError(f"column {name}", wrong[0], "0 or 1" + (" or null" if nulls else ""))


def plain(kind: pa.DataType) -> pa.DataType:
    """The type in which a feature column is kept: no large_ types, dictionaries of int32 to string."""
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), plain(kind.value_type))
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(plain(kind.value_type))
    return kind
