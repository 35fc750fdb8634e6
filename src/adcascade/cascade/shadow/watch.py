"""Watch: the shadow of one server process: its second engine, the requests that wait for it, and its end.

    offer      after an answer has been made: is this request chosen? Then it waits; one hash, no more
    step       between two requests: half of one that waits (again.py)
    prepare    beside the requests, once a second: what was asked for (order.py), load it, keep what was found
    take       between two requests, once a second: adopt what was loaded

Serving comes first. Nothing waits while the overload ladder is up, nor beyond WAITING requests; what is dropped is
counted. What the shadow raises is logged and counted, and after FAILURES of them, or where its bundle cannot be
loaded, every process leaves it and its order says why. Requests are chosen by a hash of their id, so that the draw
takes nothing from the request's own random numbers.
"""

from collections import Counter, deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from adcascade.cascade.answer import Served
from adcascade.cascade.build import Loaded
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.engine import Outcome
from adcascade.cascade.feed import CatalogFeed
from adcascade.cascade.overload import Ladder
from adcascade.cascade.shadow.again import Again, comparable
from adcascade.cascade.shadow.order import Order, give_up, order_of
from adcascade.cascade.shadow.record import Shadowed
from adcascade.cascade.shadow.store import ENDS, ShadowStore
from adcascade.cascade.split import Load
from adcascade.contracts import Candidates, Opportunity
from adcascade.errors import BundleError, StoreError

WAITING = 64  # requests
FOUND = 5_000  # records that wait for the store
FAILURES = 5  # of one shadow in one process
SPACE = 2**64


class Running(NamedTuple):
    """A shadow at work. takes: of the catalog's feed, when its loading began."""

    order: Order
    loaded: Loaded
    takes: int


def chosen(request_id: str, share: float) -> bool:
    """Whether a request belongs to a share of all; to the smaller one of two only if also to the larger."""
    return int.from_bytes(blake2b(request_id.encode(), digest_size=8, person=b"shadow").digest()) < share * SPACE


class ShadowWatch:
    """Follows the order in the folder of bundles. load: makes an engine; who: this process, in the log of orders."""

    def __init__(  # noqa: PLR0917  what it works with
        self, bundles: Bundles, load: Load, feed: CatalogFeed, store: ShadowStore, ladder: Ladder, who: str = "server"
    ) -> None:
        self.bundles, self.load, self.feed, self.store, self.ladder, self.who = bundles, load, feed, store, ladder, who
        self.counted = Counter(dict.fromkeys(ENDS, 0))  # since the start
        self._running: Running | None = None
        self._waiting: deque[Again] = deque()
        self._half: tuple[Again, Candidates] | None = None
        self._found: deque[Shadowed] = deque()
        self._ended: Counter[tuple[str, str]] = Counter()  # by version and end, since the start
        self._kept: Counter[tuple[str, str]] = Counter()  # of those, what the store knows
        self._failures = 0
        self._broken = ""  # why the running one is given up
        self._order: Order | None = None  # that is followed, or was refused
        self._next: Running | None = None
        self._turned = False  # `_next` is to be adopted
        self._told = ""  # by the order: why the shadow ended
        self._refused = ""  # why this process does without, where the order cannot say so

    @property
    def trouble(self) -> str:
        """Why there is no shadow although one was asked for, or ""."""
        return self._refused or self._told

    # ---- requests

    def offer(self, opportunity: Opportunity, outcome: Outcome, served: Sequence[Served], serving: Loaded) -> None:
        """A request was answered; perhaps it is answered again."""
        running = self._running
        if running is None or not chosen(opportunity.request.id, running.order.share):
            return
        if self.ladder.rung or len(self._waiting) >= WAITING or len(self._found) >= FOUND:
            self._count(running.order.version, "dropped")
        elif comparable(outcome):
            self._waiting.append(Again(opportunity, outcome, served, serving, running.loaded))

    def step(self) -> bool:
        """Half of the oldest request that waits; whether there is more to do."""
        if self.ladder.rung:
            self._drop_all()
            return False
        if self._half is not None:
            (again, judged), self._half = self._half, None
            self._finish(again, judged)
        elif self._waiting:
            self._begin(self._waiting.popleft())
        return self._half is not None or bool(self._waiting)

    def _begin(self, again: Again) -> None:
        try:
            self._half = again, again.judged()
        except Exception as error:  # noqa: BLE001  a shadow may fail in any way; it is logged, counted, and ends it
            self._failed(again, error)

    def _finish(self, again: Again, judged: Candidates) -> None:
        try:
            self._found.append(again.record(judged, again.own()))
        except Exception as error:  # noqa: BLE001  as above
            self._failed(again, error)
        else:
            self._count(again.shadow.version, "shadowed")

    def _failed(self, again: Again, error: Exception) -> None:
        version = again.shadow.version
        self._count(version, "failed")
        structlog.get_logger().warning("shadow failed", bundle=version, exc_info=error)
        if self._running is None or self._running.order.version != version:
            return
        self._failures += 1
        if self._failures >= FAILURES:
            self._broken = f"it failed {self._failures} times, the last time: {type(error).__name__}: {error}"
            self._running = None
            self._drop_all()

    def _drop_all(self) -> None:
        waiting = [*self._waiting, *(() if self._half is None else (self._half[0],))]
        self._waiting.clear()
        self._half = None
        for again in waiting:
            self._count(again.shadow.version, "dropped")

    def _count(self, version: str, end: str) -> None:
        self.counted[end] += 1
        self._ended[version, end] += 1

    # ---- upkeep

    def prepare(self, now_us: int) -> None:
        """Follow the order, load its bundle, keep what was found. Never raises for what is wrong with a shadow."""
        try:
            self._keep()
            self._follow(now_us)
        except (BundleError, StoreError) as error:  # the order or the store; tried again until it is mended
            if str(error) != self._refused:
                structlog.get_logger().error("shadow stands still", exc_info=error)
            self._refused, self._order = str(error), None
            self._turn(None)

    def take(self) -> None:
        """Adopt what was prepared."""
        if not self._turned:
            return
        self._turned = False
        fresh, self._next = self._next, None
        if fresh is None:
            self._drop_all()
        elif self._running is None or fresh.loaded is not self._running.loaded:
            fresh.loaded.ads_changed(self.feed.rows_since(fresh.takes))
            self._failures = 0
        self._running = fresh

    def ads_changed(self, rows: NDArray[np.int32]) -> None:
        """Ads are new, changed or gone."""
        if self._running is not None:
            self._running.loaded.ads_changed(rows)

    def report(self) -> dict[str, object]:
        """For the status page."""
        running = self._running
        return {
            "bundle": "none" if running is None else running.order.version,
            **({} if running is None else {"share": running.order.share}),
            **({"trouble": self.trouble} if self.trouble else {}),
            **self.counted,
        }

    def _follow(self, now_us: int) -> None:
        order = order_of(self.bundles.folder)
        if self._broken and order is not None and order == self._order:
            self._end(order, self._broken, now_us)
            order = order_of(self.bundles.folder)
        self._broken = ""
        self._told = "" if order is None else order.trouble
        wanted = None if order is None or order.trouble else order
        if wanted is None or wanted != self._order:
            self._refused = ""
        if wanted != self._order:
            self._order = wanted
            self._turn(None if wanted is None else self._loaded(wanted, now_us))

    def _loaded(self, order: Order, now_us: int) -> Running | None:
        """The shadow that the order asks for, None where it cannot be loaded: then the order says so."""
        running, takes = self._running, self.feed.takes
        if running is not None and running.order.version == order.version:
            return running._replace(order=order)
        try:
            return Running(order, self.load(order.version), takes)
        except Exception as error:  # noqa: BLE001  whatever is wrong with the bundle: it is logged, and told by the order
            self._end(order, f"it cannot be loaded: {error}", now_us)
            return None

    def _end(self, order: Order, reason: str, now_us: int) -> None:
        """Nobody goes on with this order; where it cannot be written, at least this process does not."""
        structlog.get_logger().error("shadow ended", bundle=order.version, reason=reason)
        self._refused = reason
        try:
            give_up(self.bundles, order, reason, who=self.who, time_us=now_us)
        except (OSError, StoreError) as error:
            self._refused = f"{reason}; and its order could not be ended: {error}"

    def _turn(self, following: Running | None) -> None:
        self._next, self._turned = following, True

    def _keep(self) -> None:
        """Hand what was found and counted since the last time to the store."""
        records = [self._found.popleft() for _ in range(len(self._found))]
        ended = Counter(self._ended)
        fresh = ended - self._kept
        for version in {version for version, _ in fresh} | {one.shadow for one in records}:
            counts = {end: fresh[version, end] for end in ENDS}
            self.store.write(version, [one for one in records if one.shadow == version], counts)
        self._kept = ended
