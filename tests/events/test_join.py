"""Laws of the join: against a brute-force twin, in order of time, with stable columns and honest counts."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.errors import InputError
from adcascade.events.join import JoinCounts, join
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Record, Winner

CLICK, CONVERSION, SEEN, LATE = 100, 300, 80, 60  # windows


def winner(bid_id: str, slot: int = 0, **more: object) -> Winner:
    """A winner whose ad has the number of its bid."""
    known: dict[str, object] = {"creative": 0, "price_micros": 5, "billing": "click", "ctr": 0.1, "slot_ctr": 0.1}
    return Winner(**{"bid_id": bid_id, "ad": int(bid_id[1:]), "slot": slot, "cvr": 0.2, **known, **more})  # type: ignore[arg-type]


def auction(identity: str, time_us: int, bids: list[str], **seen: str | float | list[str] | None) -> AuctionRecord:
    """An auction whose winners are these bids, in slots 0, 1, ..."""
    winners = tuple(winner(bid, slot) for slot, bid in enumerate(bids))
    return AuctionRecord(id=identity, time_us=time_us, user="u", scenario="home", seen=dict(seen), winners=winners)


def ads(rows: NDArray[np.int32]) -> dict[str, list[object]]:
    """An ad side of one text and one vector; odd rows have no brand."""
    return {
        "ad": [f"ad{row}" for row in rows],
        "brand": [None if row % 2 else "b" for row in rows],
        "picture": [[float(row), 0.5] for row in rows],
    }


def joined(records: list[Record], until_us: int, *, counts: JoinCounts | None = None, table_rows: int = 3) -> pa.Table:
    """The whole join as one table."""
    tables = join(
        records,
        ads,
        click_window_us=CLICK,
        conversion_window_us=CONVERSION,
        until_us=until_us,
        impression_window_us=SEEN,
        lateness_us=LATE,
        table_rows=table_rows,
        counts=counts,
    )
    return pa.concat_tables(list(tables))


def labels_by_hand(records: list[Record], until_us: int) -> dict[str, tuple[object, ...]]:
    """The twin: quadratic and unbounded. ad -> (time, click, click time, conversion, its time, value)."""
    records = [record for record in records if record.time_us <= until_us]
    rows = {}
    for record in records:
        for one in record.winners if isinstance(record, AuctionRecord) else ():
            shown = [r.time_us for r in records if isinstance(r, Impression) and r.bid_id == one.bid_id]
            if not shown or shown[0] > until_us - CLICK:
                continue
            clicks = [r.time_us for r in records if isinstance(r, Click) and r.bid_id == one.bid_id]
            row: tuple[object, ...] = (shown[0], 0.0, None, 0.0, None, None)
            if clicks and min(clicks) <= shown[0] + CLICK:
                at = min(clicks)
                bought = [
                    (r.time_us, r.value_micros)
                    for r in records
                    if isinstance(r, Conversion) and r.bid_id == one.bid_id and at <= r.time_us <= at + CONVERSION
                ]
                settled = 0.0 if at + CONVERSION <= until_us else None
                row = (shown[0], 1.0, at, settled, None, None)
                if bought:
                    row = (shown[0], 1.0, at, 1.0, min(bought)[0], sum(value for _, value in bought))
            rows[f"ad{one.ad}"] = row
    return rows


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Auctions over a while, events within their windows, and an order that is late by at most the lateness."""
    records: list[tuple[int, int, Record]] = []
    number = 0

    def put(record: Record, *, prompt: bool = False) -> None:
        late = 0 if prompt else draw(st.integers(0, LATE // 2))
        records.append((record.time_us + late, len(records), record))

    time_us = 0
    for index in range(draw(st.integers(0, 12))):
        time_us += draw(st.integers(0, 150))
        bids = [f"b{number + slot}" for slot in range(draw(st.integers(0, 3)))]
        number += len(bids)
        put(auction(f"r{index}", time_us, bids, device="d", depth=draw(st.sampled_from([None, 1, 2]))), prompt=True)
        for bid in bids:
            if not draw(st.booleans()):
                continue
            seen = time_us + draw(st.integers(0, SEEN))
            put(Impression(id=f"i{bid}", time_us=seen, bid_id=bid))
            for click in range(draw(st.integers(0, 2))):
                clicked = seen + draw(st.integers(0, CLICK + 20))
                put(Click(id=f"c{bid}-{click}", time_us=clicked, bid_id=bid))
                for sale in range(draw(st.integers(0, 2))):
                    bought = clicked + draw(st.integers(0, CONVERSION + 50))
                    put(Conversion(id=f"s{bid}-{click}-{sale}", time_us=bought, bid_id=bid, value_micros=sale + 1))
    return [record for _, _, record in sorted(records, key=lambda entry: entry[:2])]


@settings(deadline=None, max_examples=150)
@given(records=logs(), until_us=st.integers(0, 2500), table_rows=st.integers(1, 5))
def test_join_equals_its_twin(records: list[Record], until_us: int, table_rows: int) -> None:
    """Events that are late by less than the lateness are joined as if the whole log were held at once."""
    counts = JoinCounts()
    table = joined(records, until_us, counts=counts, table_rows=table_rows)
    names = ["time_us", "click", "click_time_us", "conversion", "conversion_time_us", "conversion_value_micros"]
    rows = {row["ad"]: tuple(row[name] for name in names) for row in table.to_pylist()}
    assert rows == labels_by_hand(records, until_us)
    assert counts.rows == len(table)
    assert counts.late_impressions == counts.orphan_impressions == counts.repeated_impressions == 0


@settings(deadline=None, max_examples=50)
@given(records=logs(), table_rows=st.integers(1, 5))
def test_rows_leave_in_order_of_time(records: list[Record], table_rows: int) -> None:
    """time_us never falls, within a table and from one to the next."""
    times = joined(records, 10_000, table_rows=table_rows)["time_us"].to_pylist()
    assert times == sorted(times)


@settings(deadline=None, max_examples=50)
@given(records=logs())
def test_every_winner_and_event_is_accounted_for(records: list[Record]) -> None:
    """Winners are rows, unseen or unripe; clicks are in rows, repeated or orphans."""
    counts = JoinCounts()
    joined(records, 10_000, counts=counts)
    winners = sum(len(record.winners) for record in records if isinstance(record, AuctionRecord))
    clicks = sum(isinstance(record, Click) for record in records)
    assert winners == counts.rows + counts.unseen + counts.unripe
    assert clicks == counts.clicks + counts.repeated_clicks + counts.orphan_clicks


def test_columns_are_the_same_in_every_table() -> None:
    """A feature that appears late is in the first table too, as null; numbers of both kinds become float64."""
    records: list[Record] = []
    for index in range(6):
        seen: dict[str, str | float | list[str] | None] = {"n": index} if index < 3 else {"n": 0.5, "late": ["x"]}
        records.append(auction(f"r{index}", index * 500, [f"b{index}"], **seen))
        records.append(Impression(id=f"i{index}", time_us=index * 500 + 1, bid_id=f"b{index}"))
    tables = list(
        join(records, ads, click_window_us=1, conversion_window_us=1, until_us=9_999, lateness_us=1, table_rows=1)
    )
    assert len(tables) == 6
    assert len({table.schema for table in tables}) == 1
    schema = tables[0].schema
    assert schema.field("n").type == pa.float64()
    assert schema.field("late").type == pa.list_(pa.string())
    assert schema.field("picture").type == pa.list_(pa.float32(), 2)
    assert tables[0]["late"].to_pylist() == [None]


def test_logged_columns_carry_the_answer() -> None:
    """What the answer knew is beside the labels: prediction, bundle, policy, slot, propensity."""
    record = AuctionRecord(
        id="r",
        time_us=0,
        user=None,
        scenario="search",
        seen={"scenario": "ignored: the column is reserved"},
        winners=(winner("b7", 2, propensity=0.25),),
        bundle="v3",
        policy="exploration",
    )
    row = joined([record, Impression(id="i", time_us=1, bid_id="b7")], 10_000).to_pylist()[0]
    assert (row["user"], row["scenario"], row["position"], row["propensity"]) == (None, "search", 2, 0.25)
    assert (row["logged_bundle"], row["logged_policy"], row["logged_ad"]) == ("v3", "exploration", 7)
    assert row["logged_ctr"] == pytest.approx(0.1)
    assert row["logged_cvr"] == pytest.approx(0.2)


def test_an_empty_log_has_columns() -> None:
    """Without rows there is one empty table with all columns."""
    table = joined([], 1000)
    assert len(table) == 0
    assert {"click", "conversion", "logged_ctr", "brand"} <= set(table.column_names)


def test_one_shot_iterator_and_journal_give_the_same(tmp_path: Path) -> None:
    """The source may be a list, an iterator that can be read once, or the journal."""
    records: list[Record] = [auction("r", 0, ["b1", "b2"], q="shoes")]
    records += [Impression(id="i", time_us=5, bid_id="b2"), Click(id="c", time_us=9, bid_id="b2")]

    def once() -> Iterator[Record]:
        yield from records

    def run(source: Journal | Iterator[Record] | list[Record]) -> list[pa.Table]:
        return list(join(source, ads, click_window_us=10, conversion_window_us=10, until_us=500))

    with Journal(tmp_path / "log.db") as journal:
        journal.append(records)
        assert run(records) == run(once()) == run(journal)


def test_repeated_and_orphaned_events_are_counted() -> None:
    """A second impression, one without an auction, and a click on nothing make no row and are counted."""
    records: list[Record] = [
        auction("r", 0, ["b1"]),
        Impression(id="i1", time_us=1, bid_id="b1"),
        Impression(id="i2", time_us=2, bid_id="b1"),
        Impression(id="i3", time_us=3, bid_id="nobody"),
        Click(id="c", time_us=4, bid_id="nobody"),
        Conversion(id="s", time_us=5, bid_id="b1"),
    ]
    counts = JoinCounts()
    assert len(joined(records, 10_000, counts=counts)) == 1
    assert dataclasses.asdict(counts) == dataclasses.asdict(
        JoinCounts(rows=1, repeated_impressions=1, orphan_impressions=1, orphan_clicks=1, orphan_conversions=1)
    )


def test_a_name_on_both_sides_is_refused() -> None:
    """An ad column named as a request-side feature would hide it: InputError."""
    with pytest.raises(InputError, match="brand"):
        joined([auction("r", 0, ["b1"], brand="x")], 10)


def test_a_late_impression_finds_its_place() -> None:
    """Rows wait for the lateness: an older impression that arrives after younger ones still leaves before them."""
    records: list[Record] = [auction("r", 0, ["b1", "b2", "b3"])]
    records += [Impression(id=f"i{bid}", time_us=at, bid_id=bid) for bid, at in (("b1", 70), ("b2", 71), ("b3", 15))]
    counts = JoinCounts()
    assert joined(records, 10_000, counts=counts, table_rows=1)["time_us"].to_pylist() == [15, 70, 71]
    assert counts.late_impressions == 0


def test_an_impression_later_than_the_lateness_is_counted() -> None:
    """Once younger rows have left, an older one would break the order: it is dropped and counted."""
    records: list[Record] = [auction("r", 0, ["b1", "b2", "b3", "b4"])]
    records += [
        Impression(id=f"i{bid}", time_us=at, bid_id=bid) for bid, at in (("b1", 9), ("b2", 8), ("b3", 100), ("b4", 5))
    ]
    counts = JoinCounts()
    assert joined(records, 10_000, counts=counts, table_rows=1)["time_us"].to_pylist() == [8, 9, 100]
    assert counts.late_impressions == 1


@pytest.mark.parametrize(("until_us", "conversion"), [(10 + CONVERSION - 1, None), (10 + CONVERSION, 0.0)])
def test_a_click_is_settled_when_its_window_ends(until_us: int, conversion: float | None) -> None:
    """Without a conversion the label is null until the window is over, and 0 from that instant on."""
    records: list[Record] = [
        auction("r", 0, ["b1"]),
        Impression(id="i", time_us=5, bid_id="b1"),
        Click(id="c", time_us=10, bid_id="b1"),
    ]
    assert joined(records, until_us)["conversion"].to_pylist() == [conversion]
