"""Retrieval by a neural score at size: evaluations a millisecond, a walk beside brute force, live changes.

    python benchmarks/nann.py [--ads 100000] [--steps 15] [--queries 100]

The network has random weights, so its coverage is that of a score which nothing has flattened; what is timed does not
depend on what it learned. One thread; times are CPU time of the thread, so that neighbours do not matter.
"""

import argparse
import platform
import time

import numpy as np
import torch

from adcascade.learning.model import Shape
from adcascade.nn.inputs import Inputs
from adcascade.retrieval.beam_walk import WalkConfig, beam_walk
from adcascade.retrieval.best import best
from adcascade.retrieval.classic_walk import classic_walk
from adcascade.retrieval.graph import ProximityGraph
from adcascade.retrieval.nann_model import NannModel
from adcascade.retrieval.neural_network import Floats, NeuralNetwork, UserSide

K = 100
WALKS = {
    "beam 100": WalkConfig(entry_beam=50, upper_beam=50, beam=100),
    "beam 400 (default)": WalkConfig(),
    "beam 800": WalkConfig(entry_beam=200, upper_beam=400, beam=800),
}


def clustered(n: int, width: int, random: np.random.Generator) -> Floats:
    """Vectors [n, width] around 2000 centres, each of mean 0 and variance 1, as e_v are."""
    centres = random.standard_normal((2000, width))
    ads = centres[random.integers(2000, size=n)] + 0.5 * random.standard_normal((n, width))
    ads -= ads.mean(axis=1, keepdims=True)
    return (ads / ads.std(axis=1, keepdims=True)).astype(np.float32)


def network_table(model: NannModel, network: NeuralNetwork, e: Floats, steps: int) -> None:
    """Evaluations a millisecond of NumPy and of torch, by how many ads a call scores."""
    user = request_of(network, steps, 0)
    given = Inputs(
        torch.zeros((1, 0, 16)), torch.zeros((1, 0)), torch.randn((1, steps, 2, 16)), torch.ones((1, steps)) > 0
    )
    random = np.random.default_rng(0)
    print(f"{'ads a call':>12}{'numpy / ms':>12}{'torch / ms':>12}")
    with torch.inference_mode():
        state = model.user_state(given)
        for n in (32, 256, 2000, 20_000):
            rows = random.integers(len(e), size=n)
            calls = max(40_000 // n, 2)
            ours = timed(lambda rows=rows: network.score(user, e[rows]), calls)
            theirs = timed(lambda rows=rows: model.score_vectors(state, torch.from_numpy(e[rows])[None]), calls)
            print(f"{n:12,}{n / ours:12,.0f}{n / theirs:12,.0f}")


def request_of(network: NeuralNetwork, steps: int, seed: int) -> UserSide:
    """A request with so many random steps of history."""
    history = np.random.default_rng(seed).standard_normal((steps, 32)).astype(np.float32)
    return network.user(np.empty(0, np.float32), history)


def timed(call: object, calls: int) -> float:
    """Milliseconds of CPU time a call, the least of three rounds."""
    assert callable(call)
    rounds = []
    for _ in range(3):
        start = time.thread_time()
        for _ in range(calls):
            call()
        rounds.append((time.thread_time() - start) / calls * 1e3)
    return min(rounds)


def walk_table(network: NeuralNetwork, e: Floats, steps: int, queries: int) -> None:
    """Coverage, work and time of the walks, beside scoring everything."""
    start = time.thread_time()
    rows = np.arange(len(e), dtype=np.int32)
    graph = ProximityGraph.build(rows, e)
    print(f"\ngraph of {len(e):,} ads: built in {time.thread_time() - start:.1f} s, {len(graph.entries)} entry points")
    users = [request_of(network, steps, seed) for seed in range(queries)]
    exact, spent = [], []
    for user in users:
        start = time.thread_time()
        exact.append(best(rows, network.score(user, e), K)[0])
        spent.append((time.thread_time() - start) * 1e3)
    print(f"{'walk':24}{'coverage':>10}{'scored':>9}{'p50 ms':>9}{'p99 ms':>9}{'scored/ms':>11}")
    report("brute force", [1.0] * queries, [len(e)] * queries, spent)
    walks = {name: lambda s, walk=walk: beam_walk(graph, s, walk) for name, walk in WALKS.items()}
    walks["classic, ef 400"] = lambda s: classic_walk(graph, s, 400)
    for name, walk in walks.items():
        covered, scored, spent = [], [], []
        walk(lambda rows: network.score(users[0], e[rows]))
        for user, top in zip(users, exact, strict=True):
            start = time.thread_time()
            found, scores = walk(lambda rows, user=user: network.score(user, e[rows]))
            spent.append((time.thread_time() - start) * 1e3)
            covered.append(np.isin(top, best(found, scores, K)[0]).mean())
            scored.append(len(found))
        report(name, covered, scored, spent)
    insert_table(graph, e)


def report(name: str, covered: list[float], scored: list[int], spent: list[float]) -> None:
    """One line."""
    p50, p99 = np.percentile(spent, [50, 99])
    rate = np.sum(scored) / np.sum(spent)
    print(f"{name:24}{np.mean(covered):10.3f}{np.mean(scored):9,.0f}{p50:9.2f}{p99:9.2f}{rate:11,.0f}")


def insert_table(graph: ProximityGraph, e: Floats) -> None:
    """Time of linking an ad live."""
    walk = WalkConfig(entry_beam=8, upper_beam=16, beam=48, rounds=8)

    def insert(row: int) -> None:
        near = beam_walk(graph, lambda rows: -((e[rows] - e[row]) ** 2).sum(axis=1), walk)
        graph.insert(row, e, best(*near, walk.beam)[0])

    insert(0)
    start = time.thread_time()
    for row in range(1000):
        insert(row)
    print(f"live: linking an ad {(time.thread_time() - start) * 1e3:.0f} us; a tombstone is one bit")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--queries", type=int, default=100)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = Shape(
        width=16, request_fields=0, request_numbers=0, ad_fields=1, ad_numbers=16, sequences=2, length=given.steps
    )
    model = NannModel(shape).eval()
    network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
    e = clustered(given.ads, network.width, np.random.default_rng(0))
    print(f"{platform.processor() or platform.machine()}, numpy {np.__version__}, torch {torch.__version__}, 1 thread")
    print(
        f"{given.ads:,} ads of width {network.width}, history of {given.steps} steps, score 64-32-1, attention 64-32\n"
    )
    network_table(model, network, e, given.steps)
    walk_table(network, e, given.steps, given.queries)


if __name__ == "__main__":
    main()
