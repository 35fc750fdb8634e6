"""Feeds: changes of the catalog and of the serving bundle, taken in between requests."""

import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.build import Loaded
from adcascade.cascade.bundle import Bundles
from adcascade.catalog.changes import Changes
from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore

SLICE = 32  # nouns that are never taken in apart
KEPT = 10_000  # takes whose rows are remembered
AT_ONCE_NS = 4_000_000  # after which a request may come between
ENCODED = 2 * SLICE  # rows after which it may too: whoever keeps something per ad has them to do


class CatalogFeed:
    """Brings the snapshot up to the store, in slices of some milliseconds, between which requests go on.

    `prepare` reads, in any thread; `take` applies the next slice, in the thread of the snapshot. A large write of the
    store is taken in over several slices, in an order in which nothing names what is not there yet.
    """

    def __init__(
        self,
        store: CatalogStore,
        snapshot: Snapshot,
        timer: Callable[[], int] = time.perf_counter_ns,
        *,
        mine: Callable[[Changes], Changes] | None = None,
        moved: NDArray[np.int32] | None = None,
    ) -> None:
        """mine: the part of the changes that this process takes in; None: all of them.

        moved: rows that have other features than in the image that the snapshot came from, if it came from one.
        """
        self.store, self.snapshot, self._timer = store, snapshot, timer
        self._mine = mine
        self._read = snapshot.version  # of the store, up to which `prepare` has read
        self._slices: deque[Changes] = deque()
        self.takes = 0  # so far
        self._told: deque[tuple[int, NDArray[np.int32]]] = deque(maxlen=KEPT)
        self.moved = moved  # kept up to date

    def prepare(self) -> None:
        """Read what is new, unless some of what was read still waits. StoreError where the database refuses."""
        if self._slices or self.store.version == self._read:
            return
        changes = self.store.changes(self._read)
        before, self._read = self._read, changes.version
        mine = changes if self._mine is None else self._mine(changes)
        self._slices.extend(mine.slices(SLICE, before))

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        return bool(self._slices)

    def take(self) -> tuple[Sequence[Campaign], NDArray[np.int32]]:
        """Apply what is next, for some milliseconds: campaigns that changed or whose advertiser did, and the rows with
        other features."""
        if not self._slices:
            return (), np.empty(0, np.int32)
        campaigns: list[Campaign] = []
        rows = [np.empty(0, np.int32)]
        until = self._timer() + AT_ONCE_NS
        while self._slices:
            changes = self._slices[0]
            rows.append(self.snapshot.apply(changes))
            self._slices.popleft()  # only now: what could not be applied is tried again, and heard of again
            campaigns += [*changes.campaigns, *self._paid_by(changes.advertisers)]
            if self._timer() >= until or sum(map(len, rows)) >= ENCODED:
                break
        changed: NDArray[np.int32] = np.unique(np.concatenate(rows))
        self._told.append((self.takes, changed))
        if self.moved is not None:
            self.moved = np.union1d(self.moved, changed)
        self.takes += 1
        return campaigns, changed

    def _paid_by(self, advertisers: Sequence[Advertiser]) -> list[Campaign]:
        """All campaigns of these advertisers, whose rules are theirs."""
        if not advertisers:
            return []
        payers = {payer.id for payer in advertisers}
        return [campaign for campaign in self.snapshot.campaigns if campaign.advertiser in payers]

    def rows_since(self, takes: int) -> NDArray[np.int32]:
        """The rows that changed since there had been so many takes; all of them where nobody remembers."""
        if takes < self.takes and (not self._told or self._told[0][0] > takes):
            return np.arange(self.snapshot.n, dtype=np.int32)
        return np.unique(np.concatenate([np.empty(0, np.int32), *(rows for at, rows in self._told if at >= takes)]))


class BundleWatch:
    """Notices that another bundle was promoted. A bundle that cannot be loaded is refused once and named in `trouble`.

    load: version -> Loaded; it may be called by another thread through `prepare`, so that requests go on meanwhile.
    feed: what the catalog does while a bundle is loaded, that bundle hears when it is taken.
    """

    def __init__(self, bundles: Bundles, load: Callable[[str], Loaded], serving: str, feed: CatalogFeed) -> None:
        self.bundles, self.load, self.serving, self.feed = bundles, load, serving, feed
        self.trouble = ""
        self._takes = 0  # of the feed, when loading began
        self._ready: Loaded | None = None
        self._refused = ""

    def prepare(self) -> None:
        """Load the promoted bundle if it is not the one that serves; `take` hands it over."""
        wanted = self.bundles.current()
        if wanted is None or wanted in (self.serving, self._refused) or self._ready is not None:
            return
        self._takes = self.feed.takes
        try:
            self._ready = self.load(wanted)
        except Exception as error:  # noqa: BLE001  the old bundle goes on serving; the reason is shown in the status
            self._refused, self.trouble = wanted, f"bundle {wanted} was refused: {error}"

    @property
    def waiting(self) -> str:
        """The version that is loaded and not taken yet; empty: none is."""
        return "" if self._ready is None else self._ready.version

    def take(self) -> Loaded | None:
        """The bundle to serve from now on, or None."""
        self.prepare()
        fresh, self._ready = self._ready, None
        if fresh is not None:
            fresh.ads_changed(self.feed.rows_since(self._takes))
            self.serving, self.trouble, self._refused = fresh.version, "", ""
        return fresh
