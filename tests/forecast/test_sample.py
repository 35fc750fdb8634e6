"""The newest days of the log, all of them or a sample whose weight makes up for the rest; sealed or not."""

from pathlib import Path

import msgspec
import pytest

from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Impression, Record
from adcascade.events.seal import seal
from adcascade.forecast.sample import BLOCKS, DAY_US, sampled

START = 1_767_225_600_000_000


def entry(number: int, gap_us: int) -> Record:
    """Every third is an auction, then comes its impression; now and then a click."""
    time_us = START + number * gap_us
    if number % 3 == 0:
        return AuctionRecord(id=f"e{number}", time_us=time_us, user=None, scenario="home", seen={}, winners=())
    kind = Click if number % 9 == 2 else Impression
    return kind(id=f"e{number}", time_us=time_us, bid_id="b")


def ids(payloads: tuple[bytes, ...]) -> list[int]:
    """Numbers of the auctions."""
    return [int(msgspec.msgpack.decode(payload)["id"][1:]) for payload in payloads]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """3,000 records over two and a half days, the first half of them sealed by two seals."""
    path, gap = tmp_path / "log.db", 5 * DAY_US // 2 // 3000
    with Journal(path, commit_every_ms=0) as opened:
        opened.append([entry(number, gap) for number in range(3000)])
        seal(opened, tmp_path / "sealed", START + 700 * gap)
        seal(opened, tmp_path / "sealed", START + 1500 * gap)
    return path


def test_all_auctions_of_the_newest_whole_days(journal: Path) -> None:
    """Two days of the two and a half, each auction once and in order, sealed ones too; kinds are counted."""
    found = sampled(journal)
    assert found is not None
    assert (found.days, found.weight) == (2, 1.0)
    numbers = ids(found.payloads)
    assert numbers == list(range(numbers[0], 3000, 3))
    assert len(numbers) == pytest.approx(800, abs=2)
    assert found.kinds["auction"] == len(numbers)
    assert found.kinds["impression"] > found.kinds["click"] > 0


def test_a_sample_is_even_and_weighs_what_it_leaves_out(journal: Path) -> None:
    """At most so many auctions, each once, in every tenth of the window; weight times sample is the window."""
    found = sampled(journal, auctions=2 * BLOCKS)
    assert found is not None
    numbers = ids(found.payloads)
    assert len(numbers) <= 2 * BLOCKS
    assert numbers == sorted(set(numbers))
    assert found.weight * len(numbers) == pytest.approx(800, rel=0.1)
    assert {number // 240 for number in numbers} >= set(range(3, 12))


def test_a_short_log_is_read_whole(tmp_path: Path) -> None:
    """Less than a day: the whole of it, which is no day."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as opened:
        opened.append([entry(number, 1_000_000) for number in range(30)])
    found = sampled(tmp_path / "log.db")
    assert found is not None
    assert (found.days, len(found.payloads), found.since_us) == (0, 10, START)


def test_no_log_is_none_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    """Absent, without an auction, with a seal that is gone."""
    assert sampled(tmp_path / "none.db") is None
    with Journal(tmp_path / "log.db", commit_every_ms=0) as opened:
        assert sampled(tmp_path / "log.db") is None
        opened.append([entry(number, 1_000_000) for number in range(30)])
        seal(opened, tmp_path / "sealed", START + 10_000_000)
    for folder in (tmp_path / "sealed").iterdir():
        folder.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="restore it"):
        sampled(tmp_path / "log.db")
