"""Laws of the facts: the sum over all parts is what the whole log says, however it was sealed, and to the micro."""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports.world import HOUR_US, Line, Moves, Shop, auction, charges_of, lines_of, moves, records_of

from adcascade.errors import DataMissingError, InternalError, StoreError
from adcascade.events.records import Click, Impression, Record
from adcascade.events.seal import seal
from adcascade.reports.columns import BY_NAME, COUNTS, SCHEMA
from adcascade.reports.facts import Names
from adcascade.reports.groups import SIZES
from adcascade.reports.kept import STRETCH, KeptFacts

KEY = ("time_us", *BY_NAME)


def by_place(lines: Iterable[Line]) -> dict[tuple[str | int, ...], Counter[str]]:
    """Counts that are not zero, by time and all dimensions."""
    found: dict[tuple[str | int, ...], Counter[str]] = {}
    for line in lines:
        counts = Counter({count: int(line[count]) for count in COUNTS if line[count]})
        found.setdefault(tuple(line[name] for name in KEY), Counter()).update(counts)
    return {place: counts for place, counts in found.items() if counts}


def told(shop: Shop) -> list[Line]:
    """All facts of a shop, a line a row."""
    return [row for table in shop.facts.tables(SCHEMA.names, 0, 2**62) for row in table.to_pylist()]


@settings(deadline=None, max_examples=30)
@given(
    told_moves=moves,
    cuts=st.lists(st.integers(0, 40), max_size=6).map(sorted),
    asked=st.booleans(),
    kept=st.sampled_from([(1, (2,)), (2, (4, 2)), (7, ()), (STRETCH, SIZES)]),
)
def test_facts_are_what_the_records_say(
    tmp_path_factory: pytest.TempPathFactory,
    told_moves: Moves,
    cuts: list[int],
    asked: bool,
    kept: tuple[int, tuple[int, ...]],
) -> None:
    """Sealed anywhere, asked in between or not, kept in any groups or computed anew: sums as by brute force, charges as
    booked."""
    records = [record for record in records_of(told_moves) if getattr(record, "bid_id", "") != "b0"]
    shop, charges, begin = Shop(tmp_path_factory.mktemp("shop"), stretch=kept[0], sizes=kept[1]), charges_of(records), 0
    with shop:
        for cut in [*cuts, len(records)]:
            shop.write(records[begin:cut], charges[begin:cut])
            begin = max(begin, cut)
            if cut < len(records):
                seal(shop.journal, shop.folder / "sealed", 2**62)
            if asked:
                assert by_place(told(shop)) == by_place(lines_of(records[:begin]))
        expected = by_place(lines_of(records))
        assert by_place(told(shop)) == expected
        assert by_place(told(shop)) == expected  # now from what is kept
        shutil.rmtree(shop.folder / "reports", ignore_errors=True)
        assert by_place(told(shop)) == expected
        assert sum(int(line["charged_micros"]) for line in told(shop)) == shop.charged()


def test_an_event_of_an_unknown_bid_is_kept_without_a_name(tmp_path: Path) -> None:
    """It is no ad's, and not lost: its count stands at its own time."""
    shop = Shop(tmp_path)
    with shop:
        shop.write([Click(id="e", time_us=5, bid_id="of nobody")], [None])
        assert by_place(told(shop)) == {(5, *[""] * len(BY_NAME)): Counter(clicks=1)}


def test_a_late_click_is_of_the_hour_of_its_ad(tmp_path: Path) -> None:
    """Three seals later the click and its charge stand at the ad's time, and a second impression counts nothing."""
    shop, offer = Shop(tmp_path), auction(1, 4, 10)
    bid_id = offer.winners[0].bid_id
    late: list[Record] = [
        Impression(id="i1", time_us=HOUR_US, bid_id=bid_id),
        Impression(id="i2", time_us=2 * HOUR_US, bid_id=bid_id),
        Click(id="k", time_us=3 * HOUR_US, bid_id=bid_id),
    ]
    records: list[Record] = [offer, *late]
    with shop:
        for record, charge in zip(records, charges_of(records), strict=True):
            shop.write([record], [charge])
            seal(shop.journal, tmp_path / "sealed", record.time_us + 1)
        lines = told(shop)
    assert {line["time_us"] for line in lines} == {10}
    assert by_place(lines) == by_place(lines_of(records))
    assert len(list((tmp_path / "reports").iterdir())) == 4


def test_a_stretch_is_read_once(tmp_path: Path) -> None:
    """The second question reads no record of a whole stretch again."""
    with Shop(tmp_path, stretch=2) as shop:
        shop.write([auction(number, 1, number) for number in range(5)], [None] * 5)
        first = told(shop)
        names = [file.name for file in sorted((tmp_path / "reports").iterdir())]
        assert names == ["open-000000000001-000000000002.parquet", "open-000000000003-000000000004.parquet"]
        with sqlite3.connect(tmp_path / "log.db") as connection:
            connection.execute("UPDATE records SET payload = x'00' WHERE seq < 5")  # nobody may read them
        connection.close()
        assert told(shop) == first
        (tmp_path / "reports" / names[0]).unlink()
        with pytest.raises(InternalError):
            told(shop)


def test_a_seal_sweeps_the_stretches_away(tmp_path: Path) -> None:
    """Its own file takes their place, and says the same."""
    with Shop(tmp_path, stretch=2) as shop:
        shop.write([auction(number, 1, number) for number in range(5)], [None] * 5)
        before = by_place(told(shop))
        seal(shop.journal, tmp_path / "sealed", 2**62)
        assert by_place(told(shop)) == before
        assert [file.name for file in (tmp_path / "reports").iterdir()] == ["seal-000000000001-000000000005.parquet"]


def test_a_group_that_would_be_too_large_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seals stay files of their own, and say the same; where it is not too large, one file lies beside them."""
    names = ["seal-000000000001-000000000001.parquet", "seal-000000000002-000000000002.parquet"]
    with Shop(tmp_path, sizes=(2,)) as shop:
        for number in range(2):
            shop.write([auction(number, 1, number)], [None])
            seal(shop.journal, tmp_path / "sealed", 2**62)
        with monkeypatch.context() as patched:
            patched.setattr("adcascade.reports.kept.MOST_ROWS", 3)
            before = by_place(told(shop))
            assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == names
        assert by_place(told(shop)) == before
        whole = tmp_path / "reports" / "seal-000000000001-000000000002.parquet"
        assert whole.is_file()
        for name in names:
            (tmp_path / "reports" / name).unlink()
        assert by_place(told(shop)) == before


def test_no_log_and_a_damaged_file_are_said(tmp_path: Path) -> None:
    """What is missing is named with what to do; a kept file that cannot be read is not passed over."""
    shop = Shop(tmp_path)
    nowhere = KeptFacts(tmp_path / "no.db", tmp_path / "reports", lambda _: Names("", "", ""), shop.books)
    with pytest.raises(DataMissingError, match="serve or simulate"):
        list(nowhere.tables(SCHEMA.names, 0, 1))
    with shop:
        shop.write([auction(1, 1, 10)], [None])
        seal(shop.journal, tmp_path / "sealed", 11)
        assert told(shop)
        (file,) = (tmp_path / "reports").iterdir()
        file.write_bytes(b"torn")
        with pytest.raises(StoreError, match="delete the file"):
            told(shop)
        file.unlink()
        assert told(shop)
