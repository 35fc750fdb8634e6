"""Opening: from a working directory to a running AdService."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adcascade.bidding import METHODS as PACERS
from adcascade.bidding import Pacing, Site
from adcascade.bidding.day_curve import DAY_US, day_curve
from adcascade.cascade.budgets import Budgets, budgets_of
from adcascade.cascade.build import COLD, Loaded, Widths, cold, load_bundle
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.feed import BundleWatch, CatalogFeed
from adcascade.cascade.follow import Follower
from adcascade.cascade.frequency import Frequency
from adcascade.cascade.imaging import BundleImages
from adcascade.cascade.memory import Memory
from adcascade.cascade.notices import heed
from adcascade.cascade.outlook import Outlook, outlook_of
from adcascade.cascade.overload import Ladder
from adcascade.cascade.parts import Parts
from adcascade.cascade.profiles import Profiles
from adcascade.cascade.recall import recall
from adcascade.cascade.service import AdService
from adcascade.cascade.shadow.store import ShadowStore
from adcascade.cascade.shadow.watch import ShadowWatch
from adcascade.cascade.sharding.fan import Fan
from adcascade.cascade.sharding.opening import no_shadow, only_whole
from adcascade.cascade.split import NO_CHANGES, Load, SplitWatch
from adcascade.cascade.till import Till
from adcascade.cascade.valid import traffic_filter
from adcascade.cascade.warm import warm
from adcascade.catalog.imaging import open_snapshot
from adcascade.catalog.offers import first_bid
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Notice, Record
from adcascade.events.token import Signer
from adcascade.experiments.store import ExperimentStore
from adcascade.features.defaults import HISTORY_LENGTH
from adcascade.money.bank import Bank, BankConfig, Budget
from adcascade.money.books import Books
from adcascade.money.opening import open_books, open_cashier
from adcascade.money.reading import BooksReader
from adcascade.money.traces import machine_of
from adcascade.settings import Settings, changed_settings, load_settings, signing_key

REPLAYED = 300_000  # records of the log's tail that fill the memory at the start


def wall_clock_us() -> int:
    """Now, UTC microseconds."""
    return time.time_ns() // 1000


def fresh_id(request: AdRequest) -> str:  # noqa: ARG001  the caller's id may come again
    """An id that is unique for life: time and chance."""
    return f"{time.time_ns() // 1000:x}-{os.urandom(5).hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What differs between a server and a simulation."""

    clock_us: Callable[[], int] = wall_clock_us
    new_id: Callable[[AdRequest], str] = fresh_id
    wait: bool = False  # a reservation may wait for the ledger
    owner: str = "server"  # of leases; two services on one log need two names
    alone: bool = True  # no other process serves from this log
    leads: bool = True  # of several, the one that seals hours and steers adaptive experiments
    journal: Path | None = None  # another log than the installation's, for a trial beside it
    catalog: Path | None = None  # another SQLite catalog, likewise
    version: str | None = None  # another bundle than the current one; never swapped then
    shards: Fan | None = None  # that have the ads; None: this process has all
    tell: Callable[[str], None] = lambda _: None  # hears what takes long at a start, or goes another way


def open_service(directory: Path, around: Surroundings | None = None) -> AdService:
    """Everything under `directory`, ready to answer. Without a bundle it explores: every answer is by chance."""
    around = around or Surroundings()
    settings = load_settings(directory)
    store = CatalogStore(settings.catalog_url if around.catalog is None else f"sqlite:///{around.catalog}")
    snapshot, origin = open_snapshot(store, settings.images_path, settings.storage.images_from, around.tell)
    feed = CatalogFeed(store, snapshot, moved=None if origin is None else origin.moved)
    journal = Journal(around.journal or settings.journal_path)
    now_us = around.clock_us()
    budgets = budgets_of(snapshot)
    ledger = _books(settings, journal, budgets)
    cashier = open_cashier(settings.money.books, journal, ledger, wait_s=settings.money.charge_wait_s)
    closed = set[str]()
    bank = _bank(settings, ledger, snapshot, budgets, around, now_us, machine_of(journal), closed)
    control_us = round(settings.bidding.control_s * 1e6)
    pacer = PACERS[settings.bidding.method](
        Site(folder=directory, control_us=control_us, group_of=lambda number: snapshot.campaigns[number].billing)
    )
    sharded = around.shards is not None
    bundles = Bundles(settings.bundles_path)
    images = (
        None if origin is None else BundleImages(settings.images_path, store.url, bundles, origin.image, around.tell)
    )
    load = _loader(settings, feed, pacer, memory := _memory(settings, snapshot), images, sharded=sharded)
    loaded = load(around.version or bundles.current() or COLD)
    arms = only_whole(load, bundles) if sharded else load
    splits = _splits(settings, journal, arms, steers=around.leads) if around.version is None else None
    if splits is not None:
        splits.take(loaded.version, now_us, wait=True)
    ladder = Ladder(standard_us=round(settings.engine.timeout_ms * 1000))
    unseen, store_of_shadows = no_shadow if sharded else load, ShadowStore(settings.shadow_path)
    last = journal.last_seq
    parts = Parts(
        snapshot=snapshot,
        journal=journal,
        books=ledger,
        cashier=cashier,
        till=Till(bank, Signer(signing_key(directory)), snapshot, around.clock_us, wait=around.wait),
        budgets=Budgets(
            snapshot,
            bank,
            pacer,
            control_us=control_us,
            now_us=now_us,
            spent_today=ledger.spent_today(now_us),
            spent_of=ledger.spent_today,
        ),
        memory=memory,
        feed=feed,
        bundles=BundleWatch(bundles, load, loaded.version, feed) if around.version is None else None,
        splits=splits,
        shadow=ShadowWatch(bundles, unseen, feed, store_of_shadows, ladder, around.owner)
        if around.version is None
        else None,
        traffic=traffic_filter(settings) if settings.traffic.enabled else None,
        clock_us=around.clock_us,
        new_id=around.new_id,
        outlook=_outlook(settings, journal, ledger, audits=around.leads),
        context=settings.features.context,
        log_ranked=settings.engine.log_ranked,
        shards=around.shards,
        prerank=settings.engine.prerank,
        closed=closed,
        sealed=settings.sealed_path if around.leads else None,
        follower=None if around.alone else _follower(journal, last, memory, snapshot, splits, bank),
        ladder=ladder,
    )
    if not around.wait:  # no reservation may wait for the ledger: have the first leases at hand
        bank.prepare(((c.id, first_bid(c)) for c in snapshot.campaigns if c.status == "active"), now_us)
    warm(loaded, memory, now_us)
    _remember(parts, last, now_us, pacer)
    return AdService(parts, loaded)


def _books(settings: Settings, journal: Journal, budgets: Mapping[str, Budget]) -> Books:
    advertiser_of = {campaign: budget.advertiser for campaign, budget in budgets.items()}
    return open_books(settings.money.books, journal, advertiser_of=advertiser_of, weak=settings.money.redis_weak)


def _outlook(settings: Settings, journal: Journal, books: Books, *, audits: bool) -> Outlook:
    reader = BooksReader(books) if settings.money.books else None
    return outlook_of(journal, settings.alarms, audits=audits, reader=reader)


def _remember(parts: Parts, last: int, now_us: int, pacer: Pacing) -> None:
    """Find again in the log what serving holds in memory; the budget follows the traffic of the days before."""
    times: list[int] = []
    recall(parts.memory.frequency, parts.journal, last - REPLAYED, now_us)
    parts.memory.replay(_tail(parts.journal, last, times, parts.splits), parts.snapshot)
    if times and times[-1] - times[0] >= DAY_US:
        pacer.curve = day_curve(np.array(times, np.int64))


def _tail(journal: Journal, last: int, times: list[int], splits: SplitWatch | None) -> Iterator[Record]:
    """The log's records up to `last`, oldest first; `times` gathers when requests came, `splits` hears of them all."""
    for seq, record in journal.read(after=max(0, last - REPLAYED)):
        if seq > last:
            return
        if isinstance(record, AuctionRecord):
            times.append(record.time_us)
        if splits is not None:
            splits.recall(record)
        yield record


def _splits(settings: Settings, journal: Journal, load: Load, *, steers: bool) -> SplitWatch:
    control_us = round(settings.experiments.control_s * 1e6)
    return SplitWatch(ExperimentStore(journal), journal, load, control_us, steers=steers)


def _follower(  # noqa: PLR0917  all that learns
    journal: Journal, after: int, memory: Memory, snapshot: Snapshot, splits: SplitWatch | None, bank: Bank
) -> Follower:
    """Learns what the other processes write."""

    def learn(record: Record) -> None:
        if isinstance(record, Notice):
            heed(record, bank, memory)
        memory.learn(record, snapshot)
        if splits is not None:
            splits.recall(record)

    return Follower(journal, after, learn)


def _memory(settings: Settings, snapshot: Snapshot) -> Memory:
    users = settings.engine.memory
    return Memory(Profiles(users=users, length=HISTORY_LENGTH), Frequency(snapshot, users=users), in_flight=users)


def _bank(  # noqa: PLR0917  what a bank is made of
    settings: Settings,
    ledger: Books,
    snapshot: Snapshot,
    budgets: Mapping[str, Budget],
    around: Surroundings,
    now_us: int,
    machine: str,
    closed: set[str],
) -> Bank:
    """closed: is kept filled with the campaigns that have no money."""
    shared = settings.money.books != ""
    ttl_us, lease_us = round(settings.money.reservation_s * 1e6), round(settings.money.lease_s * 1e6)

    def spendable(campaign: str, on: bool) -> None:  # noqa: FBT001  called by the bank
        snapshot.set_serving(snapshot.campaign_index_of[campaign], on)
        (closed.discard if on else closed.add)(campaign)

    return Bank(
        ledger,
        budgets,
        now_us,
        config=BankConfig(
            ttl_us=ttl_us, lease_us=lease_us, grace_us=round(settings.money.grace_s * 1e6) if shared else 0
        ),
        owner=f"{machine}:{around.owner}" if shared else around.owner,  # another machine has processes of that name
        on_change=spendable,
    )


def _loader(
    settings: Settings,
    feed: CatalogFeed,
    pacer: Pacing,
    memory: Memory,
    images: BundleImages | None,
    *,
    sharded: bool,
) -> Load:
    """version -> Loaded, with the widths and rules of the settings, some of which an experiment's arm may change."""
    bundles, snapshot = Bundles(settings.bundles_path), feed.snapshot

    def load(version: str, changes: Mapping[str, str] = NO_CHANGES) -> Loaded:
        widths = widths_of(changed_settings(settings, changes))
        image = None if images is None else images.of(version)
        if version == COLD:
            loaded = cold(snapshot, widths, pacer, image)
        else:
            live = memory.live_of(version)
            loaded = load_bundle(
                bundles, version, snapshot, widths=widths, pacer=pacer, live=live, sharded=sharded, image=image
            )
        if image is not None and feed.moved is not None:
            loaded.ads_changed(feed.moved)
        return loaded

    return load


def widths_of(settings: Settings) -> Widths:
    """How wide the cascade is, by the settings."""
    return Widths(
        retrieve=settings.engine.retrieve,
        prerank=settings.engine.prerank,
        exploration=settings.engine.exploration,
        rule=settings.auction.rule,
        reserve_micros=settings.auction.reserve_micros,
        one_per=settings.auction.one_per,
        candidates=settings.blending.candidates,
        pattern=settings.blending.positions,
        virtual_click_micros=settings.blending.virtual_click_micros,
    )
