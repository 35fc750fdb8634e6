"""The funnel log: what every stage thought of every ranked candidate, for learners of the early stages."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from adcascade.errors import InternalError
from adcascade.events.records import AuctionRecord, Ranked, Record

WIDTHS = {
    "ad": "<i4",
    "retrieval": "<f4",
    "preranking": "<f4",
    "ctr": "<f4",
    "cvr": "<f4",
    "bid": "<i8",
    "ecpm": "<i8",
}

SCHEMA = pa.schema(
    {
        "request_id": pa.string(),
        "time_us": pa.int64(),
        "rank": pa.int32(),  # 0 is the best
        "ad": pa.int32(),  # row of the catalog
        "retrieval": pa.float32(),
        "preranking": pa.float32(),
        "ctr": pa.float32(),
        "cvr": pa.float32(),
        "bid": pa.int64(),
        "ecpm": pa.int64(),
        "slot": pa.int32(),  # that the ad won, null where it won none
        "policy": pa.string(),
        "bundle": pa.string(),
    }
)


def funnel(records: Iterable[Record]) -> pa.Table:
    """One row per ranked candidate of the auctions among `records`, in ranked order; columns as in SCHEMA.

    A score that its stage did not give is NaN. Give a slice of the log: the table is held in memory.
    """
    auctions = [record for record in records if isinstance(record, AuctionRecord) and record.ranked is not None]
    tables = [_table(auction, auction.ranked) for auction in auctions if auction.ranked is not None]
    return pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks()


def arrays_of(ranked: Ranked) -> dict[str, np.ndarray]:
    """The parallel arrays of length n of a Ranked."""
    arrays = {name: np.frombuffer(getattr(ranked, name), kind) for name, kind in WIDTHS.items()}
    if len({len(array) for array in arrays.values()}) != 1:
        raise InternalError("a logged auction has ranked arrays of different lengths")
    return arrays


def _table(auction: AuctionRecord, ranked: Ranked) -> pa.Table:
    arrays = arrays_of(ranked)
    n = len(arrays["ad"])
    won = {winner.ad: winner.slot for winner in auction.winners}
    columns: dict[str, object] = {
        "request_id": [auction.id] * n,
        "time_us": np.full(n, auction.time_us),
        "rank": np.arange(n, dtype=np.int32),
        **arrays,
        "slot": [won.get(int(ad)) for ad in arrays["ad"]],
        "policy": [auction.policy] * n,
        "bundle": [auction.bundle] * n,
    }
    return pa.table(columns, schema=SCHEMA)
