"""Split: live traffic divided between the arms of an experiment, each with an engine of its own.

An arm that changes nothing is answered by the bundle that serves, hot swaps included. Another arm has a second engine
beside it: of the bundle that the arm names, or of the one that serves with the arm's settings (then it is loaded again
after a swap, and answers by the bundle before until it is). Catalog, log, memory, money and pacing are common to all: a
budget is one, whichever arm spends it.

`SplitWatch` notices that an experiment was started or stopped, or its traffic allocated anew, and moves the traffic
of an adaptive one itself. What is slow happens in `prepare`, beside the requests; `take` adopts it between two of
them. An experiment of which one arm cannot be loaded does not begin, and is named in `trouble`.
"""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.build import Loaded
from adcascade.contracts import AdRequest
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Exposure, Record
from adcascade.experiments.assignment import Assignment
from adcascade.experiments.experiment import Allocation
from adcascade.experiments.steering import Steering
from adcascade.experiments.store import ExperimentStore, Stored

NO_CHANGES: Mapping[str, str] = MappingProxyType({})
Key = tuple[str, tuple[tuple[str, str], ...]]  # what an engine is made of

FOLLOWED = ("auction", "click", "conversion")  # kinds of records that steer
AT_ONCE = 50_000  # records followed in one `prepare`


class Load(Protocol):
    """Makes an engine of a bundle, with some settings changed ("auction.rule" -> "first_price")."""

    def __call__(self, version: str, changes: Mapping[str, str] = NO_CHANGES, /) -> Loaded:
        """Verifies the bundle and builds its engine; slow."""
        ...


@dataclass(slots=True)
class Split:
    """The experiment that has the traffic. engines: by arm; None: the bundle that serves."""

    stored: Stored
    assignment: Assignment
    steering: Steering | None  # None: the allocation is fixed
    engines: list[Loaded | None]
    answered: "Counter[str]" = field(default_factory=Counter)  # requests by arm, since the start

    def arm(self, request: AdRequest, serving: Loaded) -> tuple[Loaded, Exposure]:
        """Who answers this request."""
        number, exposure = self.assignment.exposure(request.user, request.id)
        self.answered[exposure.arm] += 1
        return self.engines[number] or serving, exposure


@dataclass(slots=True)
class _Ready:
    """What `prepare` found, to be adopted by `take`."""

    split: Split | None
    engines: list[Loaded | None]


class SplitWatch:
    """Keeps `split` up to the store. load: makes an arm's engine; control_us: between two steps of an adaptive one.

    steers: this process moves the traffic of adaptive experiments; of several processes on one log, one does.
    """

    def __init__(
        self, store: ExperimentStore, journal: Journal, load: Load, control_us: int, *, steers: bool = True
    ) -> None:
        self.store, self.journal, self.load, self.control_us = store, journal, load, control_us
        self.steers = steers
        self.split: Split | None = None
        self.trouble = ""
        self._known: tuple[tuple[int, int], str] | None = None  # the store's version, the bundle that serves
        self._loaded: dict[Key, Loaded] = {}
        self._ready: _Ready | None = None
        self._fresh: list[Loaded] = []  # engines that have not heard yet of what the catalog did while they were loaded
        self._moved: list[Allocation] = []
        self._steered_us = 0
        self._writing: tuple[Future[None], dict[int, int]] | None = None

    def prepare(self, serving: str, now_us: int) -> None:
        """The slow part: load engines, read pins, follow the log. serving: the bundle that answers now."""
        known = (self.store.version, serving)
        if known != self._known:
            self._known = known
            self._look(serving, now_us)
        self._steer(now_us)

    def take(self, serving: str, now_us: int, *, wait: bool) -> None:
        """Adopt what was prepared and send new pins to the store. wait: prepare here and now (in a simulation)."""
        if wait:
            self.prepare(serving, now_us)
        ready, self._ready = self._ready, None
        if ready is not None:
            if ready.split is not self.split:
                self.split, self._writing = ready.split, None
            if ready.split is not None:
                ready.split.engines = ready.engines
        fresh, self._fresh = self._fresh, []
        for engine in fresh:
            engine.ads_changed(np.arange(engine.snapshot.n, dtype=np.int32))
        moved, self._moved = self._moved, []
        if self.split is not None:
            for allocation in moved:
                self.split.assignment.allocate(allocation)
            self._keep_pins(self.split)

    def recall(self, record: Record) -> None:
        """A record of the log's tail: who came in the last moments before a crash is pinned again."""
        if self.split is not None and isinstance(record, AuctionRecord) and record.exposure is not None:
            self.split.assignment.recall(record.exposure)

    def ads_changed(self, rows: NDArray[np.int32]) -> None:
        """Ads are new, changed or gone: every engine beside the serving one hears of it."""
        for engine in self._loaded.values():
            engine.ads_changed(rows)

    def report(self) -> dict[str, object]:
        """For the status page."""
        split = self.split
        if split is None:
            return {"running": "none", **({"trouble": self.trouble} if self.trouble else {})}
        experiment = split.assignment.experiment
        return {
            "running": experiment.name,
            **({"trouble": self.trouble} if self.trouble else {}),
            "users pinned": len(split.assignment.pins),
            "arms": [
                {"arm": name, "share of new units": round(share, 4), "requests": split.answered[name]}
                for name, share in zip(experiment.arms, split.assignment.current.shares, strict=True)
            ],
        }

    def _look(self, serving: str, now_us: int) -> None:
        """The store or the serving bundle has changed."""
        stored, split = self.store.running(), self.split
        if stored is None:
            self._loaded, self._ready, self.trouble = {}, _Ready(None, []), ""
            return
        same = split is not None and split.stored.experiment == stored.experiment
        try:
            keys = [_key(variant.bundle or serving, variant.settings) for variant in stored.experiment.variants]
            beside = {*keys} - {_key(serving, {})}
            fresh = {key: self.load(*_told(key)) for key in beside - {*self._loaded}}
        except Exception as error:  # noqa: BLE001  the traffic goes on undivided; the reason is shown in the status
            self.trouble = f"experiment {stored.experiment.name}: an arm could not be loaded: {error}"
            if not same:
                self._ready = _Ready(None, [])
            return
        self._loaded = {key: engine for key, engine in (self._loaded | fresh).items() if key in beside}
        if split is None or not same:
            split, self._steered_us = self._split(stored), now_us
        self._moved = [one for one in stored.allocations if one.number not in split.assignment.allocations]
        self._ready = _Ready(split, [self._loaded.get(key) for key in keys])
        self._fresh += fresh.values()
        self.trouble = ""

    def _split(self, stored: Stored) -> Split:
        """The experiment as the store knows it."""
        experiment = stored.experiment
        assignment = Assignment(experiment, stored.allocations, self.store.pins(experiment.name))
        steering = Steering(experiment, after=stored.started_seq) if experiment.adaptive else None
        return Split(stored, assignment, steering, [None] * len(experiment.arms))

    def _steer(self, now_us: int) -> None:
        """Once a control interval, when the log has been followed to its end: the next allocation, on disk."""
        split = self.split
        if split is None or split.steering is None or not self.steers:
            return
        steering = split.steering
        if now_us - self._steered_us < self.control_us:
            return
        before = steering.taken
        steering.follow(islice(self.journal.read(after=steering.seq, kinds=FOLLOWED), AT_ONCE))
        if steering.taken - before < AT_ONCE:
            self._steered_us = now_us
            name = split.assignment.experiment.name
            self.store.allocate(name, steering.shares(now_us), now_us, "by what the clicks say")

    def _keep_pins(self, split: Split) -> None:
        """Hand new pins to the store without waiting; what it refused is handed over again."""
        if self._writing is not None:
            future, pins = self._writing
            if not future.done():
                return
            if future.exception() is not None:
                split.assignment.fresh = pins | split.assignment.fresh
            self._writing = None
        fresh = split.assignment.take_fresh()
        if fresh:
            self._writing = (self.store.pin(split.assignment.experiment.name, fresh), fresh)


def _key(version: str, settings: Mapping[str, str]) -> Key:
    return version, tuple(sorted(settings.items()))


def _told(key: Key) -> tuple[str, dict[str, str]]:
    return key[0], dict(key[1])
