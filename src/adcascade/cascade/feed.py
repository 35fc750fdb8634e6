"""Feeds: changes of the catalog and of the serving bundle, taken in between requests."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.build import Loaded
from adcascade.cascade.bundle import Bundles
from adcascade.catalog.nouns import Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore


class CatalogFeed:
    """Brings the snapshot up to the store."""

    def __init__(self, store: CatalogStore, snapshot: Snapshot) -> None:
        self.store, self.snapshot = store, snapshot

    def take(self) -> tuple[Sequence[Campaign], NDArray[np.int32]]:
        """Apply what is new: campaigns that changed or whose advertiser did, and the rows of changed ads."""
        if self.store.version == self.snapshot.version:
            return (), np.empty(0, np.int32)
        changes = self.store.changes(self.snapshot.version)
        rows = self.snapshot.apply(changes)
        campaigns = list(changes.campaigns)
        if changes.advertisers:  # their rules are those of all their campaigns
            payers, changed = {payer.id for payer in changes.advertisers}, {campaign.id for campaign in campaigns}
            campaigns += [c for c in self.snapshot.campaigns if c.advertiser in payers and c.id not in changed]
        return campaigns, rows


class BundleWatch:
    """Notices that another bundle was promoted. A bundle that cannot be loaded is refused once and named in `trouble`.

    load: version -> Loaded; it may be called by another thread through `prepare`, so that requests go on meanwhile.
    """

    def __init__(self, bundles: Bundles, load: Callable[[str], Loaded], serving: str) -> None:
        self.bundles, self.load, self.serving = bundles, load, serving
        self.trouble = ""
        self._ready: Loaded | None = None
        self._refused = ""

    def prepare(self) -> None:
        """Load the promoted bundle if it is not the one that serves; `take` hands it over."""
        wanted = self.bundles.current()
        if wanted is None or wanted in (self.serving, self._refused) or self._ready is not None:
            return
        try:
            self._ready = self.load(wanted)
        except Exception as error:  # noqa: BLE001  the old bundle goes on serving; the reason is shown in the status
            self._refused, self.trouble = wanted, f"bundle {wanted} was refused: {error}"

    def take(self) -> Loaded | None:
        """The bundle to serve from now on, or None."""
        self.prepare()
        fresh, self._ready = self._ready, None
        if fresh is not None:
            self.serving, self.trouble, self._refused = fresh.version, "", ""
        return fresh
