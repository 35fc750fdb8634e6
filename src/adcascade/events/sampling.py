"""From joined rows to tables of samples with the same columns throughout."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.events.outcomes import Outcome
from adcascade.events.records import AuctionRecord, Record
from adcascade.events.samples import TYPES
from adcascade.events.shown import Seen
from adcascade.events.valuetypes import ColumnType, column

AdColumns = Callable[[NDArray[np.int32]], Mapping[str, Sequence[object]]]

ADS_AT_ONCE = 8192

LOGGED = {
    "logged_bid": pa.string(),  # names the impression for life
    "logged_ad": pa.int32(),  # row of the catalog
    "logged_creative": pa.int32(),
    "logged_price_micros": pa.int64(),
    "logged_ctr": pa.float32(),  # calibrated, first slot
    "logged_slot_ctr": pa.float32(),
    "logged_cvr": pa.float32(),
    "logged_live_factor": pa.float32(),
    "logged_bundle": pa.string(),
    "logged_policy": pa.string(),
}
LABELS = {name: kind for name, kind in TYPES.items() if name != "weight"}


class SampleColumns:
    """The columns of a whole log and their types.

    The reserved columns, what the log says of the answer (`logged_...`), the request-side features as they were
    seen, and the ad-side columns of `ad_columns`. A request-side feature with a reserved name is that column.
    """

    def __init__(self, seen: Mapping[str, pa.DataType], ad: Mapping[str, pa.DataType], ad_columns: AdColumns) -> None:
        self._seen = {name: kind for name, kind in seen.items() if name not in LABELS and name not in LOGGED}
        self._ad = dict(ad)
        self._ad_columns = ad_columns
        both = self._ad.keys() & (self._seen.keys() | LABELS.keys() | LOGGED.keys())
        if both:
            raise InputError(
                "ad_columns", sorted(both), "names that the request's side does not use", "rename one of them"
            )
        self.schema = pa.schema({**LABELS, **LOGGED, **self._seen, **self._ad})

    def table(self, rows: Sequence[tuple[Seen, Outcome]]) -> pa.Table:
        """The rows as a table."""
        ads = np.array([seen.winner.ad for seen, _ in rows], np.int32)
        arrays = [*_labels(rows), *_logged([seen for seen, _ in rows])]
        for name, kind in self._seen.items():
            arrays.append(column([seen.auction.seen.get(name) for seen, _ in rows], kind))
        values = self._ad_columns(ads)
        arrays += [column(values[name], kind) for name, kind in self._ad.items()]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def columns_of(auctions: Iterator[Record], ad_columns: AdColumns) -> SampleColumns:
    """The columns that hold every auction of the log, found by reading it once."""
    seen: dict[str, ColumnType] = {}
    ads: set[int] = set()
    for record in auctions:
        if isinstance(record, AuctionRecord):
            for name, value in record.seen.items():
                seen.setdefault(name, ColumnType()).observe((value,))
            ads.update(winner.ad for winner in record.winners)
    seen_types = {name: kind.arrow for name, kind in sorted(seen.items())}
    return SampleColumns(seen_types, _ad_types(sorted(ads), ad_columns), ad_columns)


def _ad_types(ads: Sequence[int], ad_columns: AdColumns) -> dict[str, pa.DataType]:
    types: dict[str, ColumnType] = {}
    for start in range(0, max(len(ads), 1), ADS_AT_ONCE):
        chunk = np.array(ads[start : start + ADS_AT_ONCE], np.int32)
        for name, values in ad_columns(chunk).items():
            types.setdefault(name, ColumnType()).observe(values)
    return {name: kind.arrow for name, kind in types.items()}


def _labels(rows: Sequence[tuple[Seen, Outcome]]) -> list[pa.Array]:
    """In the order of LABELS."""
    columns: Iterable[Sequence[object]] = zip(
        *(
            (
                seen.time_us,
                seen.auction.id,
                seen.auction.user,
                seen.auction.scenario,
                seen.winner.slot,
                seen.winner.propensity,
                0.0 if outcome.click_us is None else 1.0,
                outcome.click_us,
                outcome.conversion,
                outcome.conversion_us,
                outcome.value_micros,
            )
            for seen, outcome in rows
        ),
        strict=True,
    )
    return [pa.array(values, kind) for values, kind in zip(columns, LABELS.values(), strict=True)]


def _logged(rows: Sequence[Seen]) -> list[pa.Array]:
    """In the order of LOGGED."""
    columns: Iterable[Sequence[object]] = zip(
        *(
            (
                seen.winner.bid_id,
                seen.winner.ad,
                seen.winner.creative,
                seen.winner.price_micros,
                seen.winner.ctr,
                seen.winner.slot_ctr,
                seen.winner.cvr,
                seen.auction.live_factor,
                seen.auction.bundle,
                seen.auction.policy,
            )
            for seen in rows
        ),
        strict=True,
    )
    return [pa.array(values, kind) for values, kind in zip(columns, LOGGED.values(), strict=True)]
