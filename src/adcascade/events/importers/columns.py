"""From converted columns to the sample table: types by the declared kind, and the parts of a time."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.events.importers.base import Declaration
from adcascade.events.sample_types import TYPES

CODED = pa.dictionary(pa.int32(), pa.string())


def finish(table: pa.Table, features: Sequence[Declaration], keep: Sequence[str] = ()) -> pa.Table:
    """Reserved columns in their types, then features in the types of their kinds, then `keep` as they are."""
    reserved = [name for name in TYPES if name in table.column_names]
    columns = {name: table[name].cast(TYPES[name], safe=False) for name in reserved}
    columns |= {feature["name"]: as_kind(table[feature["name"]], feature) for feature in features}
    return pa.table(columns | {name: table[name] for name in keep})


def as_kind(column: pa.ChunkedArray, feature: Declaration) -> pa.ChunkedArray:
    """categorical -> dictionary of text, numeric -> float32, sequence -> list of text, vector -> float32 [length]."""
    match feature["kind"]:
        case "categorical":
            return coded(column)
        case "numeric":
            return column.cast(pa.float32(), safe=False)
        case "vector":
            return column.cast(pa.list_(pa.float32(), feature["length"]))
        case _:
            return column.cast(pa.list_(pa.string()))


def coded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text in a dictionary; numbers as they are written."""
    if pa.types.is_dictionary(column.type):
        return column.cast(CODED)
    return column.cast(pa.string()).dictionary_encode().cast(CODED)


def with_clock(table: pa.Table) -> pa.Table:
    """Adds what a time tells a model: hour 0..23 and weekday 0 (Monday) .. 6, both UTC, null where time is."""
    moment = table["time_us"].cast(pa.timestamp("us"))
    return table.append_column("hour", pc.hour(moment)).append_column("weekday", pc.day_of_week(moment))
