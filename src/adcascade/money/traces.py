"""Traces: from bookings in shared books back to the events in this machine's journal.

Shared books name an event "MACHINE/ID", so each machine can answer for its own.
"""

from collections.abc import Iterable, Mapping

from adcascade.events.journal import Journal
from adcascade.money.charged import Charged
from adcascade.money.tables import Entry

MANY = 500  # ids looked up at once
EVENTS = "'impression', 'click', 'conversion'"


def machine_of(journal: Journal) -> str:
    """What the books call this journal's machine; "" while it has never charged shared books."""
    if not journal.query("SELECT 1 FROM sqlite_master WHERE name = 'machine'"):
        return ""
    return str(journal.query("SELECT id FROM machine")[0][0])


def named_here(charged: Mapping[str, Charged], journal: Journal) -> dict[str, Charged]:
    """The same, with the events of this machine as its journal names them."""
    own = f"{machine_of(journal)}/"
    return {bid: Charged(each.event.removeprefix(own), each.micros) for bid, each in charged.items()}


def untraced(entries: Iterable[tuple[int, Entry]], journal: Journal) -> list[str]:
    """Bids charged for an event of this machine that its journal does not hold; none, unless it was altered."""
    own = f"{machine_of(journal)}/"
    events: dict[str, str] = {}
    missing: list[str] = []
    for _, entry in entries:
        if entry.event and entry.bid_id and entry.event.startswith(own):
            events[entry.event.removeprefix(own)] = entry.bid_id
        if len(events) >= MANY:
            missing += _absent(events, journal)
            events = {}
    return sorted({*missing, *_absent(events, journal)})


def sources(entries: Iterable[tuple[int, Entry]], journal: Journal, bid_id: str) -> list[tuple[str, int, str]]:
    """(kind, seq, id) of this journal's records behind a charge: the auction of the bid, the event that billed it."""
    own = f"{machine_of(journal)}/"
    events = {entry.event.removeprefix(own) for _, entry in entries if entry.event and entry.event.startswith(own)}
    marks = ", ".join("?" * len(events))
    rows = journal.query(
        "SELECT kind, seq, id FROM records WHERE kind = 'auction' AND id = ? UNION"  # noqa: S608  constant text and marks
        f" SELECT kind, seq, id FROM records WHERE kind IN ({EVENTS}) AND id IN ({marks}) ORDER BY seq",
        (bid_id.rpartition(".")[0], *events),
    )
    return [(kind, seq, identity) for kind, seq, identity in rows]


def _absent(events: dict[str, str], journal: Journal) -> list[str]:
    marks = ", ".join("?" * len(events))
    rows = journal.query(
        f"SELECT id FROM records WHERE kind IN ({EVENTS}) AND id IN ({marks})",  # noqa: S608  constant text and marks
        list(events),
    )
    there = {identity for (identity,) in rows}
    return [bid for event, bid in events.items() if event not in there]
