"""Beam walk: the best ads by any score, found on several paths through a proximity graph in a fixed number of steps.

    W = best ef_2 of the entry points, all scored
    for level l in (1, 0):    C = W
        repeat T_l times, as long as C holds something:
            N = neighbours at l of all of C, not visited yet; score N in one batch
            W = best ef_l of W and N;  C = N within W            only what is new and good is expanded

The paper's Algorithm 2 (arXiv 2202.10226). Each round is one batched call of the score, which is where a network is
quick; expansion and the bitmap of visited ads are compiled. Everything that was scored is returned, so filters of
results cost nothing and never cut a path.

Letters: V rows, n ads that were scored.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.retrieval.graph import Level, ProximityGraph

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Bits = NDArray[np.uint8]
Score = Callable[[Rows], Floats]  # rows [n] -> scores [n]


@dataclass(frozen=True, kw_only=True)
class WalkConfig:
    """How wide (ef) and how long (rounds) the walk is on each level."""

    entry_beam: int = 100  # ef_2
    upper_beam: int = 200  # ef_1
    beam: int = 400  # ef_0
    upper_rounds: int = 1  # T_1
    rounds: int = 3  # T_0

    def times(self, factor: float) -> Self:
        """The same walk with beams so many times as wide."""
        wide = {name: max(round(getattr(self, name) * factor), 1) for name in ("entry_beam", "upper_beam", "beam")}
        return replace(self, **wide)


def beam_walk(graph: ProximityGraph, score: Score, config: WalkConfig) -> tuple[Rows, Floats]:
    """All rows that the walk scored, distinct, int32 [n], and their scores, float32 [n]."""
    rows = graph.entries
    visited: Bits = np.zeros((len(graph.levels[0].line) >> 3) + 1, np.uint8)
    mark(visited, rows)
    scores = score(rows)
    all_rows, all_scores = [rows], [scores]
    best_rows, best_scores = _cut(rows, scores, config.entry_beam)
    plan = ((1, config.upper_rounds, config.upper_beam), (0, config.rounds, config.beam))
    for level, rounds, beam in plan:
        frontier = best_rows
        for _ in range(rounds):
            found = neighbours(graph.levels[level], frontier, visited)
            if not len(found):
                break
            scores = score(found)
            all_rows.append(found)
            all_scores.append(scores)
            best_scores = np.concatenate((best_scores, scores))
            best_rows = np.concatenate((best_rows, found))
            least = _least(best_scores, beam)
            frontier = found[scores >= least]
            kept = best_scores >= least
            best_rows, best_scores = best_rows[kept], best_scores[kept]
    return np.concatenate(all_rows), np.concatenate(all_scores)


def beam_walk_slow(graph: ProximityGraph, score: Score, config: WalkConfig) -> dict[int, float]:
    """`beam_walk` with sets and sorted lists: its twin in tests. Score by row of all that was scored."""
    seen = dict(zip(graph.entries.tolist(), score(graph.entries).tolist(), strict=True))
    ranked = sorted(seen.values(), reverse=True)
    w = {row for row in seen if seen[row] >= ranked[min(config.entry_beam, len(ranked)) - 1]}
    plan = ((1, config.upper_rounds, config.upper_beam), (0, config.rounds, config.beam))
    for level, rounds, beam in plan:
        line, links = graph.levels[level]
        c = w
        for _ in range(rounds):
            n = {int(v) for u in c if line[u] >= 0 for v in links[line[u]] if v >= 0} - seen.keys()
            if not n:
                break
            fresh = np.array(sorted(n), np.int32)
            seen |= dict(zip(fresh.tolist(), score(fresh).tolist(), strict=True))
            ranked = sorted((seen[row] for row in w | n), reverse=True)
            w = {row for row in w | n if seen[row] >= ranked[min(beam, len(ranked)) - 1]}
            c = n & w
    return seen


def neighbours(level: Level, frontier: Rows, visited: Bits) -> Rows:
    """The rows that the frontier links to and that were not visited; they are marked as visited."""
    out = np.empty(len(frontier) * level.links.shape[1], np.int32)
    return out[: _expand(level.line, level.links, frontier, visited, out)]


def mark(visited: Bits, rows: Rows) -> None:
    """Mark rows, distinct or not, as visited."""
    np.bitwise_or.at(visited, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))


def _cut(rows: Rows, scores: Floats, k: int) -> tuple[Rows, Floats]:
    kept = scores >= _least(scores, k)
    return rows[kept], scores[kept]


def _least(scores: Floats, k: int) -> np.float32:
    """The k-th best score, or the worst where there are fewer."""
    place = max(len(scores) - k, 0)
    least: np.float32 = np.partition(scores, place)[place] if len(scores) else np.float32(0)
    return least


@njit(cache=True)
def _expand(line: Rows, links: Rows, frontier: Rows, visited: Bits, out: Rows) -> int:
    count = 0
    for row in frontier:
        at = line[row]
        if at < 0:
            continue
        for place in range(links.shape[1]):
            other = links[at, place]
            if other < 0:
                break
            bit = np.uint8(1 << (other & 7))
            if visited[other >> 3] & bit == 0:
                visited[other >> 3] |= bit
                out[count] = other
                count += 1
    return count
