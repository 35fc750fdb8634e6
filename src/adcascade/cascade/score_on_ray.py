"""Scoring large sample sets with a bundle by Ray Data, and evaluating it on them. Needs the extra `adcascade[ray]`.

The bundle is mapped over blocks of the set; a block is a range of rows that its worker reads itself, so that samples
and bundle must lie where all machines of the cluster see them. No torch.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adcascade.cascade.evaluate import CHUNK, BundleJudge, Seen, numbers_of_parts, texts_of
from adcascade.errors import InputError
from adcascade.events.samples import Samples
from adcascade.learning.distributed.cluster import cluster


class BlockScorer:
    """What a worker of Ray Data keeps: a bundle, and the set that it reads its blocks of."""

    def __init__(self, root: str, samples: str) -> None:
        self._judge, self._samples = BundleJudge(Path(root)), Samples(samples)

    def __call__(self, block: dict[str, Any]) -> pa.Table:
        """Rows [start, stop) of the set, of which the label is known: row, predicted, happened, user."""
        start, stop = int(block["start"][0]), int(block["stop"][0])
        table, label = self._samples.slice(start, stop).table(), self._samples.label
        seen = self._judge(table, label)
        rows = np.flatnonzero(table[label].is_valid().to_numpy()) + start
        return pa.table(
            {"row": rows, "predicted": seen.predicted, "happened": seen.happened, "user": seen.user.tolist()}
        )


def evaluate_on_ray(
    root: Path,
    samples: Samples,
    progress: Callable[[int], None] | None = None,
    *,
    scores: Path | None = None,
    block_rows: int = CHUNK,
) -> dict[str, float]:
    """What `evaluate_bundle` says of a whole set, by all workers of the cluster; scores: also write every row's there.

    scores: a folder for Parquet files of row, predicted, happened, user. InputError where it exists.
    """
    if scores is not None and scores.exists():
        raise InputError("--scores", str(scores), "a folder that does not exist yet")
    blocks = [{"start": at, "stop": min(at + block_rows, len(samples))} for at in range(0, len(samples), block_rows)]
    with cluster() as ray:
        import ray.data  # noqa: PLC0415  an extra, and slow

        ray.data.DataContext.get_current().enable_progress_bars = False
        scored = ray.data.from_items(blocks, override_num_blocks=max(len(blocks), 1)).map_batches(
            BlockScorer,
            fn_constructor_args=(str(root.resolve()), str(samples.folder.resolve())),
            batch_size=1,
            concurrency=(1, max(int(ray.cluster_resources().get("CPU", 1)), 1)),
        )
        if scores is not None:
            scored = scored.materialize()
            scored.write_parquet(str(scores))
        parts = []
        for table in scored.iter_batches(batch_size=None, batch_format="pyarrow"):
            parts.append(seen_of(table))
            if progress is not None:
                progress(len(table))
    return numbers_of_parts(parts, samples)


def seen_of(table: pa.Table) -> Seen:
    """A block's answer."""
    table = table.sort_by("row")
    return Seen(
        predicted=table["predicted"].to_numpy(), happened=table["happened"].to_numpy(), user=texts_of(table, "user")
    )
