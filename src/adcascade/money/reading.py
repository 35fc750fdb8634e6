"""Reading the books beside the writer: sums and the audit over a snapshot, so that no event waits for them."""

from pathlib import Path
from typing import NamedTuple

from adcascade.events.table import connect
from adcascade.money.audit import Difference, audit


class Standing(NamedTuple):
    """Micros of all campaigns on one day."""

    leased: int = 0  # taken from budgets, not charged
    charged: int = 0


def standing(path: Path, day: int) -> Standing:
    """What is leased and what is charged of a day (money/day.py). StoreError where the file cannot be read."""
    connection = connect(path, reading=True)
    try:
        sql = "SELECT coalesce(sum(leased), 0), coalesce(sum(charged), 0) FROM balances WHERE day = ?"
        return Standing(*connection.execute(sql, (day,)).fetchone())
    finally:
        connection.close()


def differences(path: Path) -> list[Difference]:
    """As `Ledger.verify`, over one snapshot and without holding up the writer; empty where the books are right."""
    connection = connect(path, reading=True)
    try:
        connection.execute("BEGIN")
        return audit(connection)
    finally:
        connection.close()
