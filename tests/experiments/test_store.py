"""The store: what was asked is kept for good, one experiment runs at a time, and a unit's first pin stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.errors import CallerError, InputError
from adcascade.events.journal import Journal
from adcascade.events.records import Impression
from adcascade.experiments.experiment import Experiment, Variant
from adcascade.experiments.store import ExperimentStore


def plan(name: str, *, adaptive: bool = False) -> Experiment:
    """Two arms."""
    variants = (Variant(name="control"), Variant(name="high", changes={"auction.reserve_micros": "400000"}))
    return Experiment(name=name, variants=variants, adaptive=adaptive)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty log."""
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


def test_what_is_stored_is_found_by_another_process(journal: Journal) -> None:
    """Plan, statuses with their times, every allocation and the pins."""
    store = ExperimentStore(journal)
    journal.append([Impression(id="i", time_us=1, bid_id="b")])
    store.create(plan("one"), (0.9, 0.1), 10)
    store.set_status("one", "running", 20)
    moved = store.allocate("one", (0.5, 0.5), 30, "by command")
    store.pin("one", {5: 1, 2**63 - 1: moved.number}).result()
    with Journal(journal.path) as other:
        found = ExperimentStore(other)
        running = found.running()
        assert running is not None
        assert running.experiment == plan("one")
        assert [(s, at) for s, at, _ in running.statuses] == [("draft", 10), ("running", 20)]
        assert [a.shares for a in running.allocations] == [(0.9, 0.1), (0.5, 0.5)]
        assert running.started_seq == 1
        assert found.pins("one") == {5: 1, 2**63 - 1: moved.number}
        assert found.version == store.version


def test_a_first_pin_stays(journal: Journal) -> None:
    """A second one of the same unit changes nothing."""
    store = ExperimentStore(journal)
    store.pin("one", {7: 1}).result()
    store.pin("one", {7: 2, 8: 2}).result()
    assert store.pins("one") == {7: 1, 8: 2}


def test_one_runs_at_a_time_and_what_was_stopped_stays_so(journal: Journal) -> None:
    """Each refusal says why."""
    store = ExperimentStore(journal)
    for name in ("one", "two"):
        store.create(plan(name), (0.5, 0.5), 1)
    store.set_status("one", "running", 2)
    with pytest.raises(CallerError, match="stop it first"):
        store.set_status("two", "running", 3)
    store.set_status("one", "stopped", 4)
    assert store.running() is None
    with pytest.raises(CallerError, match="is stopped"):
        store.set_status("one", "running", 5)
    store.set_status("two", "running", 6)
    assert [(s.experiment.name, s.status) for s in store.all()] == [("one", "stopped"), ("two", "running")]


def test_names_are_used_once_and_unknown_ones_are_answered_with_the_known(journal: Journal) -> None:
    """A name is the salt of the hash: the same one would send the same units to the same arms."""
    store = ExperimentStore(journal)
    store.create(plan("one"), (0.5, 0.5), 1)
    with pytest.raises(CallerError, match="already"):
        store.create(plan("one"), (0.5, 0.5), 2)
    with pytest.raises(InputError, match="one of: one"):
        store.get("two")
    with pytest.raises(InputError, match="sum to 1"):
        store.allocate("one", (0.5, 0.6), 3, "")


def test_the_version_changes_with_every_change_and_with_nothing_else(journal: Journal) -> None:
    """A server asks for it every second."""
    store = ExperimentStore(journal)
    versions = [store.version]
    for change in (
        lambda: store.create(plan("one"), (0.5, 0.5), 1),
        lambda: store.set_status("one", "running", 2),
        lambda: store.allocate("one", (0.4, 0.6), 3, ""),
    ):
        change()
        versions.append(store.version)
    assert len(set(versions)) == 4
    store.pin("one", {1: 1}).result()
    assert store.version == versions[-1]
