"""From the event log to a sample set on disk: what `adcascade train` learns from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.catalog.snapshot import Snapshot
from adcascade.errors import DataMissingError
from adcascade.events.join import JoinCounts, join
from adcascade.events.journal import Journal
from adcascade.events.samples import Samples, SampleWriter
from adcascade.features.feature import Feature
from adcascade.learning.supervision import SupervisionStore, with_supervision
from adcascade.sections import TrainSettings


def write_log_samples(
    journal: Journal,
    snapshot: Snapshot,
    folder: Path,
    *,
    features: tuple[Feature, ...],
    settings: TrainSettings,
    until_us: int,
    store: SupervisionStore | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Samples, JoinCounts]:
    """Join everything up to `until_us` and write it to `folder`, replacing an older set; `progress` hears of rows.

    With a store every row also says what a teacher said of it (learning/supervision.py).
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    counts = JoinCounts()
    with SampleWriter(folder, source="log", features=features) as writer:
        tables = join(
            journal,
            lambda rows: snapshot.columns(rows.tolist()),
            click_window_us=round(settings.click_window_s * 1e6),
            conversion_window_us=round(settings.conversion_window_s * 1e6),
            until_us=until_us,
            counts=counts,
            scratch=folder.parent,
        )
        ripe = until_us - round(settings.conversion_window_s * 1e6)
        since = pa.scalar(until_us - round(settings.days * 86400e6), pa.int64())
        for whole in tables:
            table = settled(whole.filter(pc.greater_equal(whole["time_us"], since)), ripe)
            if len(table):
                writer.write(table if store is None else with_supervision(table, store))
                if progress is not None:
                    progress(len(table))
    if not writer.rows:
        raise DataMissingError(
            f"the event log {journal.path} holds no impression to learn from yet: serve for a while, or import a log"
        )
    return Samples(folder), counts


def settled(table: pa.Table, ripe_us: int) -> pa.Table:
    """The table with `conversion` unknown for every click after `ripe_us`, also where one came already.

    The early conversions of young clicks are known before their non-conversions are: to learn from them would
    teach far too high a rate.
    """
    young = pc.fill_null(pc.greater(table["click_time_us"], pa.scalar(ripe_us, pa.int64())), False)
    unknown = pa.scalar(None, table.schema.field("conversion").type)
    place = table.column_names.index("conversion")
    return table.set_column(place, "conversion", pc.if_else(young, unknown, table["conversion"]))
