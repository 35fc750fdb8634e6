"""The law of shards: together they find what one engine finds."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.cascade.sharding.conftest import SIZES, Sharded, serving, still

from adcascade.cascade.answer import IncomingEvent
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.engine import Outcome
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.made_up import requests
from adcascade.contracts import AdRequest
from adcascade.conversion.stage import RATE_FILE, Rate
from adcascade.errors import ConfigurationError
from adcascade.settings import FILE, load_settings


def sold(service: AdService, request: AdRequest) -> Outcome:
    """The outcome of one request, as the HTTP shell asks for it."""
    answering = service._answering

    async def ask() -> Outcome:
        begun = answering.begin(request, service.loaded)
        return answering.finish(begun, await answering.ask(begun))[1]

    return asyncio.run(ask())


def same(one: Outcome, other: Outcome) -> None:
    """The same candidates in the same order with the same bids, and the same winners at the same prices."""
    for a, b in ((one.ranked, other.ranked), (one.winners, other.winners)):
        assert a.ad.tolist() == b.ad.tolist()
        assert a.slot.tolist() == b.slot.tolist()
        np.testing.assert_allclose(a.ctr, b.ctr, rtol=1e-5)
        np.testing.assert_allclose(a.cvr, b.cvr, rtol=1e-5)
        np.testing.assert_allclose(a.bid, b.bid, rtol=1e-5)
        np.testing.assert_allclose(a.price, b.price, rtol=1e-4)


class Pair:
    """One engine, and a front with shards, over the same shop."""

    def __init__(self, unlearned: Path, folder: Path, count: int) -> None:
        self.directory = folder / "shop"
        shutil.copytree(unlearned, self.directory)
        self.whole = serving(self.directory, still, "whole")
        self.sharded = Sharded(self.directory, count, still)

    def paced(self, alpha: float, closed: set[str]) -> None:
        """Every third campaign is held back in both, and some have no money."""
        for service in (self.whole, self.sharded.front):
            pacer, snapshot = service.parts.budgets.pacer, service.parts.snapshot
            factors = np.where(np.arange(len(snapshot.campaigns)) % 3 == 0, alpha, 1.0)
            pacer._pace = replace(pacer._pace, alpha=factors)  # type: ignore[union-attr]
            for number, campaign in enumerate(snapshot.campaigns):
                snapshot.set_serving(number, campaign.id not in closed)
            service.parts.closed.clear()
            service.parts.closed.update(closed)
            service.upkeep(still())

    def close(self) -> None:
        """Both."""
        self.whole.close()
        self.sharded.close()


@pytest.fixture(params=[1, 2, 3])
def pair(unlearned: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """With one, two and three shards."""
    made = Pair(unlearned, tmp_path, request.param)
    yield made
    made.close()


def test_shards_find_together_what_one_engine_finds(pair: Pair) -> None:
    """Searches, categories, unknown users, clicks that change profiles, pacing, spent campaigns: always the same.

    And with few words: a question is below a kilobyte, an answer 24 bytes an ad.
    """
    for number, request in enumerate(requests(SIZES, 45, seed=1)):
        if number in (15, 30):
            pair.paced(0.5 if number == 15 else 0.9, {"k1", "k2"} if number == 15 else {"k5"})
        one, other = pair.whole.decide(request)[1], sold(pair.sharded.front, request)
        same(one, other)
        assert not other.cuts
        assert len(other.winners) == len(request.slots)
        if number % 4 == 0:
            for service in (pair.whole, pair.sharded.front):
                click(service, request, one)
    asked, answered = np.array(pair.sharded.fan.bytes).T
    assert asked.max() < 1_000
    assert answered.max() < 24 * SIZES.retrieve + 100


def click(service: AdService, request: AdRequest, outcome: Outcome) -> None:
    """The user clicks the first winner, so the next request knows another user."""
    if request.user is None:
        return
    ad = service.parts.snapshot.ads[int(outcome.winners.ad[0])]
    assert ad is not None
    service.parts.memory.profiles.clicked(request.user, ad.id, ad.category)


def test_a_shard_that_is_away_costs_its_own_ads_only(unlearned: Path, tmp_path: Path) -> None:
    """What is left is what one engine finds among the others' ads; the trace names who was missing; all away: no ad."""
    pair = Pair(unlearned, tmp_path, 3)
    try:
        pair.sharded.fan.away = {2}
        for request in requests(SIZES, 10, seed=5):
            outcome = sold(pair.sharded.front, request)
            assert (outcome.ranked.ad % 3 != 1).all()
            assert outcome.cuts == ("shards: away: 2/3",)
            whole = pair.whole.decide(request)[1]
            mine = whole.ranked.ad[whole.ranked.ad % 3 != 1]
            assert [ad for ad in outcome.ranked.ad.tolist() if ad in set(mine.tolist())] == mine.tolist()
        pair.sharded.fan.away = {1, 2, 3}
        outcome = sold(pair.sharded.front, requests(SIZES, 1, seed=6)[0])
        assert (len(outcome.winners), outcome.why_empty) == (0, "retrieval-failed")
        assert pair.sharded.front.ready() == "no shard answers: shard 1 is away; shard 2 is away; shard 3 is away"
    finally:
        pair.close()


def test_narrow_shards_choose_no_worse(shop: Path) -> None:
    """Where retrieval narrows, the k-th best by pre-ranking of three shards is never below that of one engine."""
    told = (shop / FILE).read_text().replace("retrieve = 400", "retrieve = 60")
    (shop / FILE).write_text(told + "\n[sharding]\nslack = 1000.0\n")
    whole, sharded = serving(shop, still, "whole"), Sharded(shop, 3, still)
    try:
        for request in requests(SIZES, 20, seed=7):
            if request.query or request.category:
                continue
            one, other = whole.decide(request)[1], sold(sharded.front, request)
            worth = [next(s.left.score for s in o.steps if s.name == "preranking") for o in (one, other)]
            assert (worth[1] >= worth[0] * (1 - 1e-5)).all()
    finally:
        whole.close()
        sharded.close()


def test_changes_of_the_catalog_reach_all(unlearned: Path, tmp_path: Path) -> None:
    """New ads go to their shards, a paused campaign and removed ads are found by nobody: again as one engine does."""
    pair = Pair(unlearned, tmp_path, 3)
    with CatalogStore(load_settings(pair.directory).catalog_url) as store:
        first = next(ad for _, ad in store.ads())
        new = [msgspec.structs.replace(first, id=f"new{n}", product=f"new{n}", campaign=f"k{n}") for n in range(20)]
        paused = [msgspec.structs.replace(one, status="paused") for one in store.campaigns() if one.id in ("k3", "k4")]
        store.put(campaigns=paused, ads=new)
        store.remove_ads(["a5", "a6", "a7"])
    try:
        pair.whole.upkeep(still())
        pair.sharded.front.upkeep(still())
        for shard in pair.sharded.shards:
            shard.read_catalog()
            while shard.take_catalog(still()):
                pass
        there = {f"new{n}": [] if n in (3, 4) else [SIZES.ads + n] for n in range(20)} | {"p5": [], "p6": [], "p8": [8]}
        asked = requests(SIZES, len(there), seed=8)
        for request, (product, rows) in zip(asked, there.items(), strict=True):
            for one in (request, msgspec.structs.replace(request, id=product, products=(product,))):
                outcome = sold(pair.sharded.front, one)
                same(pair.whole.decide(one)[1], outcome)
            assert outcome.ranked.ad.tolist() == rows
    finally:
        pair.close()


def test_a_front_sells_only_what_its_own_catalog_admits(unlearned: Path, tmp_path: Path) -> None:
    """A campaign that is paused here and not yet at the shards wins nothing."""
    pair = Pair(unlearned, tmp_path, 2)
    try:
        asked = requests(SIZES, 10, seed=9)
        favourite = int(sold(pair.sharded.front, asked[0]).winners.ad[0])
        snapshot = pair.sharded.front.parts.snapshot
        snapshot.set_serving(int(snapshot.campaign[favourite]), False)
        for request in asked:
            ranked = sold(pair.sharded.front, msgspec.structs.replace(request, id=f"again {request.id}")).ranked.ad
            assert not (snapshot.campaign[ranked] == snapshot.campaign[favourite]).any()
    finally:
        pair.close()


def another(bundles: Bundles, cvr: float) -> str:
    """A copy of the current bundle with another rate of conversions, promoted."""
    current = bundles.current()
    assert current is not None
    manifest = bundles.manifest(current)

    def fill(folder: Path) -> None:
        shutil.copytree(
            bundles.path(current), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json")
        )
        rate = folder / "conversion" / RATE_FILE
        rate.unlink()
        rate.write_bytes(msgspec.json.encode(Rate(cvr=cvr)))

    made = bundles.write(
        fill, created_us=round(cvr * 1e12), schema=manifest.schema, methods=manifest.methods, metrics={}
    )
    bundles.promote(made.version)
    return made.version


def test_a_front_waits_for_its_shards_before_it_changes_bundles(shop: Path) -> None:
    """The front goes on with the old bundle, which shards keep beside the new one; scores of two bundles never meet."""
    sharded = Sharded(shop, 2, still)
    try:
        bundles = Bundles(load_settings(shop).bundles_path)
        old, new = bundles.current(), another(bundles, 0.1)
        first, second = sharded.shards
        asked = iter(requests(SIZES, 20, seed=10))

        def swapped(*who: object) -> str:
            for one in who:
                one.prepare()  # type: ignore[attr-defined]
                one.upkeep(still())  # type: ignore[attr-defined]
            outcome = sold(sharded.front, next(asked))
            assert not outcome.cuts
            return sharded.front.bundle_version

        assert swapped(sharded.front) == old
        assert swapped(first, sharded.front) == old
        assert first.versions == (new, old)
        assert swapped(second, sharded.front) == new
        bundles.promote(old)
        assert swapped(sharded.front) == old
        third = another(bundles, 0.2)
        first.prepare()
        first.upkeep(still())  # it has not heard that the old one serves again
        assert first.versions == (third, new)
        assert sold(sharded.front, next(asked)).cuts == ("shards: version: 1/2",)
    finally:
        sharded.close()


def test_arms_that_shards_cannot_serve_are_refused(shop: Path) -> None:
    """An arm with other widths or another bundle is told why; an arm of the auction is loaded."""
    sharded = Sharded(shop, 1, still)
    try:
        load, version = sharded.front.parts.splits.load, sharded.front.bundle_version  # type: ignore[union-attr]
        assert load(version, {"auction.reserve_micros": "5"}).version == version
        with pytest.raises(ConfigurationError, match="shards' affair"):
            load(version, {"engine.prerank": "5"})
        with pytest.raises(ConfigurationError, match="shards hold the promoted one"):
            load("20200101T000000-00000000", {})
    finally:
        sharded.close()


def test_what_a_front_sold_is_charged_once(shop: Path) -> None:
    """Events of a front's winners are taken and charged as any other's."""
    sharded = Sharded(shop, 2, still)
    try:

        async def life() -> list[str]:
            answer = await sharded.front.fill(requests(SIZES, 2, seed=11)[1])
            events = [
                IncomingEvent(id="", kind=kind, token=served.token, time_us=still())
                for served in answer.winners
                for kind in ("impression", "click", "click")
            ]
            return [receipt.status for receipt in await sharded.front.accept(events)]

        assert asyncio.run(life()) == ["accepted", "accepted", "duplicate"] * 2
    finally:
        sharded.close()
