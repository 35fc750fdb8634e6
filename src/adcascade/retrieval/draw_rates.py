"""Draw rates: how often each ad stands in the columns of the sampled softmax, and how often it was shown."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled


class RatedBlocks:
    """Blocks of samples with extra["log_rate"]: what the score of each column is lowered by.

    shown: columns are all shown ads, else the clicked ones alone; rate: log q - log e, else log q, where q is
    the ad's share of the columns and e its share of all impressions.
    """

    def __init__(self, blocks: Iterable[Labelled], ad_fields: int, *, shown: bool, rate: bool) -> None:
        """Read the blocks once, or twice where columns are clicked ads, to count."""
        self._blocks, self._ad_fields, self._shown = blocks, ad_fields, shown
        log_e = _log_shares(_count(blocks, ad_fields))
        log_q = log_e if shown else _log_shares(_count(self._chosen(), ad_fields))
        self._log_rates = {ad: share - (log_e[ad] if rate else 0.0) for ad, share in log_q.items()}

    def _chosen(self) -> Iterator[Labelled]:
        for block in self._blocks:
            yield block if self._shown else block.take(np.flatnonzero(block.label > 0))

    def __iter__(self) -> Iterator[Labelled]:
        """The blocks, without the rows that are no columns."""
        for block in self._chosen():
            ads, places = np.unique(ad_keys(block.batch, self._ad_fields), return_inverse=True)
            rates = np.array([self._log_rates[ad] for ad in ads.tolist()], np.float32)
            yield replace(block, extra={**block.extra, "log_rate": rates[places]})


def ad_keys(batch: Batch, ad_fields: int) -> NDArray[np.int64]:
    """A number per sample that equal ads share, [B]: a mix of the ids of the ad's side, the last `ad_fields`."""
    ids = batch.ids[:, batch.ids.shape[1] - ad_fields :].astype(np.uint64)
    odd = np.random.default_rng(0).integers(2**63, size=ad_fields, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    keys: NDArray[np.int64] = (ids * odd).sum(axis=1, dtype=np.uint64).view(np.int64)
    return keys


def _count(blocks: Iterable[Labelled], ad_fields: int) -> Counter[int]:
    """Rows of each ad."""
    counts = Counter[int]()
    for block in blocks:
        ads, rows = np.unique(ad_keys(block.batch, ad_fields), return_counts=True)
        counts.update(dict(zip(ads.tolist(), rows.tolist(), strict=True)))
    return counts


def _log_shares(counts: Counter[int]) -> dict[int, float]:
    total = counts.total()
    return {ad: math.log(count / total) for ad, count in counts.items()}
