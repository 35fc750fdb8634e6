"""Refunds beside what was charged: at the row that holds a bid's charge, and so at the time of its answer.

A bid is charged once, so one row holds its charge; whatever it was refunded, in parts or whole, on any later day, as
invalid traffic or by hand, belongs there. Revenue less refunds is then what the ledger's statements say.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.reports.columns import REFUNDED

NEEDED = ("bid_id", "charged_micros")  # columns of the facts


def with_refunds(table: pa.Table, refunded: Mapping[str, int]) -> pa.Table:
    """Facts with the columns NEEDED, and one more: micros that were given back. refunded: by bid id."""
    bids, micros = pa.array(refunded.keys(), pa.string()), pa.array(refunded.values(), pa.int64())
    found = pc.take(micros, pc.index_in(table["bid_id"], value_set=bids))
    zero = pa.scalar(0, pa.int64())
    back = pc.if_else(pc.greater(table["charged_micros"], zero), pc.fill_null(found, zero), zero)
    return table.append_column(REFUNDED, back)
