"""What the journal answers for a record, and what may be booked in the same transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from adcascade.events.records import Record


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The record is on disk, now or since earlier.

    status: "accepted" when this submission wrote it, "duplicate" when its id was known; charged_micros: what
    its booking charged; reason: why the booking charged nothing, "" where nothing was refused.
    """

    status: Literal["accepted", "duplicate"]
    charged_micros: int = 0
    reason: str = ""


ACCEPTED = Receipt("accepted")
DUPLICATE = Receipt("duplicate")


class Booking(Protocol):
    """Something that is written together with a record or not at all, as the ledger's Charge."""

    @staticmethod
    def book_all(connection: sqlite3.Connection, due: "Sequence[tuple[Booking, Record]]") -> list[Receipt]:
        """Write bookings of this type, in their order, into the open transaction; every record was new."""
        ...
