"""Opening a shard: from a working directory to a Shard; and what a front cannot do, because shards have its engine."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from adcascade.calibration.live import LiveCalibration
from adcascade.cascade.build import COLD, Loaded, Widths, cold, load_bundle
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.feed import BundleWatch, CatalogFeed
from adcascade.cascade.frequency import Frequency
from adcascade.cascade.memory import Memory
from adcascade.cascade.profiles import Profiles
from adcascade.cascade.sharding.shard import Alpha, Shard
from adcascade.cascade.sharding.share import Share, shard_widths
from adcascade.cascade.warm import warm
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.errors import ConfigurationError
from adcascade.settings import Settings, load_settings

NO_CHANGES: Mapping[str, str] = {}
SHARDS_OWN = ("engine.retrieve", "engine.prerank")  # what an arm of an experiment cannot change on a front


def open_shard(directory: Path, share: Share) -> Shard:
    """The shard's part of the catalog under `directory`, and the current bundle over it."""
    settings = load_settings(directory)
    store = CatalogStore(settings.catalog_url)
    snapshot = Snapshot()
    snapshot.apply(share.of(store.changes(0)))
    feed = CatalogFeed(store, snapshot, mine=share.of)
    bundles, pacer, widths = Bundles(settings.bundles_path), Alpha(), _widths(settings, share)

    def load(version: str) -> Loaded:
        if version == COLD:
            return cold(snapshot, widths, pacer)
        return load_bundle(bundles, version, snapshot, widths=widths, pacer=pacer, live=LiveCalibration())

    loaded = load(bundles.current() or COLD)
    warm(loaded, Memory(Profiles(users=1, length=1), Frequency(snapshot, users=1), in_flight=1), time.time_ns() // 1000)
    return Shard(share, snapshot, feed, BundleWatch(bundles, load, loaded.version, feed), loaded, pacer)


def _widths(settings: Settings, share: Share) -> Widths:
    """Of this shard's part of the cascade; what comes behind calibration is the front's."""
    engine = settings.engine
    retrieve, prerank = shard_widths(engine.retrieve, engine.prerank, share.count, settings.sharding.slack)
    return replace(Widths(), retrieve=retrieve, prerank=prerank)


def only_whole(load: Callable[..., Loaded], bundles: Bundles) -> Callable[..., Loaded]:
    """The loader of a front's arms, which refuses what its shards would have to do otherwise than for other arms."""

    def checked(version: str, changes: Mapping[str, str] = NO_CHANGES) -> Loaded:
        if odd := [key for key in changes if key in SHARDS_OWN]:
            raise ConfigurationError(f"an arm changes {odd[0]}, which on a front is its shards' affair; leave it out")
        if version not in (bundles.current(), COLD):
            raise ConfigurationError(
                f"an arm answers by bundle {version}, but shards hold the promoted one: run it without shards"
            )
        return load(version, changes)

    return checked


def no_shadow(version: str, changes: Mapping[str, str] = NO_CHANGES) -> Loaded:  # noqa: ARG001  the shape of a loader
    """The loader of a front's shadow, which has none: its shards hold the promoted bundle, and no other."""
    raise ConfigurationError(f"bundle {version} cannot shadow where the ads lie on shards: run it without shards")
