"""Classic walk: HNSW's best-first search with any score, the baseline that the beam walk is measured against.

On the upper levels it climbs with one path to the best ad it can see; on level 0 it expands the best unexpanded ad
until that is worse than the ef-th best found. Its score is called once an expanded ad, for some dozen neighbours: with
a network most of the time goes into calls. (SL2G and HNSW-retrieval in arXiv 2202.10226.)
"""

import heapq

import numpy as np

from adcascade.retrieval.beam_walk import Bits, Floats, Rows, Score, mark, neighbours
from adcascade.retrieval.graph import ProximityGraph


def classic_walk(graph: ProximityGraph, score: Score, ef: int) -> tuple[Rows, Floats]:
    """All rows that the walk scored, distinct, int32 [n], and their scores, float32 [n]."""
    visited: Bits = np.zeros((len(graph.levels[0].line) >> 3) + 1, np.uint8)
    seen: list[tuple[float, int]] = []

    def look(level: int, row: int) -> list[tuple[float, int]]:
        """Score the neighbours of a row that were not visited."""
        return scored(neighbours(graph.levels[level], np.array([row], np.int32), visited))

    def scored(rows: Rows) -> list[tuple[float, int]]:
        found = list(zip(score(rows).tolist(), rows.tolist(), strict=True)) if len(rows) else []
        seen.extend(found)
        return found

    start = graph.entries[:1]  # the highest
    mark(visited, start)
    best = max(scored(start))
    while (better := max(look(1, best[1]), default=best)) > best:
        best = better
    candidates = [(-s, row) for s, row in seen]  # what the climb has seen may be expanded too
    heapq.heapify(candidates)
    kept = sorted(s for s, _ in seen)[-ef:]
    heapq.heapify(kept)
    while candidates:
        s, row = heapq.heappop(candidates)
        if len(kept) == ef and -s < kept[0]:
            break
        for found, other in look(0, row):
            if len(kept) < ef:
                heapq.heappush(kept, found)
            elif found > kept[0]:
                heapq.heapreplace(kept, found)
            else:
                continue
            heapq.heappush(candidates, (-found, other))
    return np.array([row for _, row in seen], np.int32), np.array([s for s, _ in seen], np.float32)
