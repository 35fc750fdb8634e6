"""Laws of the ranking lists: what becomes a list, in which order, and which of them leave."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.contracts.ecpm import ecpm_of
from adcascade.events.ranking_lists import LISTED, Wanted, ranked_ads, ranking_lists
from adcascade.events.records import AuctionRecord, Click, Ranked

ALL = Wanted(since_us=0, until_us=10**9)


def auction(
    number: int, ctr: list[float], bid: list[int], *, version: str = "v1", per_click: int = 99
) -> AuctionRecord:
    """Ads 0, 1, 2 ... with these probabilities and bids; the first `per_click` of them pay per click."""
    ctrs, bids = np.array(ctr, "<f4"), np.array(bid, "<i8")
    ecpm = ecpm_of(ctrs, bids, np.arange(len(bids)) < per_click)
    ranked = Ranked(
        ad=np.arange(len(bids), dtype="<i4").tobytes(),
        retrieval=ctrs.tobytes(),
        preranking=ctrs.tobytes(),
        ctr=ctrs.tobytes(),
        cvr=ctrs.tobytes(),
        bid=bids.tobytes(),
        ecpm=ecpm.astype("<i8").tobytes(),
    )
    seen: dict[str, str | float | int | list[str] | None] = {
        "user": f"u{number}",
        "age": number if number % 2 else None,
    }
    return AuctionRecord(
        id=f"r{number}",
        time_us=number,
        user=None,
        scenario="",
        seen=seen,
        winners=(),
        ranked=ranked,
        bundle=version,
    )


@given(ads=st.lists(st.tuples(st.floats(1e-3, 0.9), st.integers(100, 10**7)), min_size=2, max_size=20))
def test_a_list_is_its_ads_by_falling_ecpm(ads: list[tuple[float, int]]) -> None:
    """However the log had them, no ad comes before a better one, and each keeps its own bid."""
    record = auction(0, [p for p, _ in ads], [b for _, b in ads])
    found = ranked_ads(record)
    assert found is not None
    assert np.all(np.diff(found.ecpm) <= 0)
    assert found.bid.tolist() == [ads[ad][1] for ad in found.ad]
    assert found.per_click.all()


def test_the_log_itself_says_who_pays_per_impression() -> None:
    """The eCPM of an impression is exactly a thousand bids."""
    found = ranked_ads(auction(0, [0.1, 0.2, 0.3], [300, 200, 100], per_click=1))
    assert found is not None
    assert dict(zip(found.ad.tolist(), found.per_click.tolist(), strict=True)) == {0: True, 1: False, 2: False}


def test_what_nobody_ranked_is_no_list() -> None:
    """Ads without a probability or a bid have no place; fewer than two are no list, and neither is the cold start."""
    nan = float("nan")
    assert ranked_ads(auction(0, [nan, nan, nan], [5, 6, 7])) is None
    assert ranked_ads(auction(0, [0.1, nan, 0.2], [5000, 6000, 0])) is None
    found = ranked_ads(auction(0, [0.1, nan, 0.2], [5000, 6000, 7000]))
    assert found is not None
    assert found.ad.tolist() == [2, 0]
    assert list(ranking_lists([auction(0, [nan, nan], [5, 6]), Click(id="c", time_us=1, bid_id="b")], ALL)) == []


@pytest.mark.parametrize(
    ("bundles", "most", "kept"), [(1, 100, [6, 7, 8]), (2, 100, [3, 4, 5, 6, 7, 8]), (2, 2, [7, 8])]
)
def test_the_newest_lists_of_the_newest_bundles_leave(bundles: int, most: int, kept: list[int]) -> None:
    """In order of the log; the bounds hold however the tables are cut, and an iterator is read like a sequence."""
    log = [auction(i, [0.1, 0.2], [5000, 6000], version=f"2026010{1 + i // 3}T000000-aa") for i in range(9)]
    wanted = Wanted(since_us=0, until_us=100, bundles=bundles, most=most)
    for source in (log, iter(log)):
        tables = list(ranking_lists(source, wanted, table_rows=2))
        assert [row for table in tables for row in table["time_us"].to_pylist()] == kept
        assert max(map(len, tables)) <= 2


def test_all_tables_have_the_same_columns_and_keep_what_was_seen() -> None:
    """Types are decided over the whole log: a feature that is null in one table is a number in all."""
    log = [auction(i, [0.1, 0.2], [5000, 6000]) for i in range(4)]
    tables = list(ranking_lists(log, ALL, table_rows=1))
    assert len({str(table.schema) for table in tables}) == 1
    assert set(tables[0].column_names) == {*LISTED, "user", "age"}
    assert [table["age"][0].as_py() for table in tables] == [None, 1, None, 3]
    within = Wanted(since_us=1, until_us=2)
    assert [table["time_us"].to_pylist() for table in ranking_lists(log, within)] == [[1, 2]]
