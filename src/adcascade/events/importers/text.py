"""Delimited text, gzip or bzip2 or plain, as blocks of undecoded columns with the number of every row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.events.importers.badrows import Fault


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text file is written. `columns` names them where the file has no header."""

    delimiter: str = ","  # one character, or more (as "::"), then without quotes
    columns: tuple[str, ...] = ()
    quotes: bool = True
    nulls: tuple[str, ...] = ("",)  # values that mean missing
    encoding: str = "utf8"  # or "latin-1"


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows: their columns as they stand in the file, their numbers in it, and rows that are no rows at all."""

    table: pa.Table
    numbers: NDArray[np.int64]  # [n], 1 is the first data row; blank lines are not counted
    broken: tuple[Fault, ...] = ()


def header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    """The names of the columns."""
    if dialect.columns:
        return dialect.columns
    with open_stream(path) as stream:
        line = stream.read(1 << 20).decode("utf-8-sig", "replace").split("\n", 1)[0].rstrip("\r")
    return tuple(name.strip('" ') if dialect.quotes else name.strip() for name in line.split(dialect.delimiter))


def text_blocks(path: Path, wanted: Sequence[str], dialect: Dialect, block_bytes: int) -> Iterator[Block]:
    """The wanted columns, binary, block by block; a row with too few or too many columns is named in `broken`.

    Raises InputError where a line is longer than a block.
    """
    if len(dialect.delimiter) > 1:
        yield from _split_blocks(path, dialect, block_bytes)
        return
    names = header(path, dialect)
    skipped: list[Fault] = []

    def note(row: pa_csv.InvalidRow) -> str:
        number = row.number - (0 if dialect.columns else 1)
        expected = f"{row.expected_columns} columns (the line has {row.actual_columns})"
        skipped.append(Fault(number, "(the line)", row.text[:60], expected))
        return "skip"

    numbering = _Numbering(skipped)
    with open_stream(path) as stream:
        try:
            reader = _reader(stream, wanted, dialect, names, (note, block_bytes))
            for batch in reader:
                yield Block(pa.Table.from_batches([batch]), *numbering.take(len(batch)))
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise InputError(path.name, str(error), "delimited text", "is it the file of this format?") from error
    if rest := numbering.rest():
        yield Block(pa.table({name: pa.array([], pa.binary()) for name in wanted}), np.empty(0, np.int64), rest)


def _reader(
    stream: pa.NativeFile,
    wanted: Sequence[str],
    dialect: Dialect,
    names: Sequence[str],
    how: tuple[Callable[[pa_csv.InvalidRow], str], int],
) -> pa_csv.CSVStreamingReader:
    """Arrow's reader of the wanted columns as bytes; how: what is called for a broken row, and the size of a block."""
    note, block_bytes = how
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            use_threads=False,
            encoding=dialect.encoding,
            block_size=block_bytes,
            column_names=list(names),
            skip_rows=0 if dialect.columns else 1,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=dialect.delimiter, quote_char='"' if dialect.quotes else False, invalid_row_handler=note
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.binary()),
            include_columns=list(wanted),
            strings_can_be_null=True,
            null_values=list(dialect.nulls),
        ),
    )


def _split_blocks(path: Path, dialect: Dialect, block_bytes: int) -> Iterator[Block]:
    """The same for a delimiter of several characters."""
    number = 0
    for lines in line_blocks(path, block_bytes):
        rows = [line.rstrip(b"\r").decode(dialect.encoding, "surrogateescape") for line in lines]
        cells = [row.split(dialect.delimiter) for row in rows]
        whole = np.array([len(row) == len(dialect.columns) for row in cells], np.bool_)
        numbers = np.arange(number + 1, number + len(rows) + 1)
        number += len(rows)
        broken = tuple(
            Fault(
                int(numbers[i]),
                "(the line)",
                rows[i][:60],
                f"{len(dialect.columns)} columns (the line has {len(cells[i])})",
            )
            for i in np.flatnonzero(~whole)
        )
        good = [row for row, fits in zip(cells, whole, strict=True) if fits]
        columns = {
            name: pa.array([_bytes(row[k]) for row in good], pa.binary()) for k, name in enumerate(dialect.columns)
        }
        yield Block(pa.table(columns), numbers[whole], broken)


def _bytes(cell: str) -> bytes | None:
    """A cell as it stood in the file; None where it is empty."""
    return cell.encode("utf-8", "surrogateescape") or None


def line_blocks(path: Path, block_bytes: int) -> Iterator[list[bytes]]:
    """The lines of a text file that are not blank, about `block_bytes` at a time.

    Raises InputError where a line is longer than that.
    """
    left = b""
    with open_stream(path) as stream:
        while piece := stream.read(block_bytes):
            *lines, left = (left + piece).split(b"\n")
            if len(left) > block_bytes:
                raise InputError(path.name, left[:60], f"lines of at most {block_bytes:,} bytes", "is it text?")
            yield [line for line in lines if line.strip()]
    if left.strip():
        yield [left]


class _Numbering:
    """Numbers the rows that stayed, leaving out the numbers of those that the parser dropped."""

    def __init__(self, dropped: list[Fault]) -> None:
        self._dropped = dropped  # filled by the parser, which may be ahead of us
        self._last = 0  # number of the last row handed out

    def take(self, rows: int) -> tuple[NDArray[np.int64], tuple[Fault, ...]]:
        """The numbers of the next `rows` good rows, and the faults that stand before the last of them."""
        broken = np.array([fault.row for fault in self._dropped], np.int64)
        place = self._last + np.arange(1, rows + 1)
        numbers = place + np.searchsorted(broken - np.arange(len(broken)), place, side="right")
        self._last = int(numbers[-1]) if rows else self._last
        return numbers, self.rest(self._last)

    def rest(self, upto: int | None = None) -> tuple[Fault, ...]:
        """The faults not handed out yet, with a number of at most `upto`."""
        told = [fault for fault in self._dropped if upto is None or fault.row <= upto]
        del self._dropped[: len(told)]
        return tuple(told)


def open_stream(path: Path) -> pa.NativeFile:
    """The bytes of a plain, .gz, .bz2 or .zst file, as a stream."""
    if path.suffix == ".zip":
        raise InputError("source", path.name, "an unpacked, .gz, .bz2 or .zst file", "unpack it first")
    return pa.input_stream(str(path), compression="detect")
