"""Learning the CVR head from matured clicks (imports torch).

A click is matured when its conversion is known or its window has passed: the join of the event log leaves
`conversion` null until then, and such rows teach nothing. How much the model may hold follows from how many
conversions there are: none but a rate, a logistic regression, or the tower.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.conversion.cvr import CVRConfig, CVRModel
from adcascade.conversion.stage import RATE_FILE, Rate
from adcascade.features import Encoder
from adcascade.learning.export import export
from adcascade.learning.labelled import Labelled, LabelledBlocks
from adcascade.learning.loop import Progress, Training, fit, predict
from adcascade.learning.model import Shape
from adcascade.metrics.logistic import probability, sigmoid
from adcascade.nn.packed import PackedEmbedding, TableConfig

Tables = Callable[[], Iterable[pa.Table]]


def matured_clicks(table: pa.Table) -> pa.Table:
    """The rows with a click whose conversion is known (0 or 1); none where the table has no conversions."""
    if "conversion" not in table.column_names or "click" not in table.column_names:
        return table.slice(0, 0)
    return table.filter(pc.and_(pc.equal(table["click"], 1), table["conversion"].is_valid()))


@dataclass(kw_only=True)
class ConversionLearner:
    """Chooses the size of the head by the number of conversions, trains and exports it.

    least_for_model, least_for_tower: conversions from which on there is a model, and a tower in it.
    """

    encoder: Encoder
    width: int = 8  # K; conversions are few
    least_for_model: int = 50
    least_for_tower: int = 300
    training: Training = field(default_factory=lambda: Training(epochs=3, batch_size=512, rate=2e-3, decay=1e-2))
    model: CVRModel | None = field(default=None, init=False)
    table: PackedEmbedding | None = field(default=None, init=False)
    clicks: float = field(default=0, init=False)  # matured, by weight
    conversions: float = field(default=0, init=False)  # by weight

    @property
    def rate(self) -> float:
        """Conversions per matured click, one of each added to a hundred: never 0."""
        return (self.conversions + 1) / (self.clicks + 100)

    def fit(self, tables: Tables, *, progress: Progress | None = None) -> list[float]:
        """Learn from the matured clicks among sample tables; the mean loss of each epoch, [] where a rate must do."""
        blocks = LabelledBlocks(self.encoder, lambda: _matured(tables), label="conversion")
        return self.learn(blocks, progress=progress)

    def learn(self, blocks: Iterable[Labelled], *, progress: Progress | None = None) -> list[float]:
        """Learn from encoded clicks whose labels, soft ones too, are what a conversion is; iterated several times."""
        self.clicks = float(sum(block.weight.sum(dtype=np.float64) for block in blocks))
        self.conversions = float(sum(block.weight @ block.label.astype(np.float64) for block in blocks))
        if self.conversions < self.least_for_model or self.conversions == self.clicks:
            return []
        torch.manual_seed(self.training.seed)
        odds = self.conversions / (self.clicks - self.conversions)
        hidden = (64, 32) if self.conversions >= self.least_for_tower else ()
        config = CVRConfig(hidden=hidden, base_logit=float(np.log(odds)))
        self.model = CVRModel(Shape.of(self.encoder, self.width), config)
        table = TableConfig(width=self.width, rate=0.05, l2=1e-5)
        self.table = PackedEmbedding(self.encoder.rows, table, seed=self.training.seed)
        losses = fit(self.model, self.table, blocks, self.training, progress=progress)
        self._centre(blocks)
        return losses

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """P(conversion | click) of B pairs, as the stage will say it before calibration: [B]."""
        if self.model is None or self.table is None:
            return np.full(len(batch), self.rate, np.float32)
        return probability(predict(self.model, self.table, batch))

    def export(self, folder: Path) -> None:
        """Write what ConversionStage.load reads into an existing folder."""
        if self.model is None or self.table is None:
            (folder / RATE_FILE).write_bytes(msgspec.json.encode(Rate(self.rate)))
        else:
            export(folder, self.model, self.table, self.encoder.fingerprint)

    def _centre(self, blocks: Iterable[Labelled]) -> None:
        """Move the bias so that as many conversions are predicted of the learned clicks as there were."""
        if self.model is None or self.table is None:
            return
        logits = np.concatenate([predict(self.model, self.table, block.batch) for block in blocks])
        weight = np.concatenate([block.weight for block in blocks])
        with torch.no_grad():
            self.model.bias.add_(offset(logits.astype(np.float64), self.conversions, weight.astype(np.float64)))


def offset(logits: NDArray[np.float64], wanted: float, weight: NDArray[np.float64] | float = 1.0) -> float:
    """The d with sum weight sigmoid(logits + d) = wanted, for logits [N], 0 < wanted < sum weight; by bisection."""
    low, high = -30.0 - logits.max(), 30.0 - logits.min()
    for _ in range(60):
        middle = (low + high) / 2
        if np.sum(weight * sigmoid(logits + middle)) < wanted:
            low = middle
        else:
            high = middle
    return float((low + high) / 2)


def _matured(tables: Tables) -> Iterator[pa.Table]:
    """The matured clicks of each table, as serving would ask: for the first slot."""
    for table in tables():
        clicks = matured_clicks(table)
        if len(clicks):
            yield first_slot(clicks)


def first_slot(table: pa.Table) -> pa.Table:
    """The same rows as if they had been in slot 0."""
    if "position" not in table.column_names:
        return table
    zero = pa.array(np.zeros(len(table), np.int32))
    return table.set_column(table.column_names.index("position"), "position", zero)
