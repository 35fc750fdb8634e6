"""The catalog at scale: reading it, opening its image, pages, changes, and who may answer a request.

A catalog of N ads in C campaigns is built once and kept in --cache; the changes are written to a copy. Times are of the
processor. The snapshot of the store stands beside that of the image as its peer.
"""

import argparse
import os
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
from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign, Offer, Targeting
from adcascade.catalog.eligibility import Cap
from adcascade.catalog.imaging import read_snapshot, write_snapshot
from adcascade.catalog.kinds import Kind
from adcascade.catalog.pages import Filters, Sort
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Slot

CATEGORIES = [f"d{d}/s{s}/c{c}" for d in range(20) for s in range(10) for c in range(5)]
WORDS = [f"w{i}" for i in range(5_000)]
COUNTRIES = ["DE", "FR", "US", "GB", "IT", "ES"]
REGIONS = [f"US-{i}" for i in range(50)]
CITIES = [f"city{i}" for i in range(2_000)]
SEGMENTS = [f"seg{i}" for i in range(3_000)]
PRODUCTS = [f"p{i}" for i in range(10_000)]
TIMES = [f"mon-fri {h:02}:00-{h + 9:02}:30" for h in range(6, 12)]
WHEN_US = 1_790_000_000_000_000
CHANGES, ASKS = 1_000, 300
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]


def targeting_of(rng: np.random.Generator) -> Targeting:
    """A third target nothing; the others some of everything."""
    if rng.random() < 0.33:
        return Targeting()

    def some(values: list[str], share: float) -> tuple[str, ...]:
        many = 1 + int(rng.random() * 3) if rng.random() < share else 0
        return tuple(dict.fromkeys(values[int(rng.random() * len(values))] for _ in range(many)))

    phrases = [f"{WORDS[int(rng.random() * 5_000)]} {WORDS[int(rng.random() * 5_000)]}" for _ in range(8)]
    return Targeting(
        scenarios=some(["home", "search", "product"], 0.3),
        devices=some(["phone", "desktop", "tablet"], 0.2),
        countries=some(COUNTRIES, 0.4),
        regions=some(REGIONS, 0.1),
        cities=some(CITIES, 0.1),
        categories=some(CATEGORIES, 0.3),
        keywords=some([f"{kind}{p}" for kind, p in zip(["", "exact:", "broad:"] * 3, phrases, strict=False)], 0.3),
        negative_keywords=some(phrases, 0.1),
        times=some(TIMES, 0.1),
        segments=some(SEGMENTS, 0.1),
        negative_segments=some(SEGMENTS, 0.05),
        products=some(PRODUCTS, 0.02),
        blocked_categories=some(CATEGORIES, 0.05),
    )


def build(store: CatalogStore, ads: int, campaigns: int) -> None:
    """Fill an empty catalog."""
    rng = np.random.default_rng(0)
    store.put([Advertiser(id=f"v{i}", domain=f"v{i}.com", timezone=ZONES[i % 4]) for i in range(campaigns // 20)])
    every = [
        Campaign(
            id=f"c{i}",
            advertiser=f"v{i % (campaigns // 20)}",
            name=f"Campaign {WORDS[i % 5000]} {i}",
            bid_micros=int(rng.integers(10**5, 10**6)),
            targeting=targeting_of(rng),
            status="paused" if i % 20 == 0 else "active",
        )
        for i in range(campaigns)
    ]
    groups = [AdGroup(id=f"g{i}", campaign=f"c{4 * i}", bid_micros=200_000) for i in range(campaigns // 4)]
    store.put(campaigns=every, ad_groups=groups, audit="summary")
    for start in range(0, ads, 100_000):
        store.put(ads=list(ads_of(rng, start, min(ads, start + 100_000), campaigns)), audit="summary")


def ads_of(rng: np.random.Generator, start: int, end: int, campaigns: int) -> Iterator[Ad]:
    """Ads `start` to `end`."""
    owners, prices, words = (rng.integers(0, high, end - start) for high in (campaigns, 10**8, 5_000))
    for i, owner, price, word in zip(range(start, end), owners.tolist(), prices.tolist(), words.tolist(), strict=True):
        yield Ad(
            id=f"a{i}",
            campaign=f"c{owner}",
            ad_group=f"g{owner // 4}" if owner % 4 == 0 and i % 2 else "",
            product=f"p{i}",
            category=CATEGORIES[i % 1000],
            brand=f"brand{i % 3000}",
            title=f"{WORDS[word]} {WORDS[i % 5000]} thing {i}",
            url=f"https://shop.example/p/{i}",
            price_micros=price,
            margin_micros=price // 5,
            stock=i % 50,
            iab=(f"IAB{1 + i % 26}-{1 + i % 9}",),
        )


def kept(cache: Path, ads: int, campaigns: int) -> Path:
    """The SQLite file of a catalog of that size below a folder, built where it is not there."""
    file = cache / f"catalog-{ads}-{campaigns}.db"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}-{os.getpid()}")
        with CatalogStore(f"sqlite:///{draft}") as store:
            build(store, ads, campaigns)
        draft.rename(file)
    return file


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
        shutil.copyfile(kept(given.cache, given.ads, given.campaigns), copy)
        with CatalogStore(f"sqlite:///{copy}") as store:
            write_snapshot(image, store, WHEN_US)
            rows = [*opening(store, image, given.rounds), *pages(store, given.rounds)]
            read, mapped = Snapshot.from_store(store), read_snapshot(image, store).snapshot
            rows += asking(read, mapped)
            return [*rows, *following(store, CatalogFeed(store, mapped), given)]


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
