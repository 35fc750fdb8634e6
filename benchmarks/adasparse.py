"""AdaSparse's score graph of one scenario, folded, beside the unfolded one: weights and time by the share that is cut.

An MLP 256-128-64 on embeddings of width 16; masks by chance; the graphs run in turns on one thread, and times are CPU
time of the thread. The folded graph pays for one gather that the other does not have, and saves the products.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

from adcascade.bench.rounds import alternate, figure
from adcascade.bench.row import Row
from adcascade.learning.export import example_ads, example_user, export
from adcascade.learning.model import Shape
from adcascade.learning.scorer import open_session
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.adasparse import AdaSparse

WIDTH = 16
FLOAT = onnx.TensorProto.FLOAT


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=200)
    parser.add_argument("--fields", type=int, default=16)
    parser.add_argument("--cuts", type=float, nargs="+", default=[0.0, 0.2, 0.4, 0.6, 0.8], help="shares of a layer")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)


def model_of(shape: Shape, cut: float, seed: int) -> tuple[AdaSparse, PackedEmbedding]:
    """A model that cuts this share of each layer for the scenario whose embedding is all ones."""
    model = AdaSparse(shape)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for pruner in model.pruners:
            for weight in pruner.parameters():
                sign = torch.where(torch.rand(len(weight), generator=random) < cut, -1.0, 1.0)
                weight.copy_(sign[:, None].expand_as(weight))
    table = PackedEmbedding(shape.scenarios.stop, TableConfig(width=WIDTH))
    table.weight[shape.scenarios.start] = 1.0
    return model.eval(), table


def weights_in(path: Path) -> int:
    """Numbers in the matrices of an ONNX file."""
    graph = onnx.load(str(path)).graph
    return int(sum(np.prod(one.dims) for one in graph.initializer if len(one.dims) == 2 and one.data_type == FLOAT))


def run(given: argparse.Namespace) -> list[Row]:
    """One row a share that is cut."""
    shape = Shape(
        width=WIDTH,
        request_fields=given.fields,
        request_numbers=0,
        ad_fields=given.fields,
        ad_numbers=0,
        scenario=0,
        scenarios=range(1, 2),
    )
    torch.set_num_threads(1)
    return [measured(shape, cut, given) for cut in given.cuts]


def measured(shape: Shape, cut: float, given: argparse.Namespace) -> Row:
    """Of one share: the folded graph and, as its peer, the whole one."""
    model, table = model_of(shape, cut, given.seed)
    with tempfile.TemporaryDirectory() as name, torch.no_grad():
        export(Path(name), model, table, "benchmark")
        files = {graph: Path(name) / f"{graph}.onnx" for graph in ("score_2", "score")}
        held = {graph: weights_in(file) for graph, file in files.items()}
        sessions = {graph: open_session(file) for graph, file in files.items()}
        user = example_user(shape)
        user.embedded[:, 0] = 1.0
        inputs = {f"state_{place}": part.numpy() for place, part in enumerate(model.user_state(user))}
    some = example_ads(shape, given.ads)
    inputs |= {"embedded": some.embedded.numpy(), "dense": some.dense.numpy()}
    feeds = {graph: {one: inputs[one] for one in names} for graph, (_, names) in sessions.items()}
    folded, whole = (sessions[graph][0].run(None, feeds[graph])[0] for graph in files)
    apart = np.abs(folded - whole).max()
    spent = alternate(
        {graph: lambda graph=graph: sessions[graph][0].run(None, feeds[graph]) for graph in files},  # type: ignore[misc]
        rounds=given.rounds,
    )
    us = {graph: figure([1e6 * second for second in seconds]) for graph, seconds in spent.items()}
    return Row(
        name=f"{cut:.0%} of each layer cut, {given.ads} ads",
        value=us["score_2"].median,
        spread=us["score_2"].spread,
        unit="us",
        peer="not folded",
        peer_value=us["score"].median,
        turned=True,
        note=f"{held['score_2'] / held['score']:.2f} of {held['score']:,} weights, {apart:.0e} apart",
    )
