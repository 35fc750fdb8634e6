"""Mixed batches for COPR: impressions with their clicks, beside ads drawn of ranking lists.

A block is one batch, so that a list stays together through the loop's shuffle:

    weight 1, list -1            an impression, labelled by its click
    weight 0, list g, place c    the ad of chunk c of the batch's list g, with the log of its bid, and how it pays;
                                 its label is what the ranker said, ctr = eCPM / 1000 b, which COPR does not read

An epoch is one pass over the impressions; the lists go round beside them, with other ads drawn each time.

Letters in shapes: B impressions and G lists of a batch, D chunks, P ads drawn of all of them.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.learning.labelled import Labelled, labelled
from adcascade.preranking.copr import CoprConfig, chunk_sample
from adcascade.preranking.distillation import as_served, joined
from adcascade.preranking.student import Tables

EXTRA = ("list", "place", "log_bid", "per_click")


class MixedBlocks:
    """Iterable, again for each epoch: tables of impressions and of ranking lists -> Labelled batches.

    Impressions without a click label are left out. There must be at least one list.
    """

    def __init__(self, tables: Tables, lists: Tables, ads: AdFeatures, config: CoprConfig, *, seed: int = 0) -> None:
        self._tables, self._lists, self._ads, self._config = tables, lists, ads, config
        self._random = np.random.default_rng((seed, 1))
        self._drawn = self._draw_for_ever()

    def __iter__(self) -> Iterator[Labelled]:
        """Batches of at most `impressions` impressions and `lists` lists."""
        for table in self._tables():
            shown = labelled(self._ads.encoder, table)
            order = self._random.permutation(len(shown))
            for start in range(0, len(shown), self._config.impressions):
                yield mixed(shown.take(order[start : start + self._config.impressions]), next(self._drawn))

    def _draw_for_ever(self) -> Iterator[Labelled]:
        """Batches of list ads, pass after pass."""
        while True:
            for table in self._lists():
                requests = self._ads.encoder.encode(as_served(table), len(table), "request")
                order = self._random.permutation(len(table))
                for start in range(0, len(table), self._config.lists):
                    rows = order[start : start + self._config.lists]
                    yield self._draw(requests.take(rows), table.take(rows))

    def _draw(self, requests: Batch, table: pa.Table) -> Labelled:
        """One ad of each chunk of G lists: G requests and their rows -> P samples."""
        columns = [table[f"list_{name}"].combine_chunks() for name in ("ad", "bid", "ecpm", "click")]
        lengths = np.asarray(columns[0].value_lengths(), np.int64)
        place = chunk_sample(lengths, self._config.chunks, self._random)  # [G, D]
        lists, chunks = np.nonzero(place >= 0)  # [P] each
        at = (np.cumsum(lengths) - lengths)[lists] + place[lists, chunks]
        ad, bid, ecpm, click = (column.flatten().to_numpy(zero_copy_only=False)[at] for column in columns)
        extra = (lists, chunks, np.log(bid), click)
        return Labelled(
            batch=joined(requests.take(lists), ad[:, None], self._ads),
            label=np.minimum(ecpm / (1000.0 * bid), 1.0).astype(np.float32),
            weight=np.zeros(len(at), np.float32),
            extra={name: values.astype(np.float32) for name, values in zip(EXTRA, extra, strict=True)},
        )


def mixed(shown: Labelled, drawn: Labelled) -> Labelled:
    """B impressions and P list ads as one batch of B + P samples."""
    none: NDArray[np.float32] = np.full(len(shown), -1, np.float32)
    return Labelled(
        batch=Batch.concatenate([shown.batch, drawn.batch]),
        label=np.concatenate([shown.label, drawn.label]),
        weight=np.concatenate([shown.weight, drawn.weight]),
        extra={name: np.concatenate([none, drawn.extra[name]]) for name in EXTRA},
    )
