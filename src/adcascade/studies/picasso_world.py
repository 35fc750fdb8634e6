"""The world of PICASSO's study: fields of two widths, skewed values, and a log of texts to read and encode.

    P(value of rank r) ~ r^-1.05,    r = 1 .. V

No feature says anything of the clicks: the study measures time, operators and bytes, and that nothing else changes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adcascade.features import Encoder, Feature
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.packing import TableField
from adcascade.nn.packed import TableConfig

POWER = 1.05
WIDTHS = (8, 16)
TABLE = TableConfig(width=16, rate=0.05, init_std=0.05, start=1e-6)
Ids = NDArray[np.int64]


def fields_of(count: int, rows: int) -> list[TableField]:
    """So many fields of so many values, every other one twice as wide."""
    kinds = [TableConfig(width=width, rate=0.05, init_std=0.05, start=1e-6) for width in WIDTHS]
    return [TableField(name=f"f{n}", rows=rows, config=kinds[n % len(kinds)]) for n in range(count)]


def harmonic(ranks: int) -> float:
    """H(n) = the sum of r^-1.05 for r = 1 .. n."""
    return float((np.arange(1, ranks + 1) ** -POWER).sum())


def skewed(random: np.random.Generator, rows: int, shape: tuple[int, ...]) -> Ids:
    """Values from 1 to `rows`, each the rank of its frequency."""
    ends = np.cumsum(np.arange(1, rows + 1) ** -POWER)
    found: Ids = 1 + np.searchsorted(ends, random.random(shape) * ends[-1]).astype(np.int64)
    return np.minimum(found, rows)


@dataclass(frozen=True, kw_only=True)
class Log:
    """A Parquet file of text columns, and the encoder that was fitted on it."""

    file: Path
    encoder: Encoder
    block: int  # rows that are read and encoded at once

    @classmethod
    def written(cls, folder: Path, *, fields: int, values: int, rows: int, block: int, seed: int) -> "Log":
        """Samples of skewed texts; the first half of the fields is the request's."""
        random = np.random.default_rng((seed, 26))
        columns = {f"f{n}": pa.array(skewed(random, values, (rows,))).cast(pa.string()) for n in range(fields)}
        click = pa.array((random.random(rows) < 0.3).astype(np.float32))
        table = pa.table({**columns, "click": click})
        pq.write_table(table, folder / "log.parquet", row_group_size=block)
        features = [
            Feature(name=name, side="user" if n < fields // 2 else "ad", kind="categorical")
            for n, name in enumerate(columns)
        ]
        return cls(file=folder / "log.parquet", encoder=Encoder.fit(features, [table]), block=block)

    def blocks(self) -> LabelledBlocks:
        """Read and encoded again for every epoch."""
        return LabelledBlocks(self.encoder, self._tables)

    def _tables(self) -> "list[pa.Table] | map[pa.Table]":
        with_rows = pq.ParquetFile(self.file).iter_batches(self.block)
        return map(pa.Table.from_batches, ([batch] for batch in with_rows))
