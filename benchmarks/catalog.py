"""The catalog at scale: python benchmarks/catalog.py [--ads N] [--campaigns C] [--dir FOLDER]

Builds a catalog of N ads in C campaigns (kept in FOLDER for the next time), then measures: the import, pages, loading
the snapshot and its memory, following 1 to 10,000 changes (stock, prices, ads, campaigns) with the longest slice
between two requests, and eligibility of a request with every filter on. Times are of the processor.
"""

import argparse
import gc
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from adcascade.cascade.feed import CatalogFeed
from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign, Offer, Targeting
from adcascade.catalog.eligibility import Cap
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


def timed(says: str, work: Callable[[], object], repeat: int = 1) -> object:
    """Print how long it takes, the median of some repeats."""
    took = []
    result: object = None
    for _ in range(repeat):
        began = time.process_time()
        result = work()
        took.append(time.process_time() - began)
    print(f"{says:<58} {1000 * float(np.median(took)):>10.2f} ms")
    return result


def pages(store: CatalogStore) -> None:
    """One page of 100 in the middle of campaigns and ads, by each order and filter."""
    kinds: tuple[Kind, ...] = ("campaigns", "ads")
    sorts: tuple[Sort, ...] = ("id", "name", "changed")
    filters = {
        "advertiser": Filters(advertiser="v7"),
        "status": Filters(status="paused"),
        "text, many": Filters(text="w42"),
        "text, none": Filters(text="nowhere"),
    }
    for kind in kinds:
        for sort in sorts:
            after = store.page(kind, sort=sort, limit=1000).next
            timed(f"page of 100 {kind} by {sort}", partial(store.page, kind, sort=sort, after=after), 5)
        for says, asked in filters.items():
            timed(f"page of 100 {kind}, {says}", partial(store.page, kind, filters=asked), 3)
        timed(f"count of {kind}", partial(store.page, kind, count=True, limit=1), 3)


def retitle(store: CatalogStore, rows: list[int]) -> None:
    """Put ads with other titles."""
    found = [store.find_ad(f"a{row}") for row in rows]
    store.put(ads=[msgspec.structs.replace(ad, title=f"{ad.title}!") for ad in found if ad], audit="summary")


def rebid(store: CatalogStore, some: list[int]) -> None:
    """Put campaigns with other bids."""
    found = [store.find_campaign(f"c{i}") for i in some]
    more = [msgspec.structs.replace(c, bid_micros=c.bid_micros + 1) for c in found if c]
    store.put(campaigns=more, audit="summary")


def retarget(store: CatalogStore, some: list[int], rng: np.random.Generator) -> None:
    """Put campaigns with other targetings."""
    found = [store.find_campaign(f"c{i}") for i in some]
    other = [msgspec.structs.replace(c, targeting=targeting_of(rng)) for c in found if c]
    store.put(campaigns=other, audit="summary")


def follow(store: CatalogStore, feed: CatalogFeed, ads: int, campaigns: int) -> None:
    """Write changes, read them as the feed does, apply them slice by slice."""
    rng = np.random.default_rng(store.version)
    for many in (1, 1_000, 10_000):
        rows: list[int] = rng.choice(ads, min(many, ads), replace=False).tolist()
        some: list[int] = rng.choice(campaigns, min(many, campaigns), replace=False).tolist()
        stock: dict[str, int | None] = {f"a{row}": int(rng.integers(0, 2)) for row in rows}
        offers = {f"a{row}": Offer(price_micros=int(rng.integers(1, 10**8))) for row in rows}
        works: dict[str, Callable[[], object]] = {
            "stock": partial(store.set_stock, stock),
            "price": partial(store.set_offers, offers),
            "ads": partial(retitle, store, rows),
            "bids": partial(rebid, store, some),
            "targetings": partial(retarget, store, some, rng),
        }
        for name, work in works.items():
            marks = [time.process_time()]
            work()
            marks.append(time.process_time())
            feed.prepare()
            marks.append(time.process_time())
            while feed.waiting:
                feed.take()
                marks.append(time.process_time())
            took = 1000 * np.diff(marks)
            print(
                f"{many:>7,} {name:<11} write {took[0]:>9.1f}  read {took[1]:>8.1f}  apply {took[2:].sum():>8.1f} ms "
                f"in {len(took) - 2:>3} slices, longest {took[2:].max(initial=0):>5.1f} ms"
            )


def ask(snapshot: Snapshot) -> None:
    """Eligibility with every filter on."""
    request = AdRequest(
        id="r",
        time_us=1_790_000_000_000_000,
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
    snapshot.eligible(request, request.time_us)
    took = []
    for i in range(200):
        began = time.process_time()
        bits = snapshot.eligible(request, request.time_us + i, capped)
        took.append(time.process_time() - began)
    kept = int(np.bitwise_count(bits).sum())
    median, late = (1e6 * float(np.quantile(took, q)) for q in (0.5, 0.99))
    print(f"eligible: {kept:,} of {snapshot.n:,} ads; median {median:.0f} us, p99 {late:.0f} us")
    minutes = []
    for minute in range(1, 3_000):
        began = time.process_time()
        snapshot.tick(request.time_us + minute * 60_000_000)
        minutes.append(time.process_time() - began)
    print(
        f"tick over two days, minute by minute: longest {1000 * max(minutes):.2f} ms, {1000 * sum(minutes):.0f} in all"
    )


def resident() -> float:
    """MiB of this process now."""
    pages_ = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_ * resource.getpagesize() / 2**20


def main() -> None:
    """Build, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ads", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=100_000)
    parser.add_argument("--dir", type=Path, default=None)
    given = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}; {given.ads:,} ads, {given.campaigns:,} campaigns")
    with tempfile.TemporaryDirectory() as kept:
        file = (given.dir or Path(kept)) / f"catalog-{given.ads}.db"
        with CatalogStore(f"sqlite:///{file}") as store:
            if store.version == 0:
                timed("put all", lambda: build(store, given.ads, given.campaigns))
            print(f"database: {file.stat().st_size / 2**20:,.0f} MiB")
            pages(store)
            gc.collect()
            before = resident()
            snapshot = timed("load the snapshot", lambda: Snapshot.from_store(store))
            assert isinstance(snapshot, Snapshot)
            gc.collect()
            more = resident() - before
            print(f"snapshot: {more:,.0f} MiB, {more * 2**20 / snapshot.n:,.0f} bytes an ad")
            timed("a full collection of garbage", gc.collect, 3)
            ask(snapshot)
            follow(store, CatalogFeed(store, snapshot), given.ads, given.campaigns)


if __name__ == "__main__":
    main()
