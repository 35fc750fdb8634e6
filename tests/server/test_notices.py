"""Notices: each macro is read on its own, and nothing that stands in their place does harm."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adcascade.events.records import Notice
from adcascade.server.notices import read_notice

NAMES = ("price", "cur", "seat", "loss", "code", "min", "mbr", "multiplier", "seen", "other")


def test_what_an_exchange_fills_is_read() -> None:
    """Prices in micros, codes, ratio, multiplier, and the showing's time in microseconds."""
    told = read_notice(
        "loss", "t", 7, {"price": "1.25", "cur": "USD", "seat": "s", "loss": "102", "min": "0.000001", "mbr": "0.8"}
    )
    assert (told.price_micros, told.currency, told.seat, told.loss) == (1_250_000, "USD", "s", 102)
    assert (told.min_to_win_micros, told.bid_ratio, told.multiplier, told.seen_us) == (1, 0.8, None, None)
    shown = read_notice("billing", "t", 7, {"multiplier": "3.5", "seen": "1700000000000"})
    assert (shown.multiplier, shown.seen_us) == (3.5, 1_700_000_000_000_000)


def test_macros_that_nobody_filled_are_as_if_they_were_not_there() -> None:
    """The URL as it went out tells nothing."""
    query = {name: f"${{AUCTION_{name.upper()}}}" for name in NAMES}
    told = read_notice("win", "t", 7, query)
    assert (told.price_micros, told.currency, told.seat, told.loss, told.bid_ratio) == (None, "", "", None, None)


@given(query=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30) | st.floats().map(str)))
def test_whatever_stands_there_can_be_logged(query: dict[str, str]) -> None:
    """No text is an error, and the record is written and read back."""
    told = read_notice("loss", "t", 7, query)
    record = Notice(
        id="1", time_us=7, bid_id="b", kind=told.kind, price_micros=told.price_micros, currency=told.currency,
        loss=told.loss, min_to_win_micros=told.min_to_win_micros, bid_ratio=told.bid_ratio,
        multiplier=told.multiplier, seen_us=told.seen_us,
    )  # fmt: skip
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Notice) == record
