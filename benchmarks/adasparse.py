"""AdaSparse's score graph of one scenario, folded, beside the unfolded one: weights and time by the share that is cut.

    python benchmarks/adasparse.py [--ads 200] [--fields 16]

An MLP 256-128-64 on embeddings of width 16; masks by chance; the graphs run in turns on one thread, and times are CPU
time of the thread. The folded graph pays for one gather that the other does not have, and saves the products.
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch

from adcascade.learning.export import example_ads, example_user, export
from adcascade.learning.model import Shape
from adcascade.learning.scorer import open_session
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.adasparse import AdaSparse

WIDTH = 16
FLOAT = onnx.TensorProto.FLOAT


def model_of(shape: Shape, cut: float) -> tuple[AdaSparse, PackedEmbedding]:
    """A model that cuts this share of each layer for the scenario whose embedding is all ones."""
    model = AdaSparse(shape)
    random = torch.Generator().manual_seed(0)
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


def measured(shape: Shape, cut: float, ads: int, rounds: int) -> str:
    """One line of the table."""
    model, table = model_of(shape, cut)
    spent = np.empty((rounds, 2))
    with tempfile.TemporaryDirectory() as name, torch.no_grad():
        export(Path(name), model, table, "benchmark")
        files = [Path(name) / f"{graph}.onnx" for graph in ("score_2", "score")]
        held = [weights_in(file) for file in files]
        sessions = [open_session(file) for file in files]
        user = example_user(shape)
        user.embedded[:, 0] = 1.0
        given = {f"state_{place}": part.numpy() for place, part in enumerate(model.user_state(user))}
    some = example_ads(shape, ads)
    given |= {"embedded": some.embedded.numpy(), "dense": some.dense.numpy()}
    answers = []
    for session, inputs in sessions:
        answers.append(session.run(None, {one: given[one] for one in inputs})[0])
    for turn in range(rounds):
        for place, (session, inputs) in enumerate(sessions):
            feed = {one: given[one] for one in inputs}
            start = time.thread_time()
            session.run(None, feed)
            spent[turn, place] = (time.thread_time() - start) * 1e6
    folded, whole = np.median(spent, axis=0)
    apart = float(np.abs(answers[0] - answers[1]).max())
    ratio = f"{held[0] / held[1]:9.2f}{whole:10.0f}{folded:10.0f}{folded / whole:8.2f}"
    return f"{cut:6.0%}{held[1]:10,}{held[0]:10,}{ratio}{apart:12.1e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=200)
    parser.add_argument("--fields", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=400)
    given = parser.parse_args()
    shape = Shape(
        width=WIDTH,
        request_fields=given.fields,
        request_numbers=0,
        ad_fields=given.fields,
        ad_numbers=0,
        scenario=0,
        scenarios=range(1, 2),
    )
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 1 thread, {given.ads} ads\n")
    print(
        f"{'cut':>6}{'weights':>10}{'folded':>10}{'ratio':>9}{'us whole':>10}{'us folded':>10}{'ratio':>8}{'apart':>12}"
    )
    for cut in (0.0, 0.2, 0.4, 0.6, 0.8):
        print(measured(shape, cut, given.ads, given.rounds), flush=True)


if __name__ == "__main__":
    main()
