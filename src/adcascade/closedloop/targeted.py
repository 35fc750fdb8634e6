"""A catalog of any size whose campaigns say much about whom they want: matching, pages and images hang on that.

No bundle and no settings belong to it: `made_up.py` and `grown.py` make whole installations.
"""

from collections.abc import Iterator

import numpy as np

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Targeting
from adcascade.catalog.store import CatalogStore

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


def stock(store: CatalogStore, ads: int, campaigns: int) -> None:
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
