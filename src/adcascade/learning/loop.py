"""The one training loop: blocks of samples -> a packed table and a model, by Adagrad and Adam.

Samples are shuffled within a block, so blocks of some ten thousand rows mix well and a log larger
than memory streams through. The dense part learns by Adam, the table by Adagrad on the touched rows.
The same blocks, seed and machine give the same model.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adcascade.contracts import Batch
from adcascade.learning.interleaving import Interleaving
from adcascade.learning.labelled import Labelled
from adcascade.learning.model import ScoringModel, Shape, log_loss
from adcascade.learning.precision import Precision, compile_forward, computing, eager
from adcascade.learning.rows import present_in, rows_of
from adcascade.nn.inputs import Inputs
from adcascade.nn.table import EmbeddingTable

Progress = Callable[[int, int, float], None]  # epoch, samples so far, loss of the last batch


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train; the learning rule of the table is in its TableConfig."""

    epochs: int = 1
    batch_size: int = 1024
    rate: float = 1e-3  # of Adam, for the dense part
    decay: float = 0.0  # decoupled weight decay of the dense part (AdamW)
    embedding_dropout: float = 0.0  # of the gathered embeddings, whole numbers of a vector alone
    precision: Precision = "float32"  # of the dense part's products (precision.py)
    compiled: bool = False  # the dense part, by torch.compile: needs a C++ compiler, pays for whole batches of one size
    device: str = "cpu"  # of the dense part, as torch names it
    interleave: int = 0  # batches that are looked up while an earlier one is learned from (interleaving.py)
    rows: int = 0  # samples of an epoch, where known: then both rates fall linearly to zero by the end
    seed: int = 0

    def share(self, seen: int) -> float:
        """The share of the rates after `seen` samples of all epochs."""
        return max(1 - seen / (self.rows * self.epochs), 0.0) if self.rows else 1.0


class Sides(NamedTuple):
    """A batch, gathered: both sides, and the leaf whose gradient goes back to the table."""

    user: Inputs
    ads: Inputs
    ids: NDArray[np.int64]
    leaf: Tensor


Objective = Callable[[ScoringModel, Sides, Labelled], Tensor]


def click_loss(model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
    """The model's own loss of a batch: the weighted mean log loss, and what the model adds to it: -> ()."""
    device = sides.user.dense.device
    label, weight = (torch.from_numpy(column).to(device) for column in (samples.label, samples.weight))
    return model.loss(sides.user, sides.ads, label, weight)


def sample_loss(logits: Tensor, samples: Labelled) -> Tensor:
    """The weighted mean log loss alone, of logits [B, M] that are known already: -> ()."""
    label, weight = (torch.from_numpy(column).to(logits.device) for column in (samples.label, samples.weight))
    return log_loss(logits, label, weight)


def fit(
    model: ScoringModel,
    table: EmbeddingTable,
    blocks: Iterable[Labelled],
    training: Training,
    *,
    objective: Objective = click_loss,
    progress: Progress | None = None,
) -> list[float]:
    """Train in place; the mean loss of each epoch. `blocks` is iterated once an epoch."""
    random = np.random.default_rng(training.seed)
    torch.manual_seed(training.seed)
    model.train()
    losses: list[float] = []
    with Interleaving(table, training.interleave) as ahead:
        step = Step(model, ahead.table, training, objective)
        for epoch in range(training.epochs):
            total, seen = 0.0, 0
            for samples in ahead.batches(shuffled(ahead.blocks(blocks), training.batch_size, random), step.rows):
                loss = step(samples, training.share(epoch * training.rows + seen))
                total, seen = total + loss * len(samples), seen + len(samples)
                if progress is not None:
                    progress(epoch, seen, loss)
            losses.append(total / max(seen, 1))
    model.eval()
    return losses


class Step:
    """One step of training after the other, on one batch each: look up, forward, backward, update both parts."""

    def __init__(
        self, model: ScoringModel, table: EmbeddingTable, training: Training, objective: Objective = click_loss
    ) -> None:
        self.model, self.table, self.training, self.objective = model.to(training.device), table, training, objective
        if training.compiled:
            compile_forward(model)
        self.ragged = model.ragged and training.device == "cpu" and not training.compiled  # compiled: shapes stay
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=training.rate, weight_decay=training.decay, fused=True
        )

    def rows(self, batch: Batch) -> NDArray[np.int64]:
        """The ids that learning from a batch gathers, [n]."""
        return rows_of(batch, ragged=self.ragged)

    def __call__(self, samples: Labelled, share: float = 1.0) -> float:
        """Learn from a batch at `share` of the rates; its loss before that."""
        self.optimiser.param_groups[0]["lr"] = self.training.rate * share
        self.model.advance(1 - share)
        sides = gather(
            self.table,
            samples.batch,
            self.model.shape,
            dropout=self.training.embedding_dropout,
            device=self.training.device,
            ragged=self.ragged,
        )
        self.optimiser.zero_grad(set_to_none=True)
        with computing(self.training.precision, self.training.device), eager(len(samples) != self.training.batch_size):
            loss = self.objective(self.model, sides, samples)
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.table.update(sides.ids, sides.leaf.grad, share=share)
        return float(loss.detach())


def shuffled(blocks: Iterable[Labelled], batch_size: int, random: np.random.Generator) -> Iterator[Labelled]:
    """Batches of each block in random order; what a block leaves over makes a smaller last batch."""
    for block in blocks:
        mixed = block.take(random.permutation(len(block)))  # once: each batch is then a view
        for start in range(0, len(block), batch_size):
            yield mixed.take(slice(start, start + batch_size))


def gather(
    table: EmbeddingTable,
    batch: Batch,
    shape: Shape,
    *,
    dropout: float = 0.0,
    device: str = "cpu",
    ragged: bool = False,
) -> Sides:
    """Look the ids of a batch up and cut it into its two sides, on a device.

    ragged: only the N steps that are there are looked up, and the request's history is [N, S, K].
    """
    b, (fields, k) = len(batch), (batch.ids.shape[1], table.width)
    present, ids = present_in(batch), rows_of(batch, ragged=ragged)  # [B, L], [n]
    steps = (int(present.sum()), shape.sequences) if ragged else batch.history.shape  # [N, S] or [B, L, S]
    leaf = table.gather(ids)  # [n, K]
    found = F.dropout(leaf, dropout) if dropout else leaf
    of_fields, of_steps = torch.split_with_sizes(found.to(device), [batch.ids.size, len(ids) - batch.ids.size])
    sides = [shape.request_fields, fields - shape.request_fields]
    user, ads = torch.split_with_sizes(of_fields.view(b, fields, k), sides, dim=1)
    dense, match = torch.from_numpy(batch.dense).to(device), torch.from_numpy(batch.match).to(device)
    numbers, ad_numbers = dense[:, : shape.request_numbers], dense[:, shape.request_numbers :]
    if shape.matches:
        ad_numbers = torch.cat((ad_numbers, match), dim=1)
    nothing = found.new_zeros((b, 0, 0, k), device=device), torch.zeros((b, 0), dtype=torch.bool, device=device)
    mask = torch.from_numpy(present).to(device)
    return Sides(
        user=Inputs(user, numbers, of_steps.view(*steps, k), mask),
        ads=Inputs(ads, ad_numbers, *nothing),
        ids=ids,
        leaf=leaf,
    )


@torch.no_grad()
def predict(model: ScoringModel, table: EmbeddingTable, batch: Batch, *, size: int = 8192) -> NDArray[np.float32]:
    """Logits [B] of B pairs, in parts of `size`, on the model's device; it is left in evaluation mode."""
    model.eval()
    device = next((str(one.device) for one in model.parameters()), "cpu")
    ragged = model.ragged and device == "cpu"
    parts = []
    for part in batch.slices(size):
        sides = gather(table, part, model.shape, device=device, ragged=ragged)
        parts.append(model(sides.user, sides.ads).cpu().numpy())
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
