"""Rows of catalog files: JSON lines, CSV and Parquet as flat dictionaries, read and written.

A row has the fields of the noun; those of the targeting stand beside them as `targeting.scenarios` and so
on. CSV has lists as `a|b` or as JSON; `creatives` and `attributes` are JSON in CSV and Parquet. An empty
cell is a field that is not given.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import DataMissingError, InputError, RowError, StoreError

Row = dict[str, Any]
Read = Iterator[tuple[int, Row | RowError]]
Types = Mapping[str, pa.DataType]
Choice = TypeVar("Choice")
BLOCK = 10_000  # rows of a Parquet file in memory at once
UNREADABLE = "the whole row"  # as column of an error


def read_rows(path: Path) -> Read:
    """(number, row) of each row, 1 is the first; a row that cannot be read comes as its error.

    DataMissingError where there is no such file, InputError for a suffix that is none of ours.
    """
    read: Callable[[Path], Read] = _by_suffix(path, _read_lines, _read_csv, _read_arrow)
    if not path.is_file():
        raise DataMissingError(f"{path} does not exist; give the path of a file")
    return read(path)


def write_rows(path: Path, rows: Iterable[Row], columns: Types) -> None:
    """Write flat rows that have exactly these columns; the suffix decides how."""
    write: Callable[[Path, Iterable[Row], Types], None] = _by_suffix(path, _write_lines, _write_csv, _write_arrow)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, rows, columns)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error


def _by_suffix(path: Path, lines: Choice, comma: Choice, arrow: Choice) -> Choice:
    choices = {".jsonl": lines, ".ndjson": lines, ".csv": comma, ".parquet": arrow}
    if path.suffix.lower() not in choices:
        raise InputError("file", path.name, f"a name that ends in {', '.join(choices)}", "convert or rename it")
    return choices[path.suffix.lower()]


def _read_lines(path: Path) -> Read:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, UnicodeDecodeError):
                yield number, RowError(path.name, number, UNREADABLE, line[:80], "a JSON object in one line")


def _read_csv(path: Path) -> Read:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        number = 0
        while True:
            number += 1
            try:
                row = next(reader, None)
            except (csv.Error, UnicodeDecodeError) as error:
                yield number, RowError(path.name, number, UNREADABLE, str(error), "comma-separated UTF-8 text")
                return
            if row is None:
                return
            if None in row or None in row.values():
                cells = sum(value is not None for name, value in row.items() if name) + len(row.get(None) or ())
                expected = f"{len(reader.fieldnames or ())} cells, as the first line names"
                yield number, RowError(path.name, number, UNREADABLE, f"{cells} cells", expected)
                continue
            yield number, {name: value for name, value in row.items() if value != ""}


def _read_arrow(path: Path) -> Read:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BLOCK):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: value for name, value in row.items() if value is not None}
    except pa.ArrowInvalid as error:
        yield number + 1, RowError(path.name, number + 1, UNREADABLE, str(error), "a row of a Parquet file")


def _write_lines(path: Path, rows: Iterable[Row], columns: Types) -> None:  # noqa: ARG001  JSON needs no types
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode({name: v for name, v in row.items() if v is not None}) + b"\n")


def _write_csv(path: Path, rows: Iterable[Row], columns: Types) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row[name]) for name in columns])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return _json(value)
    if isinstance(value, list | tuple):
        plain = all(isinstance(item, str) and item and "|" not in item and item[0] not in "[{" for item in value)
        return "|".join(value) if plain else _json(value)
    return str(value)


def _write_arrow(path: Path, rows: Iterable[Row], columns: Types) -> None:
    table: dict[str, list[object]] = {name: [] for name in columns}
    for row in rows:
        for name, kind in columns.items():
            value = row[name]
            table[name].append(_json(value) if kind == pa.string() and not isinstance(value, str | None) else value)
    pq.write_table(pa.table({n: pa.array(table[n], kind) for n, kind in columns.items()}), path, compression="zstd")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
