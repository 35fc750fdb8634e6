"""The columns of the facts: what a row is of, and what it counts.

A row is of one offered ad, named by its bid id, or of one request (bid_id ""). It holds what one part of the log adds
to it: the part that holds the answer has its row with `offered` 1, and a later part in which it was clicked has one
more, of the same dimensions and the time of the answer, that adds the click. So every figure is a sum over rows, and
a part once sealed never changes. What a charge was refunded is the ledger's, of any later day: it is added when facts
are read (refunds.py), at the row that holds the charge.
"""

from typing import NamedTuple

import pyarrow as pa


class Dimension(NamedTuple):
    """What figures can be told by. of_ads: a request as such has none."""

    name: str
    label: str
    of_ads: bool


OF_ADS = {
    "campaign": "Campaign", "advertiser": "Advertiser", "ad": "Ad", "creative": "Creative", "slot": "Slot",
    "billing": "Billed by",
}  # fmt: skip
OF_REQUESTS = {
    "scenario": "Scenario", "device": "Device", "country": "Country", "bundle": "Bundle", "policy": "Policy",
    "arm": "Experiment and arm",
}  # fmt: skip
DIMENSIONS = tuple(
    Dimension(name, label, of_ads=names is OF_ADS) for names in (OF_ADS, OF_REQUESTS) for name, label in names.items()
)
BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}
COUNTS = (
    "requests",
    "offered",
    "impressions",  # ads seen at least once
    "viewable",  # ads on screen at least once, as a script measured
    "clicks",  # ads clicked at least once
    "conversions",
    "value_micros",  # of the conversions
    "charged_micros",  # of the ledger, fee included, refunds not taken off
)
REFUNDED = "refunded_micros"  # of what the row was charged, as the ledger stands now: no part keeps it
KEPT = pa.schema(
    [
        ("bid_id", pa.string()),
        ("time_us", pa.int64()),  # of the answer
        *((dimension.name, pa.string()) for dimension in DIMENSIONS),
        ("price_micros", pa.int64()),  # promised, per billing event
        *((count, pa.int64()) for count in COUNTS),
    ]
)
SCHEMA = KEPT.append(pa.field(REFUNDED, pa.int64()))
Dimensions = tuple[str, ...]  # texts in the order of DIMENSIONS; "" is not known
NOTHING: Dimensions = ("",) * len(DIMENSIONS)
