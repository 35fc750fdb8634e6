"""Any Parquet, delimited text or JSON-lines file, with a mapping of its columns or with a guess at them."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from adcascade.errors import InputError
from adcascade.events.importers.base import Importer, Log, Options, files
from adcascade.events.importers.blocks import first_rows, read_blocks
from adcascade.events.importers.columns import finish
from adcascade.events.importers.guess import guess
from adcascade.events.importers.mapping import Mapping, read_mapping
from adcascade.events.importers.sort import by_time
from adcascade.events.importers.text import Dialect

PATTERNS = ("*.parquet", "*.pq", "*.csv*", "*.tsv*", "*.jsonl*", "*.ndjson*")


def read(sources: Sequence[Path], options: Options) -> Log:
    """The rows in order, or sorted by time where the mapping asks for it; several files must have the same columns."""
    paths = files(sources, PATTERNS)
    if not paths:
        raise InputError("sources", [], "at least one file")
    notes: list[str] = []
    if options.mapping is None:
        mapping, notes = guess(first_rows(paths[0], _dialect(paths[0], ""), options))
        notes.insert(0, f"no mapping given; guessed from the first rows of {paths[0].name}:")
    else:
        mapping = read_mapping(options.mapping)
    tables = chain.from_iterable(_tables(path, mapping, options) for path in paths)
    if mapping.format.sort and "time_us" in mapping.columns:
        tables = by_time(tables, run_rows=options.run_rows)  # type: ignore[assignment]  # both are iterators of tables
    return Log(features=mapping.declarations(), tables=tables, notes=notes)


def _tables(path: Path, mapping: Mapping, options: Options) -> Iterator[pa.Table]:
    """One file, block by block."""
    declared = mapping.declarations()
    dialect = _dialect(path, mapping.format.delimiter, mapping.format.null)
    for block in read_blocks(path, mapping.fields(), dialect, options):
        yield finish(block, declared)


def _dialect(path: Path, delimiter: str, nulls: tuple[str, ...] = ("",)) -> Dialect:
    """Commas, or tabs where the name says so, unless told."""
    return Dialect(delimiter=delimiter or ("\t" if ".tsv" in path.suffixes else ","), nulls=nulls)


GENERIC = Importer(
    name="generic",
    describe="any Parquet, CSV, TSV or JSON-lines file, with --mapping FILE or a guess",
    features=(),
    read=read,
)
