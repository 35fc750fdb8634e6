"""Batch walk: the beam walk of many requests at once, in lockstep, by torch on one device.

What `beam_walk` does for one request, for evaluation and candidate generation over a log: each round expands all
requests' frontiers, takes out what each has visited, and scores what is new in one product of [B, n, E]. On a GPU
a round is a dozen kernels whatever the number of requests. A walk keeps exactly ef ads where
`beam_walk` also keeps those that tie with the last.

Letters: B requests, V rows, E width of a vector, n new ads of a round (the most of any request), k results.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from adcascade.retrieval.beam_walk import WalkConfig
from adcascade.retrieval.graph import Level, ProximityGraph

BatchScore = Callable[[Tensor], Tensor]  # vectors [B, n, E], a place's ads beside the place's request -> scores [B, n]
WORST = float("-inf")


class Found(NamedTuple):
    """What a batch of walks found."""

    rows: Tensor  # int64 [B, k], the best first; -1 where fewer were met
    scores: Tensor  # [B, k]
    evaluations: int  # ads that were scored, of all requests


class BatchWalk:
    """A graph and the vectors of its rows, put on a device once; `search` for any number of requests."""

    def __init__(self, graph: ProximityGraph, vectors: Tensor) -> None:
        """vectors: float32 [V, E] by row, on the device where everything is done."""
        self._vectors = vectors
        self._device = vectors.device
        self._entries = torch.from_numpy(graph.entries).to(self._device, torch.int64)
        self._levels = [self._put(level) for level in graph.levels]

    def _put(self, level: Level) -> tuple[Tensor, Tensor]:
        """(line, links) with one more line at the end that links to nothing, where the rows without a line point."""
        line = torch.from_numpy(level.line).to(self._device, torch.int64)
        links = torch.from_numpy(level.links).to(self._device, torch.int64)
        nothing = torch.full((1, links.shape[1]), -1, dtype=torch.int64, device=self._device)
        return torch.where(line < 0, len(links), line), torch.cat((links, nothing))

    @torch.no_grad()
    def search(
        self, score: BatchScore, requests: int, k: int, config: WalkConfig, allowed: Tensor | None = None
    ) -> Found:
        """The k best that each request's walk meets, of those allowed: bool [V] for all or [B, V] for each."""
        width = max(config.entry_beam, config.upper_beam, config.beam)
        visited = torch.zeros((requests, len(self._vectors) + 1), dtype=torch.bool, device=self._device)
        found, walk = _Best(requests, k, self._device), _Best(requests, width, self._device)
        evaluations = 0

        def meet(fresh: Tensor, beam: int) -> Tensor:
            """Score new rows [B, n], keep the best; those of them that were kept."""
            nonlocal evaluations
            visited.scatter_(1, _padded(fresh, len(self._vectors)), True)
            evaluations += int((fresh >= 0).sum())
            scores = score(self._vectors[fresh.clamp(min=0)]).masked_fill(fresh < 0, WORST)
            found.take(fresh, scores if allowed is None else scores.masked_fill(~_among(allowed, fresh), WORST), k)
            return walk.take(fresh, scores, beam)

        meet(self._entries.expand(requests, -1), config.entry_beam)
        for level, rounds, beam in ((1, config.upper_rounds, config.upper_beam), (0, config.rounds, config.beam)):
            frontier = walk.rows
            for _ in range(rounds):
                fresh = self._neighbours(level, frontier, visited)
                if not fresh.shape[1]:
                    break
                frontier = meet(fresh, beam)
        return Found(found.rows, found.scores, evaluations)

    def _neighbours(self, level: int, frontier: Tensor, visited: Tensor) -> Tensor:
        """Rows [B, n] that each request's frontier [B, f] links to and has not visited, each once; then -1."""
        line, links = self._levels[level]
        nowhere = len(links) - 1
        inside = (frontier >= 0) & (frontier < len(line))
        lines = torch.where(inside, line[torch.where(inside, frontier, 0)], nowhere)
        rows = links[lines].flatten(1)  # [B, f D]
        rows = rows.masked_fill(visited.gather(1, _padded(rows, visited.shape[1] - 1)), -1)
        rows = rows.sort(dim=1, descending=True).values
        rows[:, 1:] = rows[:, 1:].masked_fill(rows[:, 1:] == rows[:, :-1], -1)
        rows = rows.sort(dim=1, descending=True).values
        return rows[:, : int((rows >= 0).sum(dim=1).max())] if rows.numel() else rows


class _Best:
    """The best rows [B, k] so far and their scores, the best first; -1 and minus infinity where there are fewer."""

    def __init__(self, b: int, k: int, device: torch.device) -> None:
        self.rows = torch.full((b, k), -1, dtype=torch.int64, device=device)
        self.scores = torch.full((b, k), WORST, device=device)

    def take(self, rows: Tensor, scores: Tensor, k: int) -> Tensor:
        """Keep the k best of what there is and these [B, n]; those of these that are kept, others -1.

        A request for which nothing is new keeps what it has.
        """
        both, all_rows = torch.cat((self.scores, scores), dim=1), torch.cat((self.rows, rows), dim=1)
        best, place = both.topk(self.rows.shape[1], dim=1)
        some = (rows >= 0).any(dim=1)
        beyond = (torch.arange(best.shape[1], device=best.device) >= k) & some[:, None]
        self.scores = best.masked_fill(beyond, WORST)
        self.rows = all_rows.gather(1, place).masked_fill(self.scores == WORST, -1)
        kept = torch.zeros_like(both, dtype=torch.bool).scatter_(1, place, self.rows >= 0)
        return rows.masked_fill(~kept[:, -rows.shape[1] :], -1)


def _padded(rows: Tensor, padding: int) -> Tensor:
    return torch.where(rows < 0, padding, rows)


def _among(allowed: Tensor, rows: Tensor) -> Tensor:
    """Whether each row [B, n] is allowed."""
    there = rows.clamp(min=0)
    return allowed[there] if allowed.dim() == 1 else allowed.gather(1, there)
