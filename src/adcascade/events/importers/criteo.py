"""Criteo display-ad clicks: the Kaggle challenge of 2014 and the terabyte log of the same columns.

`train.txt`: tab-separated without a header, label, 13 integers I1..I13 and 26 categories C1..C26 written as
8 hex digits; empty is missing. In order of time, but without the time, the user or the meaning of a column.
Clicks and non-clicks were subsampled at different rates by the publisher, who did not say at which.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from adcascade.events.importers.base import Importer, Log, Options, categorical, declare, files
from adcascade.events.importers.blocks import read_blocks
from adcascade.events.importers.columns import finish
from adcascade.events.importers.fields import Field
from adcascade.events.importers.text import Dialect

NUMBERS = tuple(f"I{i}" for i in range(1, 14))
CATEGORIES = tuple(f"C{i}" for i in range(1, 27))
DIALECT = Dialect(delimiter="\t", columns=("label", *NUMBERS, *CATEGORIES), quotes=False)
FIELDS = (
    Field(name="click", kind="flag", source=("label",), required=True),
    *(Field(name=name, kind="integer") for name in NUMBERS),
    *(Field(name=name, pattern="[0-9a-f]{1,8}") for name in CATEGORIES),  # hex, or a hashed id in decimal
)
FEATURES = (
    *(declare(name, "context", "numeric", log=True) for name in NUMBERS),
    *(declare(name, "context", "numeric", bins=30) for name in NUMBERS),  # the same column, cut and embedded
    *categorical(" ".join(CATEGORIES), "context"),
)


def read(sources: Sequence[Path], options: Options) -> Log:
    """The rows of train.txt or of a Parquet file with the same columns, in order."""
    paths = files(sources, ("train.txt*", "train.parquet", "day_*"))
    return Log(features=FEATURES, tables=chain.from_iterable(_tables(path, options) for path in paths))


def _tables(path: Path, options: Options) -> Iterator[pa.Table]:
    """One file, block by block."""
    for block in read_blocks(path, FIELDS, DIALECT, options):
        yield finish(block, FEATURES)


CRITEO = Importer(
    name="criteo", describe="Criteo display-ad clicks (Kaggle 2014): train.txt", features=FEATURES, read=read
)
