"""Clicks that turn out to be invalid only later: those that were charged before a rate became visible.

The live filter lets the first clicks of a window pass and stops the rest. Looked at afterwards, the first ones were
made by the same hand: wherever a window holds more clicks than a person makes, all of its clicks are suspect.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from adcascade.events.read import read_records
from adcascade.events.records import AuctionRecord, Click, Filtered
from adcascade.events.traffic.filter import Limits

FILTERED = -1  # place of a click that was filtered: it counts for the rate, and was never charged


class Suspect(NamedTuple):
    """A click that was taken for valid."""

    bid_id: str
    event: str  # id of the click
    time_us: int
    reason: str
    detail: str


def crowded(times: Sequence[int], limit: int, window_us: int) -> list[bool]:
    """Which of the ascending times lie in a window, shorter than `window_us`, that holds more than `limit` of them."""
    marked = [False] * len(times)
    first = through = 0  # everything before `through` that shall be marked is
    for last, time_us in enumerate(times):
        while time_us - times[first] >= window_us:
            first += 1
        if last - first + 1 > limit:
            for place in range(max(first, through), last + 1):
                marked[place] = True
            through = last + 1
    return marked


def suspects(log: Path, limits: Limits) -> list[Suspect]:
    """Valid clicks of the log that break a limit in hindsight, in order of time; memory is that of the clicks.

    Users are those of the answers; addresses are not in the log, so that only users and bids can be looked at.
    """
    clicks: list[Click] = []
    filtered: list[Filtered] = []
    for _, record in read_records(log, kinds=("click", "filtered")):
        if isinstance(record, Click):
            clicks.append(record)
        elif isinstance(record, Filtered) and record.kind == "click":
            filtered.append(record)
    users = _users(log, {click.bid_id for click in clicks} | {each.bid_id for each in filtered})
    found: dict[int, Suspect] = {}
    themselves: dict[str, str | None] = {bid: bid for bid in users}
    for reason, limit, keys in (
        ("bid_clicks", limits.bid_clicks, themselves),
        ("user_clicks", limits.user_clicks, users),
    ):
        for place in _crowds(clicks, filtered, keys, (limit, limits.window_us)) if limit else ():
            click = clicks[place]
            found[place] = Suspect(click.bid_id, click.id, click.time_us, reason, f"over {limit}")
    return sorted(found.values(), key=lambda suspect: (suspect.time_us, suspect.event))


def _crowds(
    clicks: Sequence[Click], filtered: Iterable[Filtered], keys: dict[str, str | None], limit: tuple[int, int]
) -> list[int]:
    """Places in `clicks` that lie in a crowd of their key. keys: by bid, None where there is none."""
    by_key: dict[str, list[tuple[int, int]]] = {}
    placed: list[tuple[int, Click | Filtered]] = [*enumerate(clicks), *((FILTERED, record) for record in filtered)]
    for place, record in placed:
        key = keys.get(record.bid_id)
        if key is not None:
            by_key.setdefault(key, []).append((record.time_us, place))
    places = []
    for found in by_key.values():
        if len(found) > limit[0]:
            found.sort()
            marks = crowded([time_us for time_us, _ in found], *limit)
            places += [place for (_, place), marked in zip(found, marks, strict=True) if marked and place != FILTERED]
    return places


def _users(log: Path, bids: set[str]) -> dict[str, str | None]:
    """The user that each of the bids was answered to."""
    users: dict[str, str | None] = {}
    for _, record in read_records(log, kinds=("auction",)):
        if isinstance(record, AuctionRecord):
            users |= {winner.bid_id: record.user for winner in record.winners if winner.bid_id in bids}
    return users
