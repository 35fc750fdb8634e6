"""A made-up shop of any size: settings, catalog, requests and rows of a log, all drawn by chance.

For whoever asks what serving costs: that hangs on the numbers of ads, campaigns and features, not on what they are.
`unlearned.py` adds a bundle; this file imports no torch, so a process that only serves stays what it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from adcascade.catalog.columns import ad_columns
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Slot
from adcascade.settings import FILE, load_settings

SLICE = 50_000  # ads that are written at once
SAMPLED = 20_000  # rows that the encoder is fitted on
DEPARTMENTS, SUBJECTS, VALUES = 12, 25, 40
SCENARIOS, DEVICES, COUNTRIES = ("home", "search", "product"), ("phone", "desktop"), ("DE", "FR", "US")
WHEN_US = 1_750_000_000_000_000
TOML = """# A made-up installation: {ads:,} ads, {extra} features beside the usual ones.
[features]
context = {context}
ad_attributes = {attributes}

[engine]
retrieve = {retrieve}
prerank = {prerank}
exploration = 0
timeout_ms = {timeout_ms}

[traffic]
enabled = false  # nobody here is a shopper
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large and how wide. extra: categorical features beside the usual ones, half of them the ad's."""

    ads: int = 1_000
    campaigns: int = 100
    extra: int = 0
    retrieve: int = 300
    prerank: int = 100
    ranking: str = "dcn_v2"
    width: int = 16
    timeout_ms: float = 100.0
    daily_budget_micros: int | None = 10**13
    seed: int = 0

    @property
    def context(self) -> list[str]:
        """Names of the extra columns of requests."""
        return [f"c{number}" for number in range((self.extra + 1) // 2)]

    @property
    def attributes(self) -> list[str]:
        """Names of the extra columns of ads."""
        return [f"a{number}" for number in range(self.extra // 2)]


def make_shop(directory: Path, sizes: Sizes) -> None:
    """Settings and catalog, in an absent or empty folder."""
    directory.mkdir(parents=True, exist_ok=True)
    plain = {name: getattr(sizes, name) for name in ("ads", "extra", "retrieve", "prerank", "timeout_ms")}
    names = {name: msgspec.json.encode(getattr(sizes, name)).decode() for name in ("context", "attributes")}
    (directory / FILE).write_text(TOML.format(**plain, **names), "utf-8")
    stock(directory, sizes)


def stock(directory: Path, sizes: Sizes) -> None:
    """The catalog."""
    random = np.random.default_rng(sizes.seed)
    bids = np.exp(random.normal(12.5, 0.6, sizes.campaigns)).astype(np.int64).tolist()
    with CatalogStore(load_settings(directory).catalog_url) as store:
        campaigns = [
            Campaign(
                id=f"k{number}",
                advertiser=f"v{number % 50}",
                bid_micros=bid,
                billing="click" if number % 3 else "impression",
                daily_budget_micros=sizes.daily_budget_micros,
            )
            for number, bid in enumerate(bids)
        ]
        store.put([Advertiser(id=f"v{number}") for number in range(50)], campaigns, audit="summary")
        for start in range(0, sizes.ads, SLICE):
            numbers = range(start, min(start + SLICE, sizes.ads))
            store.put(ads=list(_ads(random, sizes, numbers)), audit="summary")


def _ads(random: np.random.Generator, sizes: Sizes, numbers: range) -> Iterator[Ad]:
    drawn = random.integers(0, VALUES, (len(numbers), 4 + len(sizes.attributes))).tolist()
    look = (Creative(id="look", title="look"),)
    for number, (department, subject, brand, price, *values) in zip(numbers, drawn, strict=True):
        category = f"d{department % DEPARTMENTS}/s{subject % SUBJECTS}"
        yield Ad(
            id=f"a{number}",
            campaign=f"k{number % sizes.campaigns}",
            product=f"p{number}",
            category=category,
            brand=f"b{brand}",
            title=f"word{subject} word{number % 997} {category}",
            url=f"https://shop.example/{number}",
            price_micros=1_000_000 * (1 + price),
            attributes={name: f"x{value}" for name, value in zip(sizes.attributes, values, strict=True)},
            creatives=look,
        )


def samples(sizes: Sizes) -> pa.Table:
    """Rows by chance with every column that the features read."""
    random = np.random.default_rng(sizes.seed + 1)
    ads = list(_ads(random, sizes, range(min(sizes.ads, SAMPLED))))
    owners = [Campaign(id=ad.campaign, advertiser=f"v{int(ad.campaign[1:]) % 50}", bid_micros=1) for ad in ads]
    columns = ad_columns(ads, owners, sizes.attributes)
    columns.pop("picture")
    told = [_told(random, sizes, number) for number in range(len(ads))]
    return pa.table(columns | {name: [one[name] for one in told] for name in told[0]})


def _told(random: np.random.Generator, sizes: Sizes, number: int) -> dict[str, Any]:
    """What is seen of one request."""
    clicked = random.integers(0, sizes.ads, 3).tolist()
    category = f"d{number % DEPARTMENTS}/s{number % SUBJECTS}"
    return {
        **{name: f"x{int(random.integers(VALUES))}" for name in sizes.context},
        "user": f"u{number}",
        "scenario": SCENARIOS[number % len(SCENARIOS)],
        "device": DEVICES[number % len(DEVICES)],
        "country": COUNTRIES[number % len(COUNTRIES)],
        "page_category": category,
        "page_department": category.partition("/")[0],
        "query": f"word{number % 40}",
        "hour": str(number % 24),
        "position": "0",
        "history_ad": [f"a{one}" for one in clicked],
        "history_category": [category],
    }


def requests(sizes: Sizes, count: int, *, seed: int = 0, slots: int = 2, time_us: int = WHEN_US) -> list[AdRequest]:
    """So many page views by chance: some search, some stand in a category, some users are not known."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        told = _told(random, sizes, int(random.integers(SAMPLED)))
        kind = random.integers(3)
        found.append(
            AdRequest(
                id=f"r{seed}-{number}",
                time_us=time_us + number,
                slots=tuple(Slot(id=str(place)) for place in range(slots)),
                scenario=told["scenario"],
                user=None if number % 5 == 0 else told["user"],
                device=told["device"],
                country=told["country"],
                query=told["query"] if kind == 0 else "",
                category=told["page_category"] if kind == 1 else "",
                context={name: told[name] for name in sizes.context},
                timeout_us=round(sizes.timeout_ms * 1000),
            )
        )
    return found
