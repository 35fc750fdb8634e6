"""Splitting live traffic: engines beside the serving one, adopted between requests; pins outlive a crash."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from adcascade.cascade.build import Loaded
from adcascade.cascade.split import NO_CHANGES, SplitWatch
from adcascade.contracts import AdRequest
from adcascade.errors import BundleError
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord
from adcascade.experiments.experiment import Experiment, Variant
from adcascade.experiments.store import ExperimentStore

SERVING = cast("Loaded", SimpleNamespace(version="v1"))


class Engines:
    """Makes engines that remember which rows they heard of; refuses the bundle "broken"."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, str]]] = []

    def __call__(self, version: str, changes: Mapping[str, str] = NO_CHANGES, /) -> Loaded:
        """An engine of three ads."""
        if version == "broken":
            raise BundleError("there is no bundle 'broken'")
        self.made.append((version, dict(changes)))
        heard: list[list[int]] = []
        one = SimpleNamespace(version=version, snapshot=SimpleNamespace(n=3), heard=heard)
        one.ads_changed = lambda rows: heard.append(rows.tolist())
        return cast("Loaded", one)


class Shop:
    """A log, its experiments, and a server's watch over them."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)
        self.store = ExperimentStore(self.journal)
        self.engines = Engines()
        self.watch = SplitWatch(self.store, self.journal, self.engines, control_us=1000)

    def begin(self, *variants: Variant, adaptive: bool = False, name: str = "plan") -> None:
        """Create and start an experiment."""
        experiment = Experiment(name=name, variants=variants, adaptive=adaptive)
        self.store.create(experiment, (1 / len(variants),) * len(variants), 1)
        self.store.set_status(name, "running", 2)

    def upkeep(self, now_us: int = 10, serving: str = "v1") -> None:
        """As a server does every second."""
        self.watch.prepare(serving, now_us)
        self.watch.take(serving, now_us, wait=False)

    def arms(self, users: int = 40) -> list[str]:
        """The arm of every user, by one request each."""
        assert self.watch.split is not None
        return [self.watch.split.arm(request(f"u{n}"), SERVING)[1].arm for n in range(users)]


def request(user: str | None) -> AdRequest:
    """A page view."""
    return AdRequest(id="r", time_us=1, slots=(), user=user)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Nothing runs yet."""
    shop = Shop(tmp_path / "journal.db")
    yield shop
    shop.journal.close()


CONTROL = Variant(name="control")
HIGH = Variant(name="high", changes={"auction.reserve_micros": "400000"})
OTHER = Variant(name="other", changes={"bundle": "v0"})


def test_an_experiment_begins_and_ends_between_two_requests(shop: Shop) -> None:
    """The arm without a change is the serving engine; the others are loaded once, and gone at the end."""
    shop.upkeep()
    assert shop.watch.split is None
    shop.begin(CONTROL, HIGH, OTHER)
    shop.upkeep()
    split = shop.watch.split
    assert split is not None
    answers = {exposure.arm: loaded for loaded, exposure in (split.arm(request(f"u{n}"), SERVING) for n in range(40))}
    assert answers["control"] is SERVING
    assert answers["other"].version == "v0"
    assert sorted(shop.engines.made) == [("v0", {}), ("v1", {"auction.reserve_micros": "400000"})]
    shop.upkeep()
    assert len(shop.engines.made) == 2
    shop.store.set_status("plan", "stopped", 11)
    shop.upkeep()
    assert shop.watch.split is None


def test_a_hot_swap_loads_again_what_follows_the_serving_bundle_and_nothing_else(shop: Shop) -> None:
    """The arm with its own bundle stays; nobody changes arms."""
    shop.begin(CONTROL, HIGH, OTHER)
    shop.upkeep()
    before = shop.arms()
    shop.upkeep(serving="v2")
    assert shop.engines.made[2:] == [("v2", {"auction.reserve_micros": "400000"})]
    assert shop.arms() == before
    assert shop.watch.split is not None
    assert shop.watch.split.engines[1] is not None
    assert shop.watch.split.engines[1].version == "v2"
    shop.upkeep(serving="v0")
    assert shop.watch.split.engines[2] is None  # its bundle serves now


def test_an_arm_that_cannot_be_loaded_stops_the_experiment_and_is_named(shop: Shop) -> None:
    """Traffic goes on undivided."""
    shop.begin(CONTROL, Variant(name="bad", changes={"bundle": "broken"}))
    shop.upkeep()
    assert shop.watch.split is None
    assert "broken" in shop.watch.trouble
    assert "broken" in str(shop.watch.report())


def test_engines_beside_the_serving_one_hear_of_the_catalog(shop: Shop) -> None:
    """What it did while they were loaded, and after."""
    shop.begin(CONTROL, OTHER)
    shop.upkeep()
    shop.watch.ads_changed(np.array([2], np.int32))
    assert shop.watch.split is not None
    assert getattr(shop.watch.split.engines[1], "heard") == [[0, 1, 2], [2]]  # noqa: B009  a stand-in's own field


def test_a_new_allocation_moves_new_users_only_also_after_a_restart(shop: Shop) -> None:
    """Everybody who came keeps the arm; the pins are on disk."""
    shop.begin(CONTROL, HIGH)
    shop.upkeep()
    before = shop.arms()
    shop.store.allocate("plan", (0.0, 1.0), 20, "by command")
    shop.upkeep(20)
    assert shop.arms() == before
    assert set(shop.arms(400)[40:]) == {"high"}
    shop.upkeep(21)
    shop.journal.flush()
    again = Shop(shop.journal.path)
    again.upkeep(30)
    assert again.arms() == before
    again.journal.close()


def test_pins_that_a_crash_kept_from_the_store_are_found_in_the_log(shop: Shop) -> None:
    """The records were written, the pins were not, and the allocation has changed since."""
    shop.begin(CONTROL, HIGH)
    shop.upkeep()
    split = shop.watch.split
    assert split is not None
    exposures = [split.arm(request(f"u{n}"), SERVING)[1] for n in range(40)]
    log = [
        AuctionRecord(id=f"r{n}", time_us=5, user=f"u{n}", scenario="", seen={}, winners=(), exposure=exposure)
        for n, exposure in enumerate(exposures)
    ]
    shop.journal.append(log)
    shop.store.allocate("plan", (0.0, 1.0), 20, "by command")
    again = Shop(shop.journal.path)
    again.watch.take("v1", 30, wait=True)
    for _, record in again.journal.read():
        again.watch.recall(record)
    assert again.arms() == [exposure.arm for exposure in exposures]
    again.upkeep(31)
    again.journal.flush()
    assert len(again.store.pins("plan")) == 40
    again.journal.close()


def test_one_experiment_after_the_other_keeps_its_own_pins(shop: Shop) -> None:
    """Stopped and followed by another between two upkeeps: each unit is drawn anew, and pinned under the new name."""
    shop.begin(CONTROL, HIGH)
    shop.upkeep()
    before = shop.arms()
    shop.upkeep()
    shop.store.set_status("plan", "stopped", 11)
    shop.begin(CONTROL, HIGH, name="next")
    shop.upkeep(12)
    assert shop.arms() != before
    shop.upkeep(13)
    shop.journal.flush()
    pins = shop.store.pins("plan"), shop.store.pins("next")
    assert [len(p) for p in pins] == [40, 40]
    assert not pins[0].keys() & pins[1].keys()


def test_an_adaptive_experiment_allocates_once_a_control_interval(shop: Shop) -> None:
    """Without clicks nothing is known, and both arms stay near one half; every allocation is kept with its reason."""
    shop.begin(CONTROL, HIGH, adaptive=True)
    for now_us in (10, 500, 1010, 1020, 1500, 2010, 2020):
        shop.upkeep(now_us)
    allocations = shop.store.get("plan").allocations
    assert [a.from_us for a in allocations] == [1, 1010, 2010]
    assert allocations[-1].shares[0] == pytest.approx(0.5, abs=0.05)
    assert shop.watch.split is not None
    assert shop.watch.split.assignment.current == allocations[-1]
