"""The requests of a period come newest first, each once, whatever is sealed; and what cannot be read is said."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import DataMissingError, StoreError
from adcascade.events import period
from adcascade.events.journal import Journal
from adcascade.events.period import auctions_between
from adcascade.events.records import AuctionRecord, Impression, Record
from adcascade.events.seal import seal


def entry(number: int) -> Record:
    """Every third is an event, and times go back now and then."""
    time_us = number - 3 * (number % 5 == 0)
    if number % 3 == 0:
        return Impression(id=f"e{number}", time_us=time_us, bid_id="b")
    return AuctionRecord(id=f"e{number}", time_us=time_us, user=None, scenario="home", seen={}, winners=())


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(0, 60),
    seals=st.lists(st.integers(0, 60), max_size=3).map(sorted),
    span=st.tuples(st.integers(-5, 60), st.integers(0, 60)),
    page=st.integers(1, 9),
)
def test_a_period_is_the_log_backwards(
    tmp_path_factory: pytest.TempPathFactory, count: int, seals: list[int], span: tuple[int, int], page: int
) -> None:
    """As a loop over all that was written finds them, sealed or not, in pages of any size."""
    path = tmp_path_factory.mktemp("period") / "log.db"
    written = [entry(number) for number in range(1, count + 1)]
    with Journal(path, commit_every_ms=0) as journal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(period, "PAGE", page)
        patch.setattr("adcascade.events.seal.PAGE", 4)  # and row groups of so many
        journal.append(written)
        for before in seals:
            seal(journal, path.parent / "sealed", before)
        found = [msgspec.msgpack.decode(one, type=Record) for one in auctions_between(path, *span)]
    wanted = [one for one in written if isinstance(one, AuctionRecord) and span[0] <= one.time_us < span[1]]
    assert found == wanted[::-1]


def test_a_request_that_is_sealed_while_one_reads_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pages the rest of the log may leave the journal's file."""
    monkeypatch.setattr(period, "PAGE", 2)
    path = tmp_path / "log.db"
    with Journal(path, commit_every_ms=0) as journal:
        written = [entry(number) for number in (1, 2, 4, 7, 8)]
        journal.append(written)
        reading = auctions_between(path, 0, 100)
        found = [next(reading)]
        seal(journal, tmp_path / "sealed", 100)
        found += reading
    assert [msgspec.msgpack.decode(one, type=Record) for one in found] == written[::-1]


def test_seals_of_long_ago_are_not_opened(tmp_path: Path) -> None:
    """Behind a seal that begins well before the period, no older one is read: it may be gone."""
    path, hour = tmp_path / "log.db", period.STRAY_US
    with Journal(path, commit_every_ms=0) as journal:
        for number in range(1, 5):
            time_us = number * hour
            record = AuctionRecord(id=str(number), time_us=time_us, user=None, scenario="", seen={}, winners=())
            journal.append([record])
            seal(journal, tmp_path / "sealed", time_us + 1)
        sealed = sorted((tmp_path / "sealed").iterdir())
        (sealed[0] / "auction.parquet").unlink()
        assert len(list(auctions_between(path, 4 * hour, 5 * hour))) == 1
        with pytest.raises(StoreError, match="restore"):
            list(auctions_between(path, hour, 5 * hour))


def test_without_a_log_there_is_a_remedy(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(DataMissingError, match="serve or simulate"):
        next(auctions_between(tmp_path / "none.db", 0, 1))
