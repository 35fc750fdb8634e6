"""Laws of the graph and of the walks over it: the twin, what is reached, live changes, files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import BundleError
from adcascade.retrieval.beam_walk import Floats, Rows, Score, WalkConfig, beam_walk, beam_walk_slow
from adcascade.retrieval.best import best
from adcascade.retrieval.classic_walk import classic_walk
from adcascade.retrieval.graph import GraphConfig, ProximityGraph

N, WIDTH = 1500, 8
LINKS = GraphConfig(links=8, entries=8)


def clustered(n: int, seed: int) -> Floats:
    """Vectors [n, WIDTH] in 20 clusters."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((20, WIDTH))
    return (centres[random.integers(20, size=n)] + 0.6 * random.standard_normal((n, WIDTH))).astype(np.float32)


def nearness(vectors: Floats, seed: int) -> Score:
    """Minus the distance to a random point."""
    point = np.random.default_rng(seed).standard_normal(WIDTH).astype(np.float32)
    return lambda rows: -((vectors[rows] - point) ** 2).sum(axis=1)


def coverage(graph: ProximityGraph, score: Score, rows: Rows, walk: WalkConfig, k: int = 20) -> float:
    """Of the k best of `rows`, the share that a walk finds."""
    found, scores = beam_walk(graph, score, walk)
    inside = np.isin(found, rows)
    return float(np.isin(best(rows, score(rows), k)[0], best(found[inside], scores[inside], k)[0]).mean())


VECTORS = clustered(N, 0)
ROWS = (2 * np.arange(N) + 3).astype(np.int32)  # rows of the catalog need not be dense
BY_ROW = np.zeros((2 * N + 3, WIDTH), np.float32)
BY_ROW[ROWS] = VECTORS
GRAPH = ProximityGraph.build(ROWS, VECTORS, LINKS)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**16),
    beams=st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 80)),
    rounds=st.tuples(st.integers(0, 2), st.integers(0, 5)),
)
def test_the_walk_equals_its_twin(seed: int, beams: tuple[int, int, int], rounds: tuple[int, int]) -> None:
    """The compiled walk scores exactly the ads that sets and sorted lists say, each once."""
    walk = WalkConfig(entry_beam=beams[0], upper_beam=beams[1], beam=beams[2], upper_rounds=rounds[0], rounds=rounds[1])
    score = nearness(BY_ROW, seed)
    rows, scores = beam_walk(GRAPH, score, walk)
    assert len(np.unique(rows)) == len(rows)
    assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == beam_walk_slow(GRAPH, score, walk)


def test_a_beam_as_wide_as_the_graph_reads_it_all() -> None:
    """With every ad kept, every ad is reached."""
    rows, _ = beam_walk(GRAPH, nearness(BY_ROW, 1), WalkConfig(entry_beam=N, upper_beam=N, beam=N, rounds=50))
    assert sorted(rows.tolist()) == ROWS.tolist()


def test_both_walks_find_what_is_near() -> None:
    """On the measure that the graph was built for, a few ads scored bring nearly all of the best."""
    beams, classics = [], []
    for seed in range(20):
        score = nearness(BY_ROW, seed)
        beams.append(coverage(GRAPH, score, ROWS, WalkConfig(entry_beam=8, upper_beam=16, beam=40, rounds=8)))
        found, scores = classic_walk(GRAPH, score, 60)
        assert len(np.unique(found)) == len(found)
        classics.append(np.isin(best(ROWS, score(ROWS), 20)[0], best(found, scores, 20)[0]).mean())
    assert np.mean(beams) > 0.95
    assert np.mean(classics) > 0.9


def test_a_wider_walk_scores_no_less() -> None:
    """`times` scales the work."""
    walk = WalkConfig(entry_beam=4, upper_beam=8, beam=16, rounds=4)
    sizes = [len(beam_walk(GRAPH, nearness(BY_ROW, 3), walk.times(factor))[0]) for factor in (0.5, 1, 2, 4)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]


@pytest.mark.parametrize("rounds", [0, 1, 4])
def test_a_walk_scores_once_a_round(rounds: int) -> None:
    """The entry points, and then one batch a round: never more calls of the score than that."""
    calls = []
    score = nearness(BY_ROW, 5)

    def counted(rows: Rows) -> Floats:
        calls.append(len(rows))
        return score(rows)

    found, _ = beam_walk(GRAPH, counted, WalkConfig(entry_beam=4, upper_beam=8, beam=16, rounds=rounds))
    assert len(calls) <= 2 + rounds
    assert sum(calls) == len(found)


def test_random_links_lead_nowhere() -> None:
    """The same numbers of links to anywhere: the walk finds little of the best, so it is nearness that leads."""
    random = np.random.default_rng(0)
    levels = [
        level._replace(links=np.where(level.links >= 0, random.choice(ROWS, level.links.shape), -1).astype(np.int32))
        for level in GRAPH.levels
    ]
    lost = ProximityGraph(GRAPH.entries, (levels[0], levels[1]), built=N)
    walk = WalkConfig(entry_beam=8, upper_beam=16, beam=20, rounds=4)
    true, wrong = (np.mean([coverage(g, nearness(BY_ROW, s), ROWS, walk) for s in range(20)]) for g in (GRAPH, lost))
    assert true > wrong + 0.3


def grown(start: int) -> ProximityGraph:
    """A graph built of the first ads, into which the others came one by one."""
    graph = ProximityGraph.build(ROWS[:start], VECTORS[:start], LINKS)
    walk = WalkConfig(entry_beam=8, upper_beam=16, beam=40, rounds=8)
    for row in ROWS[start:].tolist():

        def near(rows: Rows, row: int = row) -> Floats:
            near: Floats = -((BY_ROW[rows] - BY_ROW[row]) ** 2).sum(axis=1)
            return near

        graph.insert(row, BY_ROW, best(*beam_walk(graph, near, walk), 40)[0])
    return graph


@pytest.mark.parametrize("start", [0, N // 2])
def test_inserting_is_nearly_as_good_as_building(start: int) -> None:
    """Half of the ads, or all of them, inserted live: as findable as those of a new graph, within five points."""
    graph = grown(start)
    walk = WalkConfig(entry_beam=8, upper_beam=16, beam=60, rounds=10)
    live, new = (np.mean([coverage(g, nearness(BY_ROW, s), ROWS, walk) for s in range(20)]) for g in (graph, GRAPH))
    assert live > new - 0.05
    assert graph.is_worn(LINKS) == (start == 0 or N - start > LINKS.wear * start)


def test_lines_hold_distinct_rows_and_never_their_own() -> None:
    """After many insertions and prunings, of rows that were there too; links stand before the first -1."""
    graph = grown(N // 2)
    for row in ROWS[:200].tolist():
        graph.insert(row, BY_ROW, ROWS[200:260])
    line, links = graph.levels[0]
    for row in ROWS.tolist():
        found = links[line[row]].tolist()
        there = [other for other in found if other >= 0]
        assert found[: len(there)] == there
        assert len(set(there)) == len(there)
        assert row not in there


def test_a_graph_is_the_same_after_a_file(tmp_path: Path) -> None:
    """Entries, links and wear; and what is no graph is a BundleError."""
    graph = grown(N - 10)
    graph.save(tmp_path)
    again = ProximityGraph.load(tmp_path)
    score, walk = nearness(BY_ROW, 2), WalkConfig(beam=30)
    for ours, theirs in zip(beam_walk(graph, score, walk), beam_walk(again, score, walk), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (again.built, again.changed) == (N - 10, 10)
    (tmp_path / "graph.npz").write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"graph\.npz"):
        ProximityGraph.load(tmp_path)


def test_building_twice_gives_the_same_graph() -> None:
    """One thread builds it."""
    again = ProximityGraph.build(ROWS, VECTORS, LINKS)
    np.testing.assert_array_equal(again.levels[0].links, GRAPH.levels[0].links)
    np.testing.assert_array_equal(again.entries, GRAPH.entries)
