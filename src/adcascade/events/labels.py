"""Labels: which clicks and conversions belong to which impressions, found outside memory.

A conversion may come thirty days after its click, and at a busy log that is more events than memory holds. So one pass
over the log writes every impression, click and conversion to disk as a record of 40 bytes; these are split by the
bits of their bid's digest until a part fits into memory (spill.py), and each part is matched at once. What is found
lies on disk again, a run a part in order of the impression's time, and is read beside the rows as they leave.
Memory holds one part, or the labels of one table: neither grows with the windows or with the log.

Bids are compared by a digest of 128 bits (BLAKE2b).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.events.outcomes import JoinCounts, Outcome, Windows
from adcascade.events.records import Click, Conversion, Impression, Record
from adcascade.events.spill import EVENT, LIMIT, Spill, parts

CLICK, CONVERSION, IMPRESSION = 0, 1, 2  # kinds of an EVENT, in the order in which a bid's are sorted
NEVER = 2**63 - 1  # a time that does not come
AT_ONCE = 16_384  # records handled by one call of NumPy

LABEL = np.dtype(
    [
        ("key", EVENT["key"]),  # the digest of the bid
        ("time_us", np.int64),  # of the impression
        ("click_us", np.int64),  # of the bid's first click, NEVER without one
        ("counted", np.int64),  # conversions within their window after that click
        ("first_us", np.int64),  # the first of these, NEVER without one
        ("value", np.int64),  # their sum
        ("bought", np.int64),  # conversions in all
    ]
)
Records = NDArray[np.void]
Place = tuple[str, int]  # bid id, time of its impression


def digest(bid_id: str) -> bytes:
    """16 bytes by which bids are told apart."""
    return blake2b(bid_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Labels:
    """The labels of all impressions of a stream of impressions, clicks and conversions, kept in `folder`."""

    def __init__(
        self, stream: Iterable[Record], windows: Windows, counts: JoinCounts, folder: Path, *, limit: int = LIMIT
    ) -> None:
        self._windows, self._counts = windows, counts
        self._clicks = self._conversions = 0  # bids that were clicked, conversions: those no row has claimed yet
        spill = Spill(folder)
        for events in _events(stream, windows.until_us):
            spill.write(events)
        self._runs: list[list[int]] = []  # place of the next label, end
        with (folder / "labels").open("wb") as file:
            end = 0
            for part in parts(spill, limit):
                found = self._match(part)
                found.tofile(file)
                self._runs.append([end, end + len(found)])
                end += len(found)
        self._labels: Records = np.memmap(folder / "labels", LABEL, "r") if end else np.empty(0, LABEL)

    def of(self, rows: Sequence[Place]) -> list[Outcome]:
        """The outcomes of rows in order of time; no later call may ask for an older row."""
        found = self._claim(rows)
        return [self._outcome(found.get((digest(bid), at)), at) for bid, at in rows]

    def pass_over(self, rows: Sequence[Place]) -> None:
        """As `of`, for rows whose outcomes are not judged."""
        for label in self._claim(rows).values():
            self._clicks -= label["click_us"] != NEVER
            self._conversions -= int(label["bought"])

    def finish(self) -> None:
        """Count what belongs to no row."""
        self._counts.orphan_clicks += self._clicks
        self._counts.orphan_conversions += self._conversions

    def _claim(self, rows: Sequence[Place]) -> dict[tuple[bytes, int], np.void]:
        """The labels of these rows, by digest and time."""
        wanted = {(digest(bid), at) for bid, at in rows}
        found = {}
        for label in self._until(rows[-1][1]):
            key = (label["key"].tobytes(), int(label["time_us"]))
            if key in wanted:
                found[key] = label
        return found

    def _until(self, time_us: int) -> Iterator[np.void]:
        """Labels up to that time, which come again with the next call where they are of that very time."""
        times = self._labels["time_us"]
        for run in self._runs:
            start, end = run
            stop = bisect_right(times, time_us, start, end)
            run[0] = bisect_left(times, time_us, start, stop)
            for low in range(start, stop, AT_ONCE):
                yield from np.array(self._labels[low : min(low + AT_ONCE, stop)])

    def _outcome(self, label: np.void | None, impression_us: int) -> Outcome:
        w, counts = self._windows, self._counts
        if label is None or label["click_us"] == NEVER or label["click_us"] > impression_us + w.click_us:
            return Outcome()
        click_us, counted = int(label["click_us"]), int(label["counted"])
        counts.clicks += 1
        self._clicks -= 1
        self._conversions -= counted
        if counted:
            counts.conversions += 1
            return Outcome(
                click_us=click_us,
                conversion=1.0,
                conversion_us=int(label["first_us"]),
                value_micros=int(label["value"]),
            )
        settled = click_us + w.conversion_us <= w.until_us
        counts.immature += not settled
        return Outcome(click_us=click_us, conversion=0.0 if settled else None)

    def _match(self, events: Records) -> Records:
        """Events of whole bids -> the labels of their impressions, in order of time."""
        events = events[np.lexsort((events["time_us"], events["kind"], events["key"]["low"], events["key"]["high"]))]
        key, kind, at = events["key"], events["kind"], events["time_us"]
        new = np.ones(len(events), np.bool_)  # where another bid begins
        new[1:] = (key["high"][1:] != key["high"][:-1]) | (key["low"][1:] != key["low"][:-1])
        starts, bid = np.flatnonzero(new), np.cumsum(new) - 1
        clicked = kind[starts] == CLICK  # clicks come first, the earliest at the head
        click_us = np.where(clicked, at[starts], NEVER)
        bought = np.add.reduceat((kind == CONVERSION).astype(np.int64), starts)
        latest = np.where(clicked, at[starts] + self._windows.conversion_us, 0)
        counts = (kind == CONVERSION) & clicked[bid] & (at >= click_us[bid]) & (at <= latest[bid])
        self._counts.repeated_clicks += int(np.count_nonzero(kind == CLICK) - np.count_nonzero(clicked))
        self._clicks += int(np.count_nonzero(clicked))
        self._conversions += int(bought.sum())
        shown = np.flatnonzero((kind == IMPRESSION) & (clicked | (bought > 0))[bid])
        whose = bid[shown]
        labels = np.empty(len(shown), LABEL)
        labels["key"], labels["time_us"], labels["click_us"] = key[shown], at[shown], click_us[whose]
        labels["counted"] = np.add.reduceat(counts.astype(np.int64), starts)[whose]
        labels["first_us"] = np.minimum.reduceat(np.where(counts, at, NEVER), starts)[whose]
        labels["value"] = np.add.reduceat(np.where(counts, events["value"], 0), starts)[whose]
        labels["bought"] = bought[whose]
        return labels[np.argsort(labels["time_us"], kind="stable")]


def _events(stream: Iterable[Record], until_us: int) -> Iterator[Records]:
    """The stream as arrays of EVENT, without what happened later."""
    keys: list[bytes] = []
    rest: list[tuple[int, int, int]] = []  # time, value, kind
    for record in stream:
        if record.time_us > until_us:
            continue
        if isinstance(record, Impression):
            rest.append((record.time_us, 0, IMPRESSION))
        elif isinstance(record, Click):
            rest.append((record.time_us, 0, CLICK))
        elif isinstance(record, Conversion):
            rest.append((record.time_us, record.value_micros, CONVERSION))
        else:
            continue
        keys.append(digest(record.bid_id))
        if len(keys) == AT_ONCE:
            yield _packed(keys, rest)
            keys, rest = [], []
    if keys:
        yield _packed(keys, rest)


def _packed(keys: list[bytes], rest: list[tuple[int, int, int]]) -> Records:
    events = np.empty(len(keys), EVENT)
    events["key"] = np.frombuffer(b"".join(keys), EVENT["key"])
    events["time_us"], events["value"], events["kind"] = np.array(rest, np.int64).T
    return events
