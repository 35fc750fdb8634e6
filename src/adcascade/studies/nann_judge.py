"""How the study of NANN judges a trained matcher: its exact top M by brute force, and what walks find of it.

recall_all        P(the next click is among the exact top M), by brute force over all V ads
recall_retrieval  the same of the M that a walk found
coverage          |found and exact| / M
scored_share      ads that the walk scored / V
ms                CPU time of one request, user side included
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from adcascade.retrieval.beam_walk import Score, WalkConfig, beam_walk
from adcascade.retrieval.best import best
from adcascade.retrieval.classic_walk import classic_walk
from adcascade.retrieval.graph import Level, ProximityGraph
from adcascade.retrieval.neural_network import NeuralNetwork
from adcascade.retrieval.tower_model import TwoTower
from adcascade.studies.nann_training import Matcher
from adcascade.studies.nann_world import Floats

M = 100
Rows = NDArray[np.int32]
Walk = Callable[[ProximityGraph, Score], tuple[Rows, Floats]]


class Found(NamedTuple):
    """Means over the judged users."""

    recall_retrieval: float
    coverage: float
    scored_share: float
    ms: float


class Judge:
    """One matcher, its graph, and the exact answers; `walk` measures ways to walk."""

    def __init__(self, matcher: Matcher) -> None:
        """Embed all ads, build the graph, score everything for every judged user."""
        self.clicks, self.ads = matcher.corpus.test, len(matcher.corpus)
        rows = np.arange(self.ads, dtype=np.int32)
        with torch.no_grad():
            self.vectors: Floats = matcher.vectors(rows.astype(np.int64)).numpy()
        self._requests = _scorer(matcher, self.vectors)
        self.graph = ProximityGraph.build(rows, self.vectors)
        start = time.thread_time()
        self._exact = [best(rows, self._requests(user)(rows), M)[0] for user in range(len(self.clicks))]
        self.ms = (time.thread_time() - start) / len(self.clicks) * 1e3
        self.recall_all = float(np.mean([self.clicks.recall(user, top) for user, top in enumerate(self._exact)]))

    def walk(self, walk: Walk, graph: ProximityGraph | None = None) -> Found:
        """What a walk finds, on the matcher's own graph or another."""
        figures = np.empty((len(self.clicks), 3))
        start = time.thread_time()
        found = [walk(graph or self.graph, self._requests(user)) for user in range(len(self.clicks))]
        tops = [best(rows, scores, M)[0] for rows, scores in found]
        ms = (time.thread_time() - start) / len(self.clicks) * 1e3
        for user, top in enumerate(tops):
            shared = np.isin(self._exact[user], top).mean()
            figures[user] = self.clicks.recall(user, top), shared, len(found[user][0]) / self.ads
        recall, coverage, share = figures.mean(axis=0).tolist()
        return Found(recall, coverage, share, ms)

    def beam(self, config: WalkConfig, graph: ProximityGraph | None = None) -> Found:
        """The beam walk."""
        return self.walk(lambda graph, score: beam_walk(graph, score, config), graph)

    def classic(self, ef: int) -> Found:
        """HNSW's walk."""
        return self.walk(lambda graph, score: classic_walk(graph, score, ef))


def random_graph(graph: ProximityGraph, seed: int) -> ProximityGraph:
    """The same numbers of links, to anywhere."""
    random = np.random.default_rng(seed)
    levels = []
    for line, links in graph.levels:
        members = np.flatnonzero(line >= 0).astype(np.int32)
        levels.append(Level(line, np.where(links >= 0, random.choice(members, links.shape), np.int32(-1))))
    return ProximityGraph(graph.entries, (levels[0], levels[1]), built=graph.built)


def _scorer(matcher: Matcher, vectors: Floats) -> Callable[[int], Score]:
    """From a judged user to her score of rows."""
    history = matcher.corpus.test.history
    model = matcher.model
    if isinstance(model, TwoTower):
        with torch.no_grad():
            queries = matcher.state(history)[0].numpy()
        return lambda user: lambda rows: vectors[rows] @ queries[user]
    network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
    with torch.no_grad():
        steps = matcher.steps(history).flatten(2).numpy()
    nobody, sides = np.empty(0, np.float32), network.item_sides(vectors)

    def score_of(user: int) -> Score:
        side = network.user(nobody, steps[user][history[user] >= 0])
        return lambda rows: network.score_rows(side, sides, rows)

    return score_of
