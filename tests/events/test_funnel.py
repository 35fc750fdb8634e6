"""Laws of the funnel log."""

import numpy as np
import pytest

from adcascade.errors import InternalError
from adcascade.events.funnel import SCHEMA, funnel
from adcascade.events.records import AuctionRecord, Click, Ranked, Winner


def ranked(n: int, **other: bytes) -> Ranked:
    """n candidates with ads 0, 10, 20 ... and scores that tell them apart."""
    ones = np.arange(n, dtype=np.float32)
    parts = {
        "ad": (np.arange(n, dtype=np.int32) * 10).tobytes(),
        **{name: (ones + i).tobytes() for i, name in enumerate(("retrieval", "preranking", "ctr", "cvr"))},
        "bid": np.arange(n, dtype=np.int64).tobytes(),
        "ecpm": (np.arange(n, dtype=np.int64) * 2**40).tobytes(),
    }
    return Ranked(**{**parts, **other})


def auction(parts: Ranked | None) -> AuctionRecord:
    """An auction that ad 10 won in slot 1."""
    win = Winner(bid_id="b", ad=10, slot=1, creative=0, price_micros=1, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.1)
    return AuctionRecord(
        id="r", time_us=5, user=None, scenario="", seen={}, winners=(win,), ranked=parts, bundle="v", policy="cascade"
    )


def test_a_row_per_candidate_in_ranked_order() -> None:
    """Arrays come back exactly; only the winner has a slot."""
    table = funnel([auction(ranked(3)), Click(id="c", time_us=1, bid_id="b"), auction(None)])
    assert table.schema == SCHEMA
    assert table["ad"].to_pylist() == [0, 10, 20]
    assert table["rank"].to_pylist() == [0, 1, 2]
    assert table["preranking"].to_pylist() == [1.0, 2.0, 3.0]
    assert table["ecpm"].to_pylist() == [0, 2**40, 2**41]
    assert table["slot"].to_pylist() == [None, 1, None]


def test_no_auction_no_row() -> None:
    """An empty slice of the log gives an empty table of the same columns."""
    assert funnel([]).schema == SCHEMA
    assert len(funnel([])) == 0


def test_arrays_of_different_lengths_are_our_fault() -> None:
    """A record that contradicts itself raises InternalError and is not cut to fit."""
    with pytest.raises(InternalError, match="different lengths"):
        funnel([auction(ranked(3, bid=b"\0" * 8))])
