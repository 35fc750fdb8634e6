"""Held-out clicks: every tenth row, by which the blend (blend.py) says how far a model may be trusted.

Each click is picked out of the ads that were shown about the same time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import Encoder
from adcascade.retrieval.blend import Chunk
from adcascade.retrieval.draw_rates import ad_keys
from adcascade.retrieval.prior import ClickPrior

Tables = Callable[[], Iterable[pa.Table]]
Scores = Callable[[Batch, NDArray[np.int64]], NDArray[np.float64]]  # a batch of B, places [P] -> [P, B]
HELD = 10  # one row of so many is held out
COLUMNS = 2048  # ads among which a click is picked


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows that teach, and those that are held out."""

    tables: Tables

    def taught(self) -> Iterable[pa.Table]:
        """Nine rows of ten."""
        return (table.filter(np.arange(len(table)) % HELD != HELD - 1) for table in self.tables())

    def held(self) -> Iterable[pa.Table]:
        """The tenth."""
        return (table.filter(np.arange(len(table)) % HELD == HELD - 1) for table in self.tables())


def held_chunks(parts: Parts, encoder: Encoder, scores: Scores) -> list[Chunk]:
    """The held-out clicks; scores(batch, own) are those of the samples at `own` against every ad of the batch."""
    prior = ClickPrior.count(parts.taught())
    base, chunks = prior.base, []
    for table in parts.held():
        for start in range(0, len(table), COLUMNS):
            part = table.slice(start, COLUMNS)
            batch = encoder.encode({name: part[name] for name in part.column_names}, len(part))
            own = np.flatnonzero(part["click"].to_numpy() > 0)
            log_prior = np.log(np.array(prior.ctr(part["ad"].to_pylist(), base)))
            chunks.append(Chunk(scores(batch, own), log_prior, own, ad_keys(batch, encoder.ad_fields)))
    return chunks
