"""The newest requests come page by page, each once; a request is found by its id, sealed or not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import DataMissingError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.recent import FOREVER, newest, recorded
from adcascade.events.records import AuctionRecord, Impression, Record
from adcascade.events.seal import seal


def entry(number: int) -> Record:
    """Every third is a request."""
    if number % 3:
        return Impression(id=f"e{number}", time_us=number, bid_id="b")
    return AuctionRecord(id=f"e{number}", time_us=number, user=None, scenario="home", seen={}, winners=())


@settings(deadline=None, max_examples=15)
@given(count=st.integers(0, 40), size=st.integers(1, 7), sealed=st.integers(0, 30))
def test_pages_are_the_log_backwards(
    tmp_path_factory: pytest.TempPathFactory, count: int, size: int, sealed: int
) -> None:
    """Whatever a page's size; what is sealed is no longer listed, and found all the same."""
    path = tmp_path_factory.mktemp("recent") / "log.db"
    with Journal(path, commit_every_ms=0) as journal:
        journal.append([entry(number) for number in range(count)])
        seal(journal, path.parent / "sealed", sealed)
        found, before = [], FOREVER
        while page := newest(path, before, size):
            assert len(page) <= size
            found += [record for _, record in page]
            before = page[-1][0]
        wanted = [one for number in range(count) if isinstance(one := entry(number), AuctionRecord)]
        assert found == [one for one in reversed(wanted) if one.time_us >= min(sealed, count)]
        assert [recorded(path, one.id) for one in wanted] == wanted


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    """No log, no such request, a seal that is gone."""
    with pytest.raises(DataMissingError, match="no event log"):
        newest(tmp_path / "none.db")
    path = tmp_path / "log.db"
    with Journal(path, commit_every_ms=0) as journal:
        journal.append([entry(number) for number in range(5)])
        with pytest.raises(DataMissingError, match="no request 'e1'"):
            recorded(path, "e1")
        made = seal(journal, tmp_path / "sealed", 4)
        assert made is not None
        (tmp_path / "sealed" / made.name / "auction.parquet").unlink()
        with pytest.raises(StoreError, match="restore"):
            recorded(path, "e0")
