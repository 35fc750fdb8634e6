"""JSON lines as blocks: every scalar is written as text again, so that one rule judges text and JSON alike."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from adcascade.events.importers.badrows import Fault
from adcascade.events.importers.text import Block, line_blocks

Row = dict[str, object]


def json_blocks(path: Path, wanted: Sequence[str], block_bytes: int) -> Iterator[Block]:
    """The wanted columns, block by block; a line that is no JSON object is named in `broken`."""
    decoder = msgspec.json.Decoder(Row)
    number = 0
    for lines in line_blocks(path, block_bytes):
        rows: list[Row] = []
        numbers: list[int] = []
        broken: list[Fault] = []
        for line in lines:
            number += 1
            try:
                rows.append(decoder.decode(line))
                numbers.append(number)
            except (msgspec.DecodeError, UnicodeDecodeError):
                shown = line[:60].decode("utf-8", "backslashreplace")
                broken.append(Fault(number, "(the line)", shown, "a JSON object"))
        table = pa.table({name: column([row.get(name) for row in rows]) for name in wanted})
        yield Block(table, np.array(numbers, np.int64), tuple(broken))


def first_names(path: Path) -> tuple[str, ...]:
    """The keys of the first rows, as far as one small block goes."""
    names: dict[str, None] = {}
    for lines in line_blocks(path, 1 << 20):
        for line in lines[:1000]:
            try:
                names |= dict.fromkeys(msgspec.json.decode(line, type=Row))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # the reading itself will name the line
        break
    return tuple(names)


def is_json(path: Path) -> bool:
    """Whether the file is JSON lines by its name (perhaps compressed)."""
    return any(suffix in (".jsonl", ".ndjson", ".json") for suffix in path.suffixes)


def column(values: Sequence[object]) -> pa.Array:
    """Values of JSON as one array: lists of text where any value is a list, else text."""
    if any(isinstance(value, list) for value in values):
        return pa.array([_items(value) for value in values], pa.list_(pa.string()))
    return pa.array([_text(value) for value in values], pa.string())


def _items(value: object) -> list[str | None] | None:
    """A value as a list of text."""
    if value is None or isinstance(value, list):
        return value and [_text(item) for item in value]
    return [_text(value) or ""]


def _text(value: object) -> str | None:
    """A scalar as text; the empty text is missing, true is 1."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()
