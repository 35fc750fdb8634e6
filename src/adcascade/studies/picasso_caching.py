"""Caching, measured: how many look-ups meet the hot tier, and what looking up costs.

hit ratio by the law    H(k) / H(V)    where the k most frequent of V values are hot
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from adcascade.bench.rounds import alternate
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.nn.packed import PackedEmbedding
from adcascade.nn.table import EmbeddingTable
from adcascade.studies.picasso_world import TABLE, harmonic, skewed

IN_MEMORY, HOT, COLD = "rows in memory", "hot rows together", "all rows cold"
SHARES = (0.01, 0.05, 0.1, 0.2)


def hit_runs(folder: Path, *, values: int, batch: int, steps: int, seed: int) -> dict[float, dict[str, float]]:
    """By the share of rows that are hot: the hit ratio of the second half of the steps, and that of the law."""
    found = {}
    for share in SHARES:
        hot = round(share * values)
        cache = CacheConfig(hot_rows=hot, warm_up=steps // 10, flush_every=steps // 10, decay=0.9)
        table = CachedEmbedding(values + 1, TABLE, cache, folder, seed=seed)
        random = np.random.default_rng((seed, hot))
        name = 1 + random.permutation(values)  # a row's number says nothing of its frequency
        for step in range(steps):
            if step == steps // 2:
                before = (table.traffic.lookups, table.traffic.hits)
            ids = name[skewed(random, values, (batch,)) - 1]
            table.update(ids, torch.zeros_like(table.gather(ids)))
        hits = (table.traffic.hits - before[1]) / (table.traffic.lookups - before[0])
        law = harmonic(hot) / harmonic(values)
        found[share] = {
            "hit_ratio": hits,
            "law": law,
            "off": abs(hits - law),
            "cold_share": table.traffic.cold_bytes / max(table.traffic.lookups * 4 * TABLE.width, 1),
        }
    return found


def look_up_seconds(folder: Path, *, values: int, batch: int, rounds: int, seed: int) -> dict[str, list[float]]:
    """To look a batch up, by CPU time: all rows in memory in random order, a tenth of them hot, all in the file."""
    random = np.random.default_rng((seed, 5))
    name = 1 + random.permutation(values)
    batches = [name[skewed(random, values, (batch,)) - 1] for _ in range(rounds + 1)]
    tables: dict[str, EmbeddingTable] = {IN_MEMORY: PackedEmbedding(values + 1, TABLE, seed=seed)}
    for title, hot in ((HOT, values // 10), (COLD, 0)):
        cache = CacheConfig(hot_rows=hot, warm_up=1)
        tables[title] = table = CachedEmbedding(values + 1, TABLE, cache, folder, seed=seed)
        seen = np.concatenate((name[: values // 10], *batches))
        table.update(seen, torch.zeros_like(table.gather(seen)))
    turn = dict.fromkeys(tables, 0)

    def once(title: str) -> None:
        tables[title].look_up(batches[turn[title] % len(batches)])
        turn[title] += 1

    return alternate({title: partial(once, title) for title in tables}, rounds=rounds)
