"""Two towers: requests and ads in one space, where the inner product says how well they fit.

    s(u, a) = f(u) . g(a) / tau,      f, g: MLPs onto the unit sphere

A clicked ad answers its request; the other ads of the batch are the negatives of a sampled softmax. An ad
that is drawn more often is a negative more often, so each score is lowered by the log of its draw rate q
(Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations", RecSys 2019):

    loss_i = -log ( exp(s_ii - log q_i) / sum_j exp(s_ij - log q_j) )

Columns j that hold the clicked ad itself are left out of its sum. q is the ad's share of the rows that the
columns are drawn from. Such scores come to log P(a | u, click) up to a constant of the request: how often the
ad was shown is in them. An auction asks for log P(click | u, a); so with target "rate" each score is raised by
the log of the ad's share e of all impressions. (Columns drawn from the shown ads have q = e: both cancel.)

Reads: embedded, dense, history (as a mean), mask.
Letters in shapes: B samples, P of them clicked, n ads, U and V widths of the two sides, K of the vectors.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from adcascade.contracts import Batch
from adcascade.features import Encoder
from adcascade.learning.export import ad_inputs, example_ads, example_user
from adcascade.learning.graph import write_graph
from adcascade.learning.labelled import Labelled, LabelledBlocks
from adcascade.learning.loop import Progress, Sides, Training, fit
from adcascade.learning.manifest import FORMAT, ModelManifest
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.blocks import mlp
from adcascade.nn.inputs import Inputs, flat, history_mean
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.prior import ClickPrior


@dataclass(frozen=True, kw_only=True)
class TwoTowerConfig:
    """Sizes and the loss."""

    width: int = 32  # K
    hidden: tuple[int, ...] = (128,)
    temperature: float = 0.1  # tau
    target: Literal["rate", "share"] = "rate"  # what scores say: log P(click | u, a), or log P(a | u, click)
    shown: bool = True  # columns are all shown ads of the batch; False: the clicked ones alone
    hard: float = 0.0  # weight of the log loss of shown ads, clicked or not, beside the softmax

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"temperature is {self.temperature}; give a positive one, usually 0.02 to 0.2")


def in_batch_loss(scores: Tensor, own: Tensor, log_rate: Tensor, ads: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean softmax loss of P requests against B ads -> ().

    scores [P, B]; own [P]: the column that answers; log_rate [B]; ads [B]: a number that equal ads share;
    weight [P].
    """
    same = ads[own][:, None] == ads[None, :]  # [P, B]
    same[torch.arange(len(own)), own] = False
    corrected = (scores - log_rate).masked_fill(same, -torch.inf)
    losses = F.cross_entropy(corrected, own, reduction="none")
    return (losses * weight).sum() / weight.sum().clamp(min=1e-12)


class TwoTower(ScoringModel):
    """The two maps f and g, and the logit of a click for the log loss of shown ads."""

    def __init__(self, shape: Shape, config: TwoTowerConfig | None = None) -> None:
        """Fresh towers for what the encoder gives."""
        super().__init__()
        self.shape, self.config = shape, config or TwoTowerConfig()
        hidden, k = self.config.hidden, self.config.width
        self.request_tower = mlp((shape.request_flat + shape.sequences * shape.width, *hidden))
        self.request_last = nn.Linear(hidden[-1], k)
        self.ad_tower = mlp((shape.ad_flat, *hidden))
        self.ad_last = nn.Linear(hidden[-1], k)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def request_vector(self, user: Inputs) -> Tensor:
        """f(u) / tau: [B, K]."""
        u = torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)
        return F.normalize(self.request_last(self.request_tower(u)), dim=1) / self.config.temperature

    def ad_vector(self, ads: Inputs) -> Tensor:
        """g(a): [n, K], of length 1."""
        return F.normalize(self.ad_last(self.ad_tower(flat(ads))), dim=1)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's vector."""
        return (self.request_vector(user),)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """s(u, a): [n]."""
        return (state[0] * self.ad_vector(ads)).sum(dim=1)


def two_tower_loss(model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
    """The objective of the training loop; samples.extra holds `log_rate`."""
    if not isinstance(model, TwoTower):
        raise TypeError(f"two_tower_loss trains a TwoTower, not {type(model).__name__}")
    config = model.config
    label, weight = torch.from_numpy(samples.label), torch.from_numpy(samples.weight)
    own = torch.nonzero(label > 0).squeeze(1)  # [P]
    vectors = model.ad_vector(sides.ads)  # [B, K]
    requests = model.request_vector(sides.user)  # [B, K]
    log_rate = torch.from_numpy(samples.extra["log_rate"])
    ads = torch.from_numpy(ad_keys(samples.batch, model.shape))
    scores = requests[own] @ vectors.T  # [P, B]
    loss = in_batch_loss(scores, own, log_rate, ads, (weight * label)[own])
    if config.hard:
        logits = model.scale * (requests * vectors).sum(dim=1) + model.bias
        shown = F.binary_cross_entropy_with_logits(logits, label, weight, reduction="sum") / weight.sum()
        loss = loss + config.hard * shown
    return loss


def ad_keys(batch: Batch, shape: Shape) -> NDArray[np.int64]:
    """A number per sample that equal ads share, [B]: a mix of the ids of the ad's side."""
    ids = batch.ids[:, shape.request_fields :].astype(np.uint64)
    odd = np.random.default_rng(0).integers(2**63, size=ids.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys: NDArray[np.int64] = (ids * odd).sum(axis=1, dtype=np.uint64).view(np.int64)
    return keys


class TwoTowerLearner:
    """Trains the towers and the click prior from a sample set, and exports what RetrievalStage loads."""

    def __init__(
        self,
        encoder: Encoder,
        config: TwoTowerConfig | None = None,
        *,
        training: Training | None = None,
        table: TableConfig | None = None,
    ) -> None:
        """Fresh towers over a fresh table for this encoder."""
        self.encoder = encoder
        self.training = training or Training(epochs=2, batch_size=2048, rate=2e-3, embedding_dropout=0.3)
        table = table or TableConfig(init_std=0.05, rate=0.02)
        torch.manual_seed(self.training.seed)
        self.table = PackedEmbedding(encoder.rows, table, seed=self.training.seed)
        self.model = TwoTower(Shape.of(encoder, table.width, matching=False), config)
        self.prior = ClickPrior(clicks={}, impressions={})

    def fit(self, tables: Callable[[], Iterable[pa.Table]], progress: Progress | None = None) -> list[float]:
        """Train on the tables, which are read once for the counts and once an epoch; mean losses by epoch."""
        self.prior = ClickPrior.count(tables())
        blocks = _Rated(LabelledBlocks(self.encoder, tables), self.model)
        return fit(self.model, self.table, blocks, self.training, objective=two_tower_loss, progress=progress)

    def export(self, folder: Path) -> None:
        """Write request_tower.onnx, ad_tower.onnx, table.npy, model.json and prior.json into an existing folder."""
        self.prior.save(folder)
        export_towers(folder, self.model, self.table, self.encoder.fingerprint)


class _Rated:
    """Blocks of samples with log_rate, what each column's score is lowered by: log q, or log q - log e."""

    def __init__(self, blocks: Iterable[Labelled], model: TwoTower) -> None:
        self._blocks, self._model = blocks, model
        shown = _count(blocks, model.shape)
        drawn = shown if model.config.shown else _count(self._chosen(), model.shape)
        self._log_rates = _log_shares(drawn)
        if model.config.target == "rate":
            log_e = _log_shares(shown)
            self._log_rates = {ad: log_q - log_e[ad] for ad, log_q in self._log_rates.items()}

    def _chosen(self) -> Iterator[Labelled]:
        for block in self._blocks:
            yield block if self._model.config.shown else block.take(np.flatnonzero(block.label > 0))

    def __iter__(self) -> Iterator[Labelled]:
        for block in self._chosen():
            ads, places = np.unique(ad_keys(block.batch, self._model.shape), return_inverse=True)
            rates = np.array([self._log_rates[ad] for ad in ads.tolist()], np.float32)
            yield replace(block, extra={**block.extra, "log_rate": rates[places]})


def _count(blocks: Iterable[Labelled], shape: Shape) -> Counter[int]:
    """Rows of each ad."""
    counts = Counter[int]()
    for block in blocks:
        ads, rows = np.unique(ad_keys(block.batch, shape), return_counts=True)
        counts.update(dict(zip(ads.tolist(), rows.tolist(), strict=True)))
    return counts


def _log_shares(counts: Counter[int]) -> dict[int, float]:
    total = counts.total()
    return {ad: math.log(count / total) for ad, count in counts.items()}


class RequestGraph(nn.Module):
    """The request tower as a function of plain tensors."""

    def __init__(self, model: TwoTower) -> None:
        """Share the model's weights."""
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(embedded, dense, history, mask) -> [1, K]."""
        return self.model.request_vector(Inputs(*tensors))


class AdGraph(nn.Module):
    """The ad tower as a function of plain tensors."""

    def __init__(self, model: TwoTower) -> None:
        """Share the model's weights."""
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(embedded [n, F, K of the table], dense [n, D]) -> [n, K]."""
        return self.model.ad_vector(ad_inputs(*tensors))


def export_towers(folder: Path, model: TwoTower, table: PackedEmbedding, fingerprint: str) -> None:
    """Write the two graphs, the table and model.json into an existing folder."""
    model.eval()
    shape = model.shape
    np.save(folder / "table.npy", table.weight)
    write_graph(folder / "request_tower.onnx", RequestGraph(model), example_user(shape)._asdict(), ["vector"])
    ads = example_ads(shape, 3)
    inputs = {"embedded": ads.embedded, "dense": ads.dense}
    write_graph(folder / "ad_tower.onnx", AdGraph(model), inputs, ["vectors"], dynamic=("embedded", "dense"))
    manifest = ModelManifest(
        format=FORMAT,
        fingerprint=fingerprint,
        method=f"{type(model).__module__}:{type(model).__qualname__}",
        width=shape.width,
        request_fields=shape.request_fields,
        request_numbers=shape.request_numbers,
        ad_fields=shape.ad_fields,
        ad_numbers=shape.ad_numbers,
        sequences=shape.sequences,
        length=shape.length,
        states=1,
    )
    (folder / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
