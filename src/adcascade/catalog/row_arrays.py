"""The arrays of a snapshot over its rows."""

import numpy as np

from adcascade.catalog.offers import UNKNOWN
from adcascade.catalog.sections import NO_GROUP

# Arrays over rows with what a tombstone holds.
ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "campaign": (np.int32, -1),
    "group": (np.int32, NO_GROUP),
    "advertiser": (np.int32, -1),
    "bid": (np.int64, 0),
    "own_bid": (np.int64, UNKNOWN),
    "billing_click": (np.bool_, 0),
    "target": (np.int64, UNKNOWN),
    "margin": (np.int64, UNKNOWN),
    "margin_limit": (np.int64, UNKNOWN),
    "category": (np.int32, -1),
    "price": (np.int64, 0),
    "stock": (np.int64, 0),
}
