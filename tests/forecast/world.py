"""A small market on paper: pages sold by the real rules of the auction, as the log keeps them, and their catalog."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from adcascade.auction import METHODS
from adcascade.auction.lot import Lot
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.contracts.worth import ecpms_of
from adcascade.events.records import AuctionRecord, Ranked, Winner
from adcascade.forecast.bars import Rules
from adcascade.forecast.draft import Draft
from adcascade.forecast.sample import DAY_US, Sample
from adcascade.forecast.traffic import Log, Places, traffic_of

START_US = 1_767_225_600_000_000
FACTORS = np.array([1.0, 0.7, 0.5], np.float32)
SLOTS = {"home": 2, "search": 3}
CATEGORIES = ("sports/shoes", "sports/balls", "toys")
RESERVE = 200_000
RULES = Rules(rule="gsp", reserve_micros=RESERVE)
CAMPAIGNS = tuple(
    Campaign(
        id=f"k{n}", advertiser=f"v{n % 3}", billing="impression" if n == 5 else "click",
        bid_micros=4_000 if n == 5 else 200_000 + 60_000 * n,
    )
    for n in range(6)
)  # fmt: skip
ADS = tuple(Ad(id=f"a{n}", campaign=f"k{n % 6}", category=CATEGORIES[n % 3]) for n in range(12))
ROWS = {ad.id: row for row, ad in enumerate(ADS)}


def records_of(seed: int, count: int, *, rule: str = "gsp", days: float = 2.0) -> list[AuctionRecord]:
    """Pages over some days, every ad with its own chance of a click on each."""
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(0, int(days * DAY_US), count))
    times[:1], times[-1:] = 0, int(days * DAY_US) - 1
    return [_record(random, number, START_US + int(time_us), rule) for number, time_us in enumerate(times)]


def _record(random: np.random.Generator, number: int, time_us: int, rule: str) -> AuctionRecord:
    scenario = ("home", "search")[int(random.integers(2))]
    row = random.permutation(len(ADS))[: int(random.integers(1, len(ADS) + 1))].astype(np.int32)
    ctr = random.beta(2, 30, len(row)).astype(np.float32)
    owner = row % len(CAMPAIGNS)
    bid = np.array([CAMPAIGNS[n].bid_micros for n in owner], np.int64)
    per_click = np.array([CAMPAIGNS[n].billing == "click" for n in owner], np.bool_)
    ecpm = ecpms_of(ctr, bid, per_click)
    order = np.argsort(-ecpm, kind="stable")
    row, ctr, owner = row[order], ctr[order], owner[order]
    bid, per_click, ecpm = bid[order], per_click[order], ecpm[order]
    slots = SLOTS[scenario]
    lot = Lot(
        ctr=ctr, bid=bid, per_click=per_click, floor=np.full(slots, RESERVE, np.int64), factor=FACTORS[:slots],
        owner=owner,
    )  # fmt: skip
    award = METHODS[rule](lot)
    winners = tuple(
        Winner(
            bid_id=f"b{number}-{slot}", ad=int(row[ad]), slot=int(slot), creative=0, price_micros=int(price),
            billing="click" if per_click[ad] else "impression", ctr=float(ctr[ad]),
            slot_ctr=float(ctr[ad] * FACTORS[slot]), cvr=0.1,
        )
        for ad, slot, price in zip(award.ad, award.slot, award.price, strict=True)
    )  # fmt: skip
    nothing = np.zeros(len(row), "<f4").tobytes()
    ranked = Ranked(
        ad=row.astype("<i4").tobytes(), retrieval=nothing, preranking=nothing, ctr=ctr.astype("<f4").tobytes(),
        cvr=np.full(len(row), 0.1, "<f4").tobytes(), bid=bid.astype("<i8").tobytes(),
        ecpm=ecpm.astype("<i8").tobytes(),
    )  # fmt: skip
    seen: dict[str, Any] = {
        "device": ("phone", "desktop")[number % 2], "country": "DE", "page_category": CATEGORIES[number % 3],
        "query": "red shoes" if number % 4 == 0 else None, "history_ad": ["a1"],
    }  # fmt: skip
    user = None if number % 10 == 0 else f"u{int(random.integers(40))}"
    return AuctionRecord(
        id=f"r{number}", time_us=time_us, user=user, scenario=scenario, seen=seen, winners=winners, ranked=ranked
    )


def log_of(records: Sequence[AuctionRecord], weight: float = 1.0, *, of: Sequence[AuctionRecord] = ()) -> Log:
    """As it is read, each of its ads seen. of: the pages of which these are a sample."""
    offered = sum(len(record.winners) for record in records)
    window = of or records
    since_us, until_us = window[0].time_us, window[-1].time_us + 1
    sample = Sample(
        payloads=tuple(msgspec.msgpack.encode(record) for record in records), since_us=since_us, until_us=until_us,
        weight=weight, kinds={"auction": len(records), "impression": offered},
    )  # fmt: skip
    traffic = traffic_of(sample)
    owner = traffic.rows.astype(np.int64) % len(CAMPAIGNS)
    places = Places(
        campaign=owner,
        per_click=np.array([CAMPAIGNS[n].billing == "click" for n in owner], np.bool_),
        category=traffic.rows.astype(np.int64) % 3,
        campaigns=tuple(campaign.id for campaign in CAMPAIGNS),
        advertisers=tuple(campaign.advertiser for campaign in CAMPAIGNS),
        categories=CATEGORIES,
    )
    return Log(traffic, places)


def draft_of(number: int, **changes: Any) -> Draft:
    """A campaign of the market as it stands, or with changes."""
    campaign = CAMPAIGNS[number]
    return Draft(
        campaign=msgspec.structs.replace(campaign, **changes),
        advertiser=Advertiser(id=campaign.advertiser),
        ads=tuple(ad for ad in ADS if ad.campaign == campaign.id),
        before=campaign,
    )


def newcomer(number: int, **changes: Any) -> Draft:
    """The same under a name that the log does not know."""
    ads = tuple(msgspec.structs.replace(ad, id=f"n{ad.id}", campaign="new") for ad in draft_of(number).ads)
    return msgspec.structs.replace(draft_of(number, id="new", **changes), ads=ads, before=None)
