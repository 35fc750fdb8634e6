"""What the tests of importers share: reading a format to the end, and writing a file for it."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from adcascade.events.importers import FORMATS, BadRows, Options

Reader = Callable[..., pa.Table]


@pytest.fixture
def read() -> Reader:
    """read("criteo", path, ..., on_error="skip") -> all rows as one table, checked against the declaration."""

    def whole(name: str, *sources: Path, options: Options | None = None, bad: BadRows | None = None) -> pa.Table:
        log = FORMATS[name].read(sources, options or Options(bad=bad or BadRows("stop")))
        tables = list(log.tables)
        declared = {feature["name"] for feature in log.features}
        for table in tables:
            assert declared <= set(table.column_names)
            assert table.schema == tables[0].schema
        return pa.concat_tables(tables).unify_dictionaries()

    return whole


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """lines("train.txt", "...") writes a file and gives its path."""

    def write(name: str, text: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
