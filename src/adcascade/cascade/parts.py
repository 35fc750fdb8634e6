"""Parts: what a service is made of, for those who answer, accept and keep."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adcascade.cascade.budgets import Budgets
from adcascade.cascade.feed import BundleWatch, CatalogFeed
from adcascade.cascade.follow import Follower
from adcascade.cascade.memory import Memory
from adcascade.cascade.outlook import Outlook
from adcascade.cascade.overload import Ladder
from adcascade.cascade.shadow.watch import ShadowWatch
from adcascade.cascade.sharding.fan import Fan
from adcascade.cascade.split import SplitWatch
from adcascade.cascade.till import Till
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest
from adcascade.events.journal import Journal
from adcascade.events.records import Record
from adcascade.events.traffic.filter import TrafficFilter
from adcascade.money.books import Books
from adcascade.money.cashier import Cashier


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a service is made of; `opening.open_service` makes them of a working directory."""

    snapshot: Snapshot
    journal: Journal
    books: Books
    cashier: Cashier
    till: Till
    budgets: Budgets
    memory: Memory
    feed: CatalogFeed
    bundles: BundleWatch | None  # None: the bundle stays
    splits: SplitWatch | None  # None: no experiment is run
    traffic: TrafficFilter | None  # None: every genuine event is valid
    shadow: ShadowWatch | None = None  # None: no second bundle answers unseen
    follower: Follower | None = None  # None: no other process writes into the log
    clock_us: Callable[[], int]
    new_id: Callable[[AdRequest], str]
    outlook: Outlook
    context: tuple[str, ...] = ()  # keys of AdRequest.context that features use
    log_ranked: int = 100
    sealed: Path | None = None  # folder of the log's sealed hours; None: nothing is sealed here
    ladder: Ladder = field(default_factory=Ladder)  # of overload; whoever receives requests tells it their age
    shards: Fan | None = None  # None: this process has all ads
    prerank: int = 100  # of what the shards found, that many go on
    closed: set[str] = field(default_factory=set)  # campaigns without money
    timer: Callable[[], int] = time.perf_counter_ns

    def wrote(self, record: Record) -> None:
        """This process handed the record to the log, which others write too."""
        if self.follower is not None:
            self.follower.wrote(type(record), record.id)
