"""What was filtered and why, by day, campaign, kind of event and rule; from the log."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from adcascade.events.records import Filtered, Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMA = pa.schema(
    {
        "day": pa.string(),  # UTC, of the event
        "campaign": pa.string(),
        "kind": pa.string(),  # of event
        "reason": pa.string(),
        "events": pa.int64(),
        "unbilled_micros": pa.int64(),  # what they would have cost
    }
)


def filtered_by(records: Iterable[Record]) -> pa.Table:
    """One row for each day, campaign, kind and reason that occurs, in that order."""
    events: Counter[tuple[str, str, str, str]] = Counter()
    micros: Counter[tuple[str, str, str, str]] = Counter()
    for record in records:
        if isinstance(record, Filtered):
            day = (EPOCH + timedelta(microseconds=record.time_us)).date().isoformat()
            key = (day, record.campaign, record.kind, record.reason)
            events[key] += 1
            micros[key] += record.unbilled_micros
    rows = [(*key, count, micros[key]) for key, count in sorted(events.items())]
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)
