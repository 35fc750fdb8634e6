"""Retrieval by a neural score: evaluations a millisecond of a core, beside the same walk scored by torch.

The network is the table's of our technology page, 64->128->64->1 plus a dot product, and then the one that
`train.retrieval = "nann"` learns, with attention to the history. Weights are random: coverage is that of a score which
nothing has flattened, and what is timed does not depend on what was learned. One thread, CPU time.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from numba import njit

from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Bar, Row
from adcascade.learning.model import Shape
from adcascade.nn.inputs import Inputs
from adcascade.retrieval.beam_walk import Rows, Score, WalkConfig, beam_walk
from adcascade.retrieval.best import best
from adcascade.retrieval.graph import ProximityGraph
from adcascade.retrieval.nann_model import NannConfig, NannModel
from adcascade.retrieval.neural_kernels import VECTORS
from adcascade.retrieval.neural_network import Floats, NeuralNetwork

K = 100
LINKED = 200  # ads of a round that are linked live
FIELD = 16  # width of an embedding
WALKS = {"ef 400": WalkConfig(), "ef 800": WalkConfig(entry_beam=200, upper_beam=400, beam=800)}
Scores = list[Score]  # one a request


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=40, help="requests a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=15, help="of the history that is attended")


def run(given: argparse.Namespace) -> list[Row]:
    """Both networks over graphs of clustered vectors."""
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    plain = NannModel(_shape(0), NannConfig(width=64, hidden=(128, 64), attends=False)).eval()
    attending = NannModel(_shape(given.steps)).eval()
    rows = []
    for says, model, dot in (("64-128-64-1 + dot", plain, True), ("default, with attention", attending, False)):
        network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
        e = clustered(given.ads, network.width, np.random.default_rng(given.seed))
        start = time.thread_time()
        graph = ProximityGraph.build(np.arange(len(e), dtype=np.int32), e)
        built = time.thread_time() - start
        ours, theirs = scores_of(model, network, e, given, dot=dot)
        for walk, config in WALKS.items():
            rows += walk_rows(f"{says}, {walk}", graph, (ours, theirs), config, given.rounds, judged=dot)
    return [*rows, *live_rows(graph, e, built)]


def clustered(n: int, width: int, random: np.random.Generator) -> Floats:
    """Vectors [n, width] around 2000 centres, each of mean 0 and variance 1, as e_v are."""
    centres = random.standard_normal((2000, width), np.float32)
    ads = centres[random.integers(2000, size=n)] + 0.5 * random.standard_normal((n, width), np.float32)
    ads -= ads.mean(axis=1, keepdims=True)
    vectors: Floats = ads / ads.std(axis=1, keepdims=True)
    return vectors


def _shape(steps: int) -> Shape:
    """Of a request with four fields and, perhaps, a history of two sequences."""
    sequences = 2 if steps else 0
    return Shape(
        width=FIELD,
        request_fields=4,
        request_numbers=0,
        ad_fields=1,
        ad_numbers=16,
        sequences=sequences,
        length=steps,
    )


def scores_of(
    model: NannModel, network: NeuralNetwork, e: Floats, given: argparse.Namespace, *, dot: bool
) -> tuple[Scores, Scores]:
    """For each request our score and torch's, both with the user's side computed once."""
    sides, tensor = network.item_sides(e), torch.from_numpy(e)
    ours: Scores = []
    theirs: Scores = []
    for number in range(given.queries):
        random = np.random.default_rng((given.seed, number))
        steps = random.standard_normal((given.steps * model.attends, 2 * FIELD), np.float32)
        profile = random.standard_normal((1, 4, FIELD), np.float32)
        direction = random.standard_normal(network.width, np.float32) * np.float32(dot)
        side = network.user(profile.ravel(), steps)
        history = torch.from_numpy(
            steps.reshape(1, len(steps), -1, FIELD) if len(steps) else np.empty((1, 0, 0, FIELD))
        )
        user = Inputs(torch.from_numpy(profile), torch.zeros((1, 0)), history.float(), torch.ones((1, len(steps))) > 0)
        with torch.inference_mode():
            state = model.user_state(user)

        def ours_one(rows: Rows, side=side, direction=direction) -> Floats:
            scores = network.score_rows(side, sides, rows)
            if dot:
                add_dots(e, rows, direction, scores)
            return scores

        def theirs_one(rows: Rows, state=state, direction=torch.from_numpy(direction)) -> Floats:  # noqa: B008
            with torch.inference_mode():
                vectors = tensor[torch.from_numpy(rows)]
                scores = model.score_vectors(state, vectors[None])[0]
                return (scores + vectors @ direction if dot else scores).numpy()

        ours.append(ours_one)
        theirs.append(theirs_one)
    return ours, theirs


@njit(fastmath=VECTORS)
def add_dots(e: Floats, rows: Rows, direction: Floats, scores: Floats) -> None:
    """scores [n] += e[rows] . direction."""
    for place in range(len(rows)):
        vector, total = e[rows[place]], np.float32(0)
        for unit in range(len(direction)):
            total += vector[unit] * direction[unit]
        scores[place] += total


def walk_rows(
    says: str, graph: ProximityGraph, scores: tuple[Scores, Scores], config: WalkConfig, rounds: int, *, judged: bool
) -> list[Row]:
    """Evaluations a millisecond of our walk and of torch's, and how much of the exact top the walk finds."""

    def walks(some: Scores) -> Callable[[], object]:
        return lambda: [beam_walk(graph, score, config) for score in some]

    spent = alternate({"ours": walks(scores[0]), "torch": walks(scores[1])}, rounds=rounds)
    found = [beam_walk(graph, score, config) for score in scores[0]]
    evaluations = sum(len(rows) for rows, _ in found)
    ours, peer = (figure(rates([1e3 * second for second in spent[name]], evaluations)) for name in ("ours", "torch"))
    everything = np.arange(len(graph.levels[0].line), dtype=np.int32)
    covered = np.mean(
        [
            np.isin(best(everything, score(everything), K)[0], best(*one, K)[0]).mean()
            for score, one in zip(scores[0][:10], found, strict=False)
        ]
    )
    note = f"{evaluations / len(found):,.0f} evaluations a request, {covered:.1%} of the exact top {K}"
    common = {
        "value": ours.median,
        "spread": ours.spread,
        "unit": "evaluations/ms",
        "peer": "the same walk scored by torch",
        "peer_value": peer.median,
    }
    first = Row(name=says, bar=Bar(of="value", least=2000) if judged else None, note=note, **common)
    return [first, Row(name=f"{says}, beside torch", bar=Bar(of="ratio", least=2), **common)] if judged else [first]


def live_rows(graph: ProximityGraph, e: Floats, built: float) -> list[Row]:
    """Time of building a graph, and of linking an ad live."""
    walk = WalkConfig(entry_beam=8, upper_beam=16, beam=48, rounds=8)

    def insert(row: int) -> None:
        near = beam_walk(graph, lambda rows: -((e[rows] - e[row]) ** 2).sum(axis=1), walk)
        graph.insert(row, e, best(*near, walk.beam)[0])

    spent = alternate({"insert": lambda: [insert(row) for row in range(LINKED)]}, rounds=3)["insert"]
    link = figure([1e6 * second / LINKED for second in spent])
    return [
        Row(name="building the graph, an ad", value=built / len(e) * 1e6, unit="us"),
        Row(name="linking an ad live", value=link.median, spread=link.spread, unit="us"),
    ]
