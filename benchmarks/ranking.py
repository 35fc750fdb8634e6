"""Ranking one request's candidates with DIN: the Scorer, which takes the user's side once, beside a row-wise export.

The peer is ONNX Runtime on the usual export of the same network with the same weights, in which every row carries the
user's fields and history. Both on one thread; the graphs alone, and with the gathering of embeddings on both sides.
"""

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import alternate, figure
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import ad_inputs, export
from adcascade.learning.graph import write_graph
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.scorer import Scorer, open_session
from adcascade.nn.inputs import Inputs
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.din import DIN, DINConfig

FASTER, APART = 1.6, 1e-5  # the bars
BUCKETS = 30_000  # values of a field


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--fields", type=int, default=30, help="half of them the user's")
    parser.add_argument("--length", type=int, default=50, help="of the history")
    parser.add_argument("--width", type=int, default=16, help="of an embedding")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--ads", type=int, default=100_000, help="of the catalog")
    parser.add_argument("--seed", type=int, default=0)


class RowWise(nn.Module):
    """The same network, asked with the user's side in every row."""

    def __init__(self, model: ScoringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(user: embedded, dense, history, mask; ad: embedded, dense), n rows each -> logits [n]."""
        user, (embedded, dense) = Inputs(*tensors[:4]), tensors[4:]
        return self.model.score(self.model.user_state(user), ad_inputs(embedded, dense))


class Setting(NamedTuple):
    """What is ranked with."""

    scorer: Scorer
    ads: AdFeatures
    table: NDArray[np.float32]
    model: DIN
    rows: NDArray[np.int32]  # candidates
    request: dict[str, object]


def run(given: argparse.Namespace) -> list[Row]:
    """Both ways, alone and with gathers, their difference, and the flops' floor."""
    torch.manual_seed(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        setting = _setting(Path(scratch), given)
        session, names = _row_wise(Path(scratch) / "row_wise.onnx", setting.model)
        scorer, batch = setting.scorer, setting.ads.encoder.encode_one(setting.request)
        state = scorer.user(batch)
        feed = scorer.feed(state, setting.rows)
        wide = {name: value for name, value in _gathered(setting).items() if name in names}
        ours, theirs = scorer.infer(state, feed).copy(), session.run(None, wide)[0]
        spent = alternate(
            {
                "graph": lambda: (scorer.user(batch), scorer.infer(state, feed)),
                "row-wise graph": lambda: session.run(None, wide),
                "all": lambda: scorer.score(scorer.user(batch), setting.rows),
                "row-wise all": lambda: session.run(None, {k: v for k, v in _gathered(setting).items() if k in names}),
            },
            rounds=given.rounds,
            warm=20,
        )
        apart = float(np.abs(ours - theirs).max())
    floor = _flops(setting.model, given) / _flops_a_second() * 1e3
    many = f"{given.candidates} candidates"
    rows = [
        _row(f"DIN, {many}, user's graph and scoring graph", spent["graph"], spent["row-wise graph"], floor),
        _row(f"DIN, {many}, with gathers", spent["all"], spent["row-wise all"], floor),
    ]
    return [*rows, Row(name="difference of logits", value=apart, unit="", bar=Bar(of="value", most=APART))]


def _row(name: str, mine: list[float], theirs: list[float], floor: float) -> Row:
    us, peer = figure([one * 1e3 for one in mine]), figure([one * 1e3 for one in theirs])
    return Row(
        name=name,
        value=us.median,
        unit="ms CPU",
        spread=us.spread,
        peer="ONNX Runtime, row-wise export",
        peer_value=peer.median,
        turned=True,
        floor=floor,
        floor_of="ms of multiplications",
        bar=Bar(of="ratio", least=FASTER),
    )


def _setting(folder: Path, given: argparse.Namespace) -> Setting:
    """A DIN of random weights over random ads."""
    half = given.fields // 2
    mine = [Feature(name=f"u{n}", side="user", kind="categorical", buckets=BUCKETS) for n in range(given.fields - half)]
    theirs = [Feature(name=f"a{n}", side="ad", kind="categorical", buckets=BUCKETS) for n in range(half)]
    history = Feature(name="seen", side="user", kind="sequence", of="a0", length=given.length)
    names = [feature.name for feature in (*mine, *theirs)]
    encoder = Encoder.fit((*mine, history, *theirs), [pa.table({name: ["x"] for name in names} | {"seen": [["x"]]})])
    model = DIN(Shape.of(encoder, given.width), DINConfig())
    table = PackedEmbedding(encoder.rows, TableConfig(width=given.width, init_std=0.3))
    export(folder, model, table, encoder.fingerprint)
    random = np.random.default_rng(given.seed)
    ads = AdFeatures(encoder)
    columns = {f"a{n}": [str(value) for value in random.integers(0, BUCKETS, given.ads)] for n in range(half)}
    ads.update(np.arange(given.ads), columns)
    request: dict[str, object] = {one.name: str(random.integers(BUCKETS)) for one in mine}
    request["seen"] = [str(value) for value in random.integers(0, BUCKETS, given.length)]
    rows = random.choice(given.ads, given.candidates, replace=False).astype(np.int32)
    weights = np.load(folder / "table.npy")
    return Setting(Scorer(folder, ads), ads, weights, model.eval(), rows, request)


def _gathered(setting: Setting) -> dict[str, NDArray[np.generic]]:
    """Inputs of the row-wise graph: the user's side again in every row."""
    batch, n = setting.ads.encoder.encode_one(setting.request), len(setting.rows)
    shape, table = setting.model.shape, setting.table
    steps = np.repeat(batch.history, n, axis=0)  # [n, L, S]
    return {
        "embedded": table[np.repeat(batch.ids, n, axis=0)],
        "dense": np.repeat(batch.dense, n, axis=0),
        "history": table[steps.reshape(n, shape.length, shape.sequences)],
        "mask": np.arange(shape.length)[None] < np.repeat(batch.history_length, n)[:, None],
        "ad_embedded": table[setting.ads.ids[setting.rows]],
        "ad_dense": setting.ads.dense[setting.rows],
    }


def _row_wise(path: Path, model: DIN) -> tuple[object, tuple[str, ...]]:
    """The usual export of the same network."""
    shape, n = model.shape, 3
    given = {
        "embedded": torch.randn(n, shape.request_fields, shape.width),
        "dense": torch.randn(n, shape.request_numbers),
        "history": torch.randn(n, shape.length, shape.sequences, shape.width),
        "mask": torch.ones(n, shape.length, dtype=torch.bool),
        "ad_embedded": torch.randn(n, shape.ad_fields, shape.width),
        "ad_dense": torch.randn(n, shape.ad_numbers),
    }
    write_graph(path, RowWise(model), given, ["logit"], dynamic=tuple(given))
    return open_session(path)


def _flops(model: DIN, given: argparse.Namespace) -> float:
    """Multiplications and additions that a request cannot do without: attention, MLP, the user's side once."""
    shape, config = model.shape, model.config
    c, n, steps = shape.sequences * shape.width, given.candidates, given.length
    attention = steps * c * config.attention + n * (c * config.attention + steps * config.attention * (c + 1))
    layers = (shape.ad_flat + c, *config.hidden, 1)
    network = n * sum(a * b for a, b in pairwise(layers))
    return 2.0 * (attention + network + shape.request_flat * config.hidden[0])


def _flops_a_second() -> float:
    """Of one core, by a product of matrices."""
    one = np.ones((512, 512), np.float32)
    spent = alternate({"product": lambda: one @ one}, rounds=30, warm=5)["product"]
    return 2.0 * 512**3 / min(spent)
