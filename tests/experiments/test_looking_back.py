"""Looking back: each instant shows what the log was by then, and a bounded look says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.experiments.test_results import PLAN, encoded, log_of, visits, world

from adcascade.errors import DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord
from adcascade.experiments.looking_back import instants_of, look_back, results_at
from adcascade.experiments.outcomes import HOUR_US
from adcascade.experiments.results import results_of
from adcascade.experiments.store import ExperimentStore

END_US = 420 * HOUR_US


@settings(max_examples=20)
@given(rows=visits)
def test_an_instant_shows_the_log_as_it_was(rows: list[tuple[str, int, bool, bool, int | None]]) -> None:
    """The results by an instant are those of the records before the first auction after it; the last has all."""
    log, instants = log_of(rows), instants_of(0, END_US, 4)
    found = results_at(PLAN, log, instants)
    assert len(found) == 4
    for at, one in zip(instants[:-1], found, strict=False):
        late = (k for k, record in enumerate(log) if isinstance(record, AuctionRecord) and record.time_us > at)
        assert encoded(one) == encoded(results_of(PLAN, log[: next(late, len(log))], at))
    assert encoded(found[-1]) == encoded(results_of(PLAN, log, END_US))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The log of a known world, whose experiment began at its first record."""
    with Journal(tmp_path / "journal.db") as journal:
        store = ExperimentStore(journal)
        store.create(PLAN, (0.5, 0.5), 0)
        store.set_status("plan", "running", 0)
        journal.append([record for _, record in world(600, 4)])
        yield journal


def test_the_whole_of_a_short_log_is_read(journal: Journal) -> None:
    """And what it shows at the end are the results."""
    stored = ExperimentStore(journal).get("plan")
    look = look_back(journal.path, stored, END_US)
    assert look.whole
    assert len(look.at) == 12
    records = [record for _, record in world(600, 4)]
    assert encoded(look.newest) == encoded(results_of(PLAN, records, END_US))
    assert [sum(arm.units for arm in one.arms) for _, one in look.at] == sorted(
        sum(arm.units for arm in one.arms) for _, one in look.at
    )


def test_of_a_long_log_the_newest_part_is_read(journal: Journal) -> None:
    """So many records and no more; begins with the first auction among them."""
    look = look_back(journal.path, ExperimentStore(journal).get("plan"), END_US, records=300)
    assert not look.whole
    assert look.records == 300
    assert 0 < look.since_us < look.at[0][0]
    assert 0 < sum(arm.units for arm in look.newest.arms) < 600


def test_a_stopped_experiment_is_followed_until_its_last_click_could_convert(journal: Journal) -> None:
    """What comes long after its end changes nothing."""
    store = ExperimentStore(journal)
    stop_us = 11 * HOUR_US
    store.set_status("plan", "stopped", stop_us)
    before = look_back(journal.path, store.get("plan"), stop_us + PLAN.window_us)
    later = look_back(journal.path, store.get("plan"), stop_us + 90 * PLAN.window_us)
    assert before.at[-1][0] == stop_us + PLAN.window_us
    assert encoded(before.newest) == encoded(later.newest)


def test_without_a_log_there_is_nothing_to_look_at(journal: Journal, tmp_path: Path) -> None:
    """And that is said."""
    with pytest.raises(DataMissingError, match="no event log"):
        look_back(tmp_path / "gone.db", ExperimentStore(journal).get("plan"), END_US)
