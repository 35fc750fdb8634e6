"""Ties: equal ads take turns from request to request, and one request always answers the same.

The place of an ad in a tie is a hash of the request's id and of the ad's row. It needs no state, does not
depend on which other ads are there (so running an auction again without one ad keeps all other ties), and
over requests each of the tied ads comes first equally often.
"""

from zlib import crc32

import numpy as np
from numba import njit
from numpy.typing import NDArray


def tie_breaks(ad: NDArray[np.int32], request_id: str) -> NDArray[np.int64]:
    """A pseudo-random place in ties for each ad: rows [n] -> int64 [n]."""
    place = np.empty(len(ad), np.int64)
    _mix(ad, crc32(request_id.encode()), place)
    return place


@njit(cache=True)
def _mix(ad: NDArray[np.int32], request: int, place: NDArray[np.int64]) -> None:
    seed = _splitmix64(np.uint64(request))
    for i in range(len(ad)):
        place[i] = np.int64(_splitmix64(np.uint64(ad[i]) + seed) >> np.uint64(1))


@njit(cache=True)
def _splitmix64(x: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, 2014), modulo 2^64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
