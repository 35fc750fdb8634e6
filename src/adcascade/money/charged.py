"""What bids were charged: the price with its fee, and the event that was billed."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from adcascade.errors import DataMissingError
from adcascade.events.table import connect
from adcascade.money.sql import Connection, rows_of


class Charged(NamedTuple):
    """Micros booked for a bid, refunds not taken off, and the id of the event that was billed."""

    event: str
    micros: int


def charged_of(connection: Connection, bids: Iterable[str]) -> dict[str, Charged]:
    """Those of the bids that were charged, by bid id."""
    micros: dict[str, int] = defaultdict(int)
    events: dict[str, str] = {}
    sql = "SELECT bid_id, event, micros FROM bookings WHERE bid_id IN (...) AND kind <> 'refund'"
    for bid_id, event, booked in rows_of(connection, sql, bids):
        micros[bid_id] += booked
        events[bid_id] = event or ""
    return {bid_id: Charged(events[bid_id], booked) for bid_id, booked in micros.items()}


class FileCharges:
    """The charges of books that lie in the journal's file; a call reads beside whoever writes.

    DataMissingError where the books lie elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, bids: Iterable[str]) -> dict[str, Charged]:
        """As `charged_of`."""
        with closing(connect(self._path, reading=True)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'bookings'").fetchone() is None:
                raise DataMissingError(
                    f"{self._path} holds no books; reports read charges there, and not yet from shared books"
                )
            return charged_of(connection, bids)
