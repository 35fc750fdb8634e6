"""The walk of many requests in lockstep finds for each what its own walk finds."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.retrieval.batch_walk import BatchWalk
from adcascade.retrieval.beam_walk import Floats, Rows, WalkConfig, beam_walk
from adcascade.retrieval.best import best
from adcascade.retrieval.graph import GraphConfig, ProximityGraph

N, WIDTH, K = 600, 6, 15
RANDOM = np.random.default_rng(0)
ROWS = (2 * np.arange(N) + 3).astype(np.int32)
BY_ROW: Floats = np.zeros((2 * N + 3, WIDTH), np.float32)
BY_ROW[ROWS] = RANDOM.standard_normal((N, WIDTH))
GRAPH = ProximityGraph.build(ROWS, BY_ROW[ROWS], GraphConfig(links=6, entries=8))
WALK = BatchWalk(GRAPH, torch.from_numpy(BY_ROW))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    beams=st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 80)),
    rounds=st.tuples(st.integers(0, 2), st.integers(0, 5)),
    share=st.sampled_from([1.0, 0.3, 0.0]),
)
def test_each_request_finds_what_its_own_walk_finds(
    seed: int, beams: tuple[int, int, int], rounds: tuple[int, int], share: float
) -> None:
    """The k best of the allowed rows among those that `beam_walk` scores, and as many evaluations in all."""
    config = WalkConfig(
        entry_beam=beams[0], upper_beam=beams[1], beam=beams[2], upper_rounds=rounds[0], rounds=rounds[1]
    )
    random = np.random.default_rng(seed)
    points = random.standard_normal((4, WIDTH)).astype(np.float32)
    allowed = random.random(len(BY_ROW)) < share
    found = WALK.search(
        lambda e: -((e - torch.from_numpy(points)[:, None]) ** 2).sum(dim=2), 4, K, config, torch.from_numpy(allowed)
    )
    evaluations = 0
    for point, rows, scores in zip(points, found.rows.numpy(), found.scores.numpy(), strict=True):

        def score(rows: Rows, point: Floats = point) -> Floats:
            near: Floats = -((BY_ROW[rows] - point) ** 2).sum(axis=1)
            return near

        met, met_scores = beam_walk(GRAPH, score, config)
        evaluations += len(met)
        inside = allowed[met]
        expected, expected_scores = best(met[inside], met_scores[inside], K)
        order = np.argsort(-expected_scores, kind="stable")
        assert rows[: len(expected)].tolist() == expected[order].tolist()
        assert (rows[len(expected) :] == -1).all()
        np.testing.assert_allclose(scores[: len(expected)], expected_scores[order], rtol=1e-5, atol=1e-6)
    assert found.evaluations == evaluations
