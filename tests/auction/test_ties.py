"""Places in ties are SplitMix64's, as unlimited integers compute it."""

from zlib import crc32

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.auction.ties import tie_breaks

MASK = 2**64 - 1


def mixed(x: int) -> int:
    """The finaliser, modulo 2^64."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@given(ad=st.lists(st.integers(0, 2**31 - 1), max_size=20), request_id=st.text())
def test_a_place_is_a_hash_of_request_and_row(ad: list[int], request_id: str) -> None:
    """Of any rows and any id, whatever other ads are there."""
    seed = mixed(crc32(request_id.encode()))
    expected = [mixed((row + seed) & MASK) >> 1 for row in ad]
    assert tie_breaks(np.array(ad, np.int32), request_id).tolist() == expected
