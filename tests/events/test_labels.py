"""Laws of labels and their spill: bids stay whole, parts stay small, and memory does not grow with the days."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.labels import Labels
from adcascade.events.outcomes import JoinCounts, Outcome, Windows
from adcascade.events.records import Click, Conversion, Impression, Record
from adcascade.events.spill import EVENT, Spill, parts

WINDOWS = Windows(click_us=50, conversion_us=300, lateness_us=0, until_us=900)
EVENTS = st.lists(
    st.tuples(st.sampled_from(("impression", "click", "conversion")), st.integers(0, 4), st.integers(0, 1000)),
    max_size=40,
)


def records_of(events: list[tuple[str, int, int]]) -> list[Record]:
    """The drawn events as records."""
    made: list[Record] = []
    for number, (kind, bid, at) in enumerate(events):
        name = f"bid{bid}"
        if kind == "impression":
            made.append(Impression(id=str(number), time_us=at, bid_id=name))
        elif kind == "click":
            made.append(Click(id=str(number), time_us=at, bid_id=name))
        else:
            made.append(Conversion(id=str(number), time_us=at, bid_id=name, value_micros=number + 1))
    return made


def by_hand(records: list[Record], bid: str, shown_us: int) -> Outcome:
    """The twin: all events of the bid, looked at one by one."""
    known = [record for record in records if record.time_us <= WINDOWS.until_us]
    clicks = [r.time_us for r in known if isinstance(r, Click) and r.bid_id == bid]
    if not clicks or min(clicks) > shown_us + WINDOWS.click_us:
        return Outcome()
    click_us = min(clicks)
    last = click_us + WINDOWS.conversion_us
    bought = [r for r in known if isinstance(r, Conversion) and r.bid_id == bid and click_us <= r.time_us <= last]
    if not bought:
        return Outcome(click_us=click_us, conversion=0.0 if last <= WINDOWS.until_us else None)
    value = sum(record.value_micros for record in bought)
    first = min(record.time_us for record in bought)
    return Outcome(click_us=click_us, conversion=1.0, conversion_us=first, value_micros=value)


@settings(deadline=None, max_examples=60)
@given(events=EVENTS, limit=st.sampled_from((4, 1000)), group=st.integers(1, 4))
def test_labels_equal_their_twin_however_small_the_parts(
    events: list[tuple[str, int, int]], limit: int, group: int
) -> None:
    """Each bid's first impression gets what a look at every event finds, and what nobody claims is an orphan."""
    records, counts = records_of(events), JoinCounts()
    first: dict[str, int] = {}
    for record in records:
        if isinstance(record, Impression) and record.time_us <= WINDOWS.until_us:
            first.setdefault(record.bid_id, record.time_us)
    rows = sorted(first.items(), key=lambda row: row[1])
    with TemporaryDirectory() as folder:
        labels = Labels(iter(records), WINDOWS, counts, Path(folder), limit=limit)
        found = [one for low in range(0, len(rows), group) for one in labels.of(rows[low : low + group])]
        labels.finish()
    assert found == [by_hand(records, bid, at) for bid, at in rows]
    known = [record for record in records if record.time_us <= WINDOWS.until_us]
    clicks = sum(isinstance(record, Click) for record in known)
    assert clicks == counts.clicks + counts.repeated_clicks + counts.orphan_clicks
    assert counts.clicks == sum(one.click_us is not None for one in found)


def test_what_is_passed_over_is_neither_claimed_nor_orphaned(tmp_path: Path) -> None:
    """Clicks and conversions of rows that are not judged leave every count alone."""
    records = records_of([("impression", 1, 10), ("click", 1, 20), ("conversion", 1, 30), ("click", 2, 40)])
    counts = JoinCounts()
    labels = Labels(records, WINDOWS, counts, tmp_path)
    labels.pass_over([("bid1", 10)])
    labels.finish()
    assert counts == JoinCounts(orphan_clicks=1)


@settings(deadline=None, max_examples=25)
@given(keys=st.lists(st.integers(0, 2**64 - 1), max_size=60), limit=st.integers(4, 10))
def test_parts_hold_whole_keys_and_few_records(keys: list[int], limit: int) -> None:
    """Parts together are what was written, no key is in two of them, and only one key alone is beyond the limit."""
    events = np.zeros(len(keys), EVENT)
    events["key"]["high"], events["value"] = keys, range(len(keys))
    with TemporaryDirectory() as folder:
        spill = Spill(Path(folder))
        spill.write(events)
        found = list(parts(spill, limit))
        assert list(Path(folder).iterdir()) == []
    seen = [set(part["key"]["high"].tolist()) for part in found]
    assert sorted(value for part in found for value in part["value"].tolist()) == list(range(len(keys)))
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert all(len(part) <= limit or len(keys_of) == 1 for part, keys_of in zip(found, seen, strict=True))


def steady(days: int) -> Iterator[Record]:
    """As many impressions, clicks and conversions every day; all of them are within a window of many days."""
    for number in range(days * 1000):
        yield Impression(id=f"i{number}", time_us=number, bid_id=f"bid{number}")
        yield Click(id=f"c{number}", time_us=number, bid_id=f"bid{number}")
        yield Conversion(id=f"s{number}", time_us=number, bid_id=f"bid{number}", value_micros=1)


def peak_of(days: int, folder: Path) -> int:
    """Most bytes that Python and NumPy held while the labels of so many days were found and read."""
    folder.mkdir()
    windows = Windows(click_us=10**9, conversion_us=10**9, lateness_us=0, until_us=2**62)
    tracemalloc.start()
    labels = Labels(steady(days), windows, JoinCounts(), folder, limit=1000)
    for start in range(0, days * 1000, 500):
        found = labels.of([(f"bid{number}", number) for number in range(start, start + 500)])
        assert all(one.value_micros == 1 for one in found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    """Twice and four times the days of open windows hold as much memory as one measure of them, within a fifth."""
    base, more, most = (peak_of(days, tmp_path / str(days)) for days in (8, 16, 32))
    assert more < base * 1.2
    assert most < base * 1.2


def test_a_bid_of_more_events_than_a_part_is_still_one(tmp_path: Path) -> None:
    """Events of one bid cannot be split; they are matched together."""
    records = records_of([("impression", 1, 10), *(("click", 1, at) for at in range(20, 40))])
    counts = JoinCounts()
    labels = Labels(records, WINDOWS, counts, tmp_path, limit=3)
    assert labels.of([("bid1", 10)]) == [Outcome(click_us=20, conversion=0.0)]
    assert counts.repeated_clicks == 19


@pytest.mark.parametrize("bid", ["", "ä", "\ud800"])
def test_any_text_can_be_a_bid(bid: str, tmp_path: Path) -> None:
    """The log takes any text; so does the join."""
    records: list[Record] = [Impression(id="i", time_us=1, bid_id=bid), Click(id="c", time_us=2, bid_id=bid)]
    assert Labels(records, WINDOWS, JoinCounts(), tmp_path).of([(bid, 1)])[0].click_us == 2
