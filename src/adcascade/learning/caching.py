"""Caching: where a model's table lies, by how much memory it may take (PICASSO's third technique, arXiv 2204.04903)."""

from pathlib import Path

import torch

from adcascade.errors import ConfigurationError
from adcascade.nn.cached import CacheConfig, CachedEmbedding, row_bytes
from adcascade.nn.device import DeviceEmbedding
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import EmbeddingTable


def table_of(
    rows: int,
    config: TableConfig,
    *,
    seed: int = 0,
    memory_mb: float | None = None,
    folder: Path = Path(),
    device: str = "cpu",
) -> EmbeddingTable:
    """A new table, in memory where it fits into `memory_mb` (None: it does); else its rare rows lie in `folder`.

    On another device than the CPU the whole table lies there. ConfigurationError where the memory does not even hold
    the index of the rows, or where both are asked for.
    """
    if torch.device(device).type != "cpu":
        if memory_mb is not None:
            raise ConfigurationError(
                f"train.memory_mb is {memory_mb:g}, and train.device puts the table on {device}: leave one of them out"
            )
        return DeviceEmbedding(rows, config, device=device, seed=seed)
    if memory_mb is None or rows * row_bytes(config) <= memory_mb * 1e6:
        return PackedEmbedding(rows, config, seed=seed)
    try:
        cache = CacheConfig.within(memory_mb * 1e6, rows, config)
    except ValueError as error:
        raise ConfigurationError(f"train.memory_mb: {error}") from error
    return CachedEmbedding(rows, config, cache, folder, seed=seed)
