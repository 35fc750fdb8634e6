"""Answers of the log in brief: who asked and what won; ranked candidates and features are passed over undecoded."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from adcascade.errors import InternalError
from adcascade.events.read import read_payloads

T = TypeVar("T")


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """One winner."""

    bid_id: str
    ad: int  # row of the catalog
    creative: int


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="auction"):
    """An AuctionRecord in brief."""

    time_us: int
    user: str | None
    winners: tuple[Sold, ...]


def read_brief(
    log: Path, kinds: tuple[str, ...], decoder: "msgspec.msgpack.Decoder[T]", after: int = 0
) -> Iterator[tuple[int, T]]:
    """(seq, record) of these kinds, which the decoder knows, with seq above `after`."""
    for seq, payload in read_payloads(log, after, kinds):
        try:
            yield seq, decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise InternalError(f"the journal holds a record that this version cannot read: {error}") from error
