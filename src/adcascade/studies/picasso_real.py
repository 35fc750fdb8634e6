"""Caching on the ids of a real log: Criteo's display ads, 39 fields, in the order in which they were shown.

Beside the hit ratio stands that of the best k rows in hindsight: no choice that stays the same could hit more.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from adcascade.features import Encoder
from adcascade.learning.labelled import labelled
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.studies.exfm_criteo import NAME, SOURCE, read_log
from adcascade.studies.picasso_world import TABLE, Ids

__all__ = ["NAME", "SOURCE", "criteo_ids", "replayed"]


def criteo_ids(folder: Path, rows: int) -> tuple[Ids, int]:
    """Ids [rows, F] of the last samples to learn from, and how many rows their packed table has."""
    log = read_log(folder)
    table = pa.concat_tables([log.past, log.present])
    table = table.slice(max(len(table) - rows, 0))
    encoder = Encoder.fit(log.features, [table])
    return labelled(encoder, table).batch.ids, encoder.rows


def replayed(ids: Ids, rows: int, folder: Path, *, hot_share: float, batch: int, seed: int) -> dict[str, float]:
    """Train on batches in order, from an offset that the seed draws: the hit ratio of the second half."""
    ids = np.roll(ids, int(np.random.default_rng(seed).integers(batch)), axis=0)
    hot = round(hot_share * rows)
    batches = np.array_split(ids, max(len(ids) // batch, 2))
    cache = CacheConfig(hot_rows=hot, warm_up=max(len(batches) // 8, 1), flush_every=max(len(batches) // 8, 1))
    table = CachedEmbedding(rows, TABLE, cache, folder, seed=seed)
    half, before = len(batches) // 2, (0, 0)
    for place, part in enumerate(batches):
        if place == half:
            before = (table.traffic.lookups, table.traffic.hits)
        table.update(part, torch.zeros_like(table.gather(part)))
    late = np.bincount(np.concatenate(batches[half:]).ravel(), minlength=rows)
    late[0] = 0
    return {
        "hit_ratio": (table.traffic.hits - before[1]) / (table.traffic.lookups - before[0]),
        "law": float(np.sort(late)[-hot:].sum() / late.sum()),
    }
