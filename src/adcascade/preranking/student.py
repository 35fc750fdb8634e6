"""What every pre-ranking learner begins with: the log, the bundle's ranker, and a small network (imports torch).

The student's table begins as a copy of the ranker's, so that only the small network starts from nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.features import AdFeatures, Encoder
from adcascade.learning.loop import Progress
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import EmbeddingTable
from adcascade.preranking.mlp import PrerankingConfig, PrerankingMLP

Tables = Callable[[], Iterable[pa.Table]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a method of the room may learn from; each takes what it needs."""

    teacher: ScoringModel  # the ranker that will serve beside it
    teacher_table: EmbeddingTable
    ads: AdFeatures  # of the catalog
    live: NDArray[np.int32]  # [R] catalog rows that may be served
    tables: Tables  # impressions: sample tables of the event log
    lists: Tables  # ranking lists of the event log (events/ranking_lists.py)
    seed: int = 0
    progress: Progress | None = None


class Pupil(Protocol):
    """A pre-ranker that has learned."""

    def export(self, folder: Path) -> None:
        """Write what the stage's Scorer loads into an existing folder."""
        ...


def student_of(
    teacher_table: EmbeddingTable, encoder: Encoder, config: PrerankingConfig, seed: int
) -> tuple[PrerankingMLP, PackedEmbedding]:
    """The network before its first step, and its table."""
    torch.manual_seed(seed)
    width = teacher_table.width
    model = PrerankingMLP(Shape.of(encoder, width), config)
    table = PackedEmbedding(teacher_table.rows, TableConfig(width=width, rate=0.005))
    table.weight[:] = teacher_table.look_up(np.arange(teacher_table.rows))
    return model, table
