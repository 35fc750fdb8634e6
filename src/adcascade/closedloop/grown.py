"""A grown installation: trained on a small market, then given a catalog of any size.

What serving costs hangs on the number of ads and campaigns, on the sizes of the models and on what filters must look
at; what the models know hardly matters. So a market of some thousand ads is lived through and learned from, and then
its ads and campaigns are multiplied: a copy keeps category, brand, words and two looks of its original, has an id, a
product and a price of its own, and belongs to a copy of its campaign, which draws targeting, caps and a budget.
The models have never seen the copies: they know them by their features, as they know any new ad. Imports torch.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.training import Order, train_from_log
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, FrequencyCap
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, install, simulated_service
from adcascade.closedloop.kept import kept
from adcascade.closedloop.world import World
from adcascade.contracts import AdRequest
from adcascade.errors import InputError
from adcascade.market.clock import TICKS_PER_DAY, tick_start_us
from adcascade.settings import FILE, load_settings

SLICE = 50_000  # ads that are written at once
COPY = "+"  # stands between the id of an original and the number of its copy
CAPPED = 0.3  # share of the campaigns that promise a cap
SEGMENTS, HOURS = 200, ("mon-sun 00:00-12:00", "mon-sun 12:00-24:00", "mon-fri 06:00-22:00")
TOML = """# A grown installation: {ads:,} ads of {campaigns:,} campaigns around a market of seed {seed}.
[features]
context = ["age", "gender", "segment"]
ad_attributes = ["rating"]
matches = [["segment", "ad_department"]]

[engine]
retrieve = {retrieve}
prerank = {prerank}

[train]
conversion_window_s = 86400
refit = false
ranking = "{ranking}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How large, how wide, and with which ranker."""

    ads: int = 1_000_000
    campaigns: int = 100_000
    ranking: str = "dcn_v2"
    retrieve: int = 1_000
    prerank: int = 200
    seed: int = 0
    ticks: int = TICKS_PER_DAY  # of the market, ten minutes each, that are learned from
    views_per_tick: float = 40.0

    def __post_init__(self) -> None:
        """InputError for a catalog that cannot be."""
        if not 1 <= self.campaigns <= self.ads:
            raise InputError("campaigns", self.campaigns, f"1 to {self.ads}, as many as there are ads")

    @property
    def toml(self) -> str:
        """The installation's adcascade.toml."""
        return TOML.format(**{name: getattr(self, name) for name in self.__slots__})


def make_grown(directory: Path, growth: Growth) -> None:
    """An installation in an absent or empty folder: market, log, bundle, and the whole catalog."""
    world = World(seed=growth.seed, views_per_tick=growth.views_per_tick, tick=0)
    market = world.market()
    install(directory, market, 0)
    (directory / FILE).write_text(growth.toml, "utf-8")
    clock = clock_at(0)
    service = simulated_service(directory, clock)
    try:
        Drive(market, service, service.parts.feed.store, watch=clock.watch).run(range(growth.ticks))
    finally:
        service.close()
    now_us = tick_start_us(growth.ticks)
    manifest = train_from_log(Order(directory=directory, now_us=now_us, until_us=now_us, seed=growth.seed))
    Bundles(load_settings(directory).bundles_path).promote(manifest.version)
    grow_catalog(directory, growth)


def grown(cache: Path, growth: Growth) -> Path:
    """The installation of this growth below a folder, where it is made at first and found afterwards.

    One million ads take some minutes once, and 1.3 GB.
    """
    digest = blake2b(repr(growth).encode(), digest_size=6).hexdigest()
    return kept(cache / f"grown-{growth.ads}-{growth.campaigns}-{digest}", lambda folder: make_grown(folder, growth))


def overlaid(folder: Path, scratch: Path) -> Path:
    """An installation in an empty folder that shares catalog and bundles with another, and goes on with its log."""
    settings = load_settings(folder)
    for name in (FILE, settings.journal_path.name):
        shutil.copyfile(folder / name, scratch / name)
    for file in folder.iterdir():
        if not (scratch / file.name).exists() and not file.name.startswith(settings.journal_path.name):
            (scratch / file.name).symlink_to(file.resolve())
    return scratch


def requests_after(growth: Growth, many: int) -> list[AdRequest]:
    """Requests of the market after what was learned from: shoppers with a history, without one, without consent."""
    market = World(seed=growth.seed, views_per_tick=growth.views_per_tick, tick=0).market()
    requests: list[AdRequest] = []
    tick = growth.ticks
    while len(requests) < many:
        requests += market.requests(market.views(tick))
        tick += 1
    random = np.random.default_rng(growth.seed)
    return [
        msgspec.structs.replace(
            request,
            segments=_segments(random, 3),
            blocked_categories=(f"IAB{int(random.integers(1, 26))}",),
            blocked_advertisers=(f"v3{COPY}1",),
        )
        for request in requests[:many]
    ]


def grow_catalog(directory: Path, growth: Growth) -> None:
    """Put copies beside what is there until there are as many campaigns and ads as `growth` says."""
    random = np.random.default_rng(growth.seed)
    with CatalogStore(load_settings(directory).catalog_url) as store:
        advertisers = {one.id: one for one in store.advertisers()}
        campaigns, ads = list(store.campaigns()), [ad for _, ad in store.ads()]
        copies = [
            _campaign(random, campaigns[i % len(campaigns)], i // len(campaigns))
            for i in range(max(growth.campaigns - len(campaigns), 0))
        ]
        owners = sorted({campaign.advertiser for campaign in copies})
        store.put([_advertiser(name, advertisers) for name in owners], copies, audit="summary")
        for start in range(len(ads), growth.ads, SLICE):
            numbers = range(start, min(start + SLICE, growth.ads))
            store.put(ads=list(_ads(random, ads, copies or campaigns, numbers)), audit="summary")


def _advertiser(name: str, originals: dict[str, Advertiser]) -> Advertiser:
    """The copy of an advertiser."""
    original, _, number = name.partition(COPY)
    return msgspec.structs.replace(originals[original], id=name, domain=f"{original}-{number}.example")


def _campaign(random: np.random.Generator, original: Campaign, number: int) -> Campaign:
    """The copy of a campaign, which has more to say about where and how often it wants to be seen."""
    chance = random.random(4)
    targeting = original.targeting
    if chance[0] < 0.1:
        targeting = msgspec.structs.replace(targeting, segments=_segments(random, 20))
    if chance[1] < 0.1:
        targeting = msgspec.structs.replace(targeting, negative_segments=_segments(random, 3))
    if chance[2] < 0.1:
        targeting = msgspec.structs.replace(targeting, times=(HOURS[int(random.integers(len(HOURS)))],))
    cap = FrequencyCap(impressions=int(random.integers(2, 9)), window_s=86_400)
    return msgspec.structs.replace(
        original,
        id=f"{original.id}{COPY}{number}",
        advertiser=f"{original.advertiser}{COPY}{number}",
        bid_micros=_near(random, original.bid_micros),
        daily_budget_micros=_near(random, original.daily_budget_micros or 10**8),
        targeting=targeting,
        caps=(cap,) if chance[3] < CAPPED else (),
    )


def _segments(random: np.random.Generator, many: int) -> tuple[str, ...]:
    return tuple(f"seg{number}" for number in sorted(set(random.integers(0, SEGMENTS, many).tolist())))


def _near(random: np.random.Generator, amount: int) -> int:
    """Another amount of its size, at least 1."""
    return max(1, round(amount * float(np.exp(0.3 * random.standard_normal()))))


def _ads(
    random: np.random.Generator, originals: Sequence[Ad], owners: Sequence[Campaign], numbers: range
) -> Iterator[Ad]:
    """Copies of ads under the copies of their campaigns, as far as there are any, else under any."""
    mine: dict[str, list[str]] = {}
    for campaign in owners:
        mine.setdefault(campaign.id.partition(COPY)[0], []).append(campaign.id)
    anybody = [campaign.id for campaign in owners]
    price = np.exp(0.4 * random.standard_normal(len(numbers)))
    for number, factor in zip(numbers, price.tolist(), strict=True):
        original = originals[number % len(originals)]
        homes = mine.get(original.campaign, anybody)
        yield msgspec.structs.replace(
            original,
            id=f"{original.id}{COPY}{number}",
            campaign=homes[number // len(originals) % len(homes)],
            product=f"{original.product}{COPY}{number}",
            price_micros=max(1, round(original.price_micros * factor)),
            margin_micros=None,
            creatives=tuple(look for look in original.creatives if look.format == "banner")[:1]
            + original.creatives[:1],
        )
