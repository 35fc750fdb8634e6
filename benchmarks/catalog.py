"""The catalog at scale: reading it, opening its image, pages, changes, and who may answer a request.

A catalog of N ads in C campaigns is built once and kept in --cache; the changes are written to a copy. Times are of the
processor. The snapshot of the store stands beside that of the image as its peer.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import alternate, figure
from adcascade.cascade.feed import CatalogFeed
from adcascade.catalog import Offer
from adcascade.catalog.eligibility import Cap
from adcascade.catalog.imaging import read_snapshot, write_snapshot
from adcascade.catalog.kinds import Kind
from adcascade.catalog.pages import Filters, Sort
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.kept import kept
from adcascade.closedloop.targeted import stock, targeting_of
from adcascade.contracts import AdRequest, Slot

WHEN_US = 1_790_000_000_000_000
CHANGES, ASKS = 1_000, 300


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--campaigns", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the changes")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adcascade-bench")


def run(given: argparse.Namespace) -> list[Row]:
    """All of it."""
    with tempfile.TemporaryDirectory() as scratch:
        copy, image = Path(scratch) / "catalog.db", Path(scratch) / "catalog.image"
        shutil.copyfile(made(given), copy)
        with CatalogStore(f"sqlite:///{copy}") as store:
            write_snapshot(image, store, WHEN_US)
            rows = [*opening(store, image, given.rounds), *pages(store, given.rounds)]
            read, mapped = Snapshot.from_store(store), read_snapshot(image, store).snapshot
            rows += asking(read, mapped)
            return [*rows, *following(store, CatalogFeed(store, mapped), given)]


def made(given: argparse.Namespace) -> Path:
    """The SQLite file of a catalog of that size, built where it is not kept yet."""

    def make(draft: Path) -> None:
        with CatalogStore(f"sqlite:///{draft}") as store:
            stock(store, given.ads, given.campaigns)

    return kept(given.cache / f"catalog-{given.ads}-{given.campaigns}.db", make)


def opening(store: CatalogStore, image: Path, rounds: int) -> Iterator[Row]:
    """A snapshot by way of its image, and by reading the store."""
    calls: dict[str, Callable[[], object]] = {
        "image": lambda: read_snapshot(image, store),
        "store": lambda: Snapshot.from_store(store),
    }
    spent = {name: figure(times) for name, times in alternate(calls, rounds=rounds, warm=0).items()}
    yield Row(
        name="open the catalog",
        value=1000 * spent["image"].median,
        unit="ms",
        spread=spent["image"].spread,
        peer="read from the store",
        peer_value=1000 * spent["store"].median,
        turned=True,
        bar=Bar(of="ratio", least=10.0),
    )


def pages(store: CatalogStore, rounds: int) -> Iterator[Row]:
    """One page of 100 in the middle of campaigns and ads, by each order and filter: the slowest of each kind."""
    kinds: tuple[Kind, ...] = ("campaigns", "ads")
    sorts: tuple[Sort, ...] = ("id", "name", "changed")
    filters = (Filters(advertiser="v7"), Filters(status="paused"), Filters(text="w42"), Filters(text="nowhere"))
    for kind in kinds:
        calls: dict[str, Callable[[], object]] = {
            f"by {sort}": partial(store.page, kind, sort=sort, after=store.page(kind, sort=sort, limit=1000).next)
            for sort in sorts
        }
        calls |= {f"where {asked}": partial(store.page, kind, filters=asked) for asked in filters}
        spent = {name: figure(times) for name, times in alternate(calls, rounds=rounds).items()}
        slowest = max(spent, key=lambda name: spent[name].median)
        yield Row(
            name=f"page of 100 {kind}, the slowest",
            value=1000 * spent[slowest].median,
            unit="ms",
            spread=spent[slowest].spread,
            note=slowest,
        )


def retitle(store: CatalogStore, rows: list[int]) -> None:
    """Put ads with other titles."""
    found = [store.find_ad(f"a{row}") for row in rows]
    store.put(ads=[msgspec.structs.replace(ad, title=f"{ad.title}!") for ad in found if ad], audit="summary")


def retarget(store: CatalogStore, some: list[int], rng: np.random.Generator) -> None:
    """Put campaigns with other targetings."""
    found = [store.find_campaign(f"c{i}") for i in some]
    other = [msgspec.structs.replace(c, targeting=targeting_of(rng)) for c in found if c]
    store.put(campaigns=other, audit="summary")


def following(store: CatalogStore, feed: CatalogFeed, given: argparse.Namespace) -> Iterator[Row]:
    """Changes that were written are read and applied slice by slice: the longest slice keeps a request waiting."""
    rng, changes = np.random.default_rng(given.seed), min(CHANGES, given.campaigns, given.ads)
    rows: list[int] = rng.choice(given.ads, changes, replace=False).tolist()
    some: list[int] = rng.choice(given.campaigns, changes, replace=False).tolist()
    works: dict[str, Callable[[], object]] = {
        "stock": partial(store.set_stock, {f"a{row}": row % 2 for row in rows}),
        "prices": partial(store.set_offers, {f"a{row}": Offer(price_micros=row + 1) for row in rows}),
        "titles": partial(retitle, store, rows),
        "targetings": partial(retarget, store, some, rng),
    }
    for name, work in works.items():
        work()
        marks = [time.thread_time()]
        feed.prepare()
        while feed.waiting:
            feed.take()
            marks.append(time.thread_time())
        slices = 1000 * np.diff(marks)[1:]
        yield Row(
            name=f"take in {changes:,} {name}: the longest slice",
            value=float(slices.max(initial=0)),
            unit="ms",
            note=f"{slices.sum():.0f} ms in {len(slices)} slices",
        )


def asking(read: Snapshot, mapped: Snapshot) -> Iterator[Row]:
    """Who may answer a request with every filter on."""
    request = AdRequest(
        id="r",
        time_us=WHEN_US,
        slots=(Slot(id="s"),),
        scenario="search",
        device="phone",
        country="US",
        region="US-7",
        city="city9",
        category="d1/s2/c3",
        query="w1 w2 w3 w4",
        segments=tuple(f"seg{i}" for i in range(20)),
        page_products=("p1", "p2"),
        blocked_categories=("d2", "IAB7"),
        blocked_advertisers=("v3.com",),
    )
    capped: list[Cap] = [("campaign", f"c{i}") for i in range(20)]
    calls = {
        name: partial(one.eligible, request, WHEN_US, capped) for name, one in (("read", read), ("mapped", mapped))
    }
    spent = {name: figure(times) for name, times in alternate(calls, rounds=ASKS, warm=20).items()}
    yield Row(
        name="eligible, every filter on",
        value=1e6 * spent["mapped"].median,
        unit="us",
        spread=spent["mapped"].spread,
        peer="snapshot read from the store",
        peer_value=1e6 * spent["read"].median,
        turned=True,
        note=f"{int(np.bitwise_count(calls['mapped']()).sum()):,} of {mapped.n:,} ads",
    )
