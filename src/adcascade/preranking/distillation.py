"""Distillation: requests of the log, each met by several ads of the catalog, labelled by the ranker.

    label = (1 - h) p + h y      for the ad that was shown (y: was it clicked)
    label = p                    for ads that were not             p = sigmoid(teacher's logit)

Log loss is linear in the label, so h mixes the two losses of Hinton et al., "Distilling the knowledge in a neural
network" (2015). On ads that were not shown only the teacher can speak, and they are what the stage will mostly see:
half of them are drawn uniformly from the catalog, half from what other requests were shown, easy and hard ones.

Letters in shapes: B requests, M ads per request, R rows of the catalog.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.features import AdFeatures
from adcascade.learning.labelled import Labelled
from adcascade.metrics.logistic import sigmoid

Rows = NDArray[np.int32]
Teacher = Callable[[Batch], NDArray[np.float32]]  # B pairs of a request and an ad -> logits [B]


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """How many ads each request meets, and how much its own click counts."""

    ads_per_request: int = 8  # M, the shown one included
    hard: float = 0.0  # h
    requests_at_once: int = 2048  # B of a block
    seed: int = 0


class DistilledBlocks:
    """Iterable, again for each epoch with other ads: sample tables -> Labelled with soft labels.

    tables: of the event log (column logged_ad) with the request's columns; rows without logged_ad are left out.
    live: catalog rows that may be drawn, int32 [R]; ads: their encoded side; teacher: the ranker.
    """

    def __init__(
        self,
        tables: Callable[[], Iterable[pa.Table]],
        ads: AdFeatures,
        live: Rows,
        teacher: Teacher,
        config: DistillationConfig | None = None,
    ) -> None:
        self._tables, self._ads, self._live, self._teacher = tables, ads, live, teacher
        self._config = config or DistillationConfig()
        self._epoch = 0

    def __iter__(self) -> Iterator[Labelled]:
        """Blocks of at most requests_at_once * ads_per_request pairs."""
        random = np.random.default_rng((self._config.seed, self._epoch))
        self._epoch += 1
        for table in self._tables():
            known = table.filter(table["logged_ad"].is_valid())
            for start in range(0, len(known), self._config.requests_at_once):
                yield self._block(known.slice(start, self._config.requests_at_once), random)

    def _block(self, table: pa.Table, random: np.random.Generator) -> Labelled:
        requests = self._ads.encoder.encode(as_served(table), len(table), "request")
        shown = table["logged_ad"].to_numpy().astype(np.int32)
        rows = draw_ads(shown, self._live, self._config.ads_per_request, random)  # [B, M]
        batch = joined(requests, rows, self._ads)
        label = sigmoid(self._teacher(batch))
        if self._config.hard and "click" in table.column_names:
            clicked = np.nan_to_num(table["click"].to_numpy(zero_copy_only=False).astype(np.float64), nan=0.0)
            first = slice(None, None, rows.shape[1])  # the shown ad is the first of each request
            label[first] = (1 - self._config.hard) * label[first] + self._config.hard * clicked
        return Labelled(batch=batch, label=label.astype(np.float32), weight=np.ones(len(label), np.float32))


def draw_ads(shown: Rows, live: Rows, ads: int, random: np.random.Generator) -> Rows:
    """For each of B requests its shown ad, then ads - 1 others: [B] -> [B, ads]; half uniform, half shown elsewhere."""
    others = ads - 1
    uniform = random.choice(live, (len(shown), others - others // 2)) if len(live) else np.empty((len(shown), 0))
    elsewhere = random.choice(shown, (len(shown), others // 2)) if len(shown) else np.empty((0, others // 2))
    return np.concatenate([shown[:, None], uniform, elsewhere], axis=1).astype(np.int32)


def as_served(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The table's columns as serving asks: for the first slot."""
    columns = {name: table[name] for name in table.column_names}
    return {**columns, "position": pa.chunked_array([pa.array(["0"] * len(table))])}


def joined(requests: Batch, rows: Rows, ads: AdFeatures) -> Batch:
    """Each request beside each of its ads: B requests, rows [B, M] -> a Batch of B * M pairs, requests in order."""
    b, m = rows.shape
    repeated = requests.take(np.repeat(np.arange(b), m))
    flat = rows.ravel()
    return Batch(
        ids=np.concatenate([repeated.ids, ads.ids[flat]], axis=1),
        dense=np.concatenate([repeated.dense, ads.dense[flat]], axis=1),
        history=repeated.history,
        history_length=repeated.history_length,
        scenario=repeated.scenario,
        match=ads.encoder.matches(repeated.keys, ads.keys[flat]),
    )
