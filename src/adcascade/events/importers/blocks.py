"""A file of some format, text or Parquet or JSON lines, as checked and converted blocks of its columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.events.importers.badrows import BadRows, Fault
from adcascade.events.importers.base import Options
from adcascade.events.importers.fields import Field, parse
from adcascade.events.importers.jsonlines import first_names, is_json, json_blocks
from adcascade.events.importers.text import Block, Dialect, header, text_blocks


def column_names(path: Path, dialect: Dialect) -> tuple[str, ...]:
    """The columns that the file has; of JSON lines those of the first line."""
    if is_parquet(path):
        with _parquet(path) as file:
            return tuple(file.schema_arrow.names)
    if is_json(path):
        return first_names(path)
    return header(path, dialect)


def read_blocks(path: Path, fields: Sequence[Field], dialect: Dialect, options: Options) -> Iterator[pa.Table]:
    """The fields of a file in its order, converted; malformed rows are refused or left out as `options.bad` says.

    A file named .jsonl, .ndjson or .json is read as JSON lines, .parquet or .pq as Parquet, any other as text.
    Raises RowError on a malformed row where reading shall stop, InputError where a column is missing.
    """
    for table, _ in read_numbered(path, fields, dialect, options):
        yield table


def read_numbered(
    path: Path, fields: Sequence[Field], dialect: Dialect, options: Options
) -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
    """The same, with the number of every row in its file."""
    names = column_names(path, dialect)
    if is_json(path):  # every row names its columns, and what one lacks is missing
        names = tuple(dict.fromkeys((*names, *(name for field in fields for name in field.names))))
    chosen = choose(path, fields, names)
    for block in _raw(path, sorted(set(chosen.values())), dialect, options):
        yield convert(path, block, fields, chosen, options.bad)


def first_rows(path: Path, dialect: Dialect, options: Options) -> pa.Table:
    """All columns of the first block as they stand in the file: text is binary."""
    block = next(_raw(path, column_names(path, dialect), dialect, options), None)
    if block is None:
        raise InputError(path.name, "an empty file", "at least one row")
    return block.table


def _raw(path: Path, wanted: Sequence[str], dialect: Dialect, options: Options) -> Iterator[Block]:
    """The columns of a file as they stand in it."""
    if is_parquet(path):
        return _parquet_blocks(path, wanted, options.block_rows)
    if is_json(path):
        return json_blocks(path, wanted, options.block_bytes)
    return text_blocks(path, wanted, dialect, options.block_bytes)


def choose(path: Path, fields: Sequence[Field], names: Sequence[str]) -> dict[str, str]:
    """Which column of the file each field is: name of the field -> name in the file; optional ones may be absent."""
    chosen = {}
    for field in fields:
        there = [name for name in field.names if name in names]
        if there:
            chosen[field.name] = there[0]
        elif not field.optional:
            raise InputError(
                f"{path.name}, columns",
                ", ".join(names),
                f"a column {' or '.join(repr(name) for name in field.names)}",
                "is it the file of this format, with its header?",
            )
    return chosen


def convert(
    path: Path, block: Block, fields: Sequence[Field], chosen: dict[str, str], bad: BadRows
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The block's rows that are well formed, every field in its type, and their numbers."""
    faults, columns = list(block.broken), []
    for field in fields:
        if field.name not in chosen:
            columns.append(pa.nulls(len(block.numbers), field.type))
            continue
        raw = _one(block.table[chosen[field.name]])
        values, wrong = parse(raw, field)
        columns.append(values)
        faults += [_fault(int(row), block, raw, field, chosen) for row in np.flatnonzero(wrong)]
    table = pa.table(columns, names=[field.name for field in fields])
    if not faults:
        return table, block.numbers
    keep = bad.judge(path, faults, block.numbers)
    return table.filter(pa.array(keep)), block.numbers[keep]


def is_parquet(path: Path) -> bool:
    """Whether the file is Parquet by its name."""
    return path.suffix in (".parquet", ".pq")


def _fault(row: int, block: Block, raw: pa.Array, field: Field, chosen: dict[str, str]) -> Fault:
    """What is wrong with one value of a block."""
    value = raw[row].as_py()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    expected = field.expected if value is not None else f"there, though it must be: {field.expected}"
    return Fault(int(block.numbers[row]), chosen[field.name], value, expected)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """One array, decoded where it was a dictionary."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _parquet_blocks(path: Path, wanted: Sequence[str], block_rows: int) -> Iterator[Block]:
    """The columns of a Parquet file, in its types."""
    place = 0
    with _parquet(path) as file:
        for batch in file.iter_batches(block_rows, columns=list(wanted)):
            yield Block(pa.Table.from_batches([batch]), np.arange(place + 1, place + len(batch) + 1))
            place += len(batch)


def _parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; InputError where it is none."""
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise InputError(path.name, str(error), "a Parquet file", "is it whole?") from error
