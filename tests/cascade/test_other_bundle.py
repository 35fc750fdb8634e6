"""Asked of the bundle that answered, the log is what comes out; another bundle says what it would say when serving."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.opportunity import as_seen
from adcascade.cascade.other_bundle import OtherBundle, OtherBundles
from adcascade.cascade.resold import auction_of, candidates_of, resold
from adcascade.cascade.service import AdService
from adcascade.cascade.under_other import UnderOther, judged_by, under_other
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.made_up import WHEN_US, Sizes, requests
from adcascade.closedloop.unlearned import make_unlearned, write_unlearned
from adcascade.contracts import AdRequest
from adcascade.errors import BundleError
from adcascade.events.records import AuctionRecord
from adcascade.settings import load_settings

SIZES = Sizes(ads=200, campaigns=20, retrieve=80, prerank=20, timeout_ms=20_000.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AdService, Bundles, str, str]]:
    """A service, its shelf, the version that serves, and another one of the same width."""
    directory: Path = tmp_path_factory.mktemp("others") / "shop"
    serving = make_unlearned(directory, SIZES).version
    bundles = Bundles(directory / "bundles")
    other = write_unlearned(directory, replace(SIZES, seed=1)).version
    bundles.promote(serving)
    with CatalogStore(load_settings(directory).catalog_url) as store:  # impressions would be worth the same to both
        store.put([], [msgspec.structs.replace(campaign, billing="click") for campaign in store.campaigns()])
    service = open_service(directory, Surroundings(clock_us=lambda: WHEN_US, wait=True, owner="others"))
    yield service, bundles, serving, other
    service.close()


@pytest.fixture(scope="module")
def records(shop: tuple[AdService, Bundles, str, str]) -> list[AuctionRecord]:
    """Answered by the one that serves."""
    service = shop[0]
    for request in requests(SIZES, 10, slots=3):
        service.auction(request)
    service.parts.journal.flush()
    return [one for _, one in service.parts.journal.read(kinds=("auction",)) if isinstance(one, AuctionRecord)]


def under(shop: tuple[AdService, Bundles, str, str], record: AuctionRecord, version: str) -> UnderOther:
    """As the service tells it."""
    told = asyncio.run(shop[0].under_other(record, version, shop[1]))
    assert told is not None
    return told


def test_the_bundle_that_answered_says_what_the_log_says(
    shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]
) -> None:
    """Probabilities to float32, and so every eCPM, place, winner and price; the live factor of the log included."""
    for record in records:
        assert record.ranked is not None
        lowered = msgspec.structs.replace(
            record,
            live_factor=0.5,
            ranked=msgspec.structs.replace(record.ranked, ctr=(candidates_of(record.ranked).ctr / 2).tobytes()),
        )
        for one in (record, lowered):
            told = under(shop, one, shop[2])
            assert told.other.sold == told.logged.sold
            assert told.other.revenue_micros == told.logged.revenue_micros
            assert told.missing == ()
            for ad in told.ads:
                assert ad.other.ctr == pytest.approx(ad.logged.ctr, rel=1e-6)
                assert ad.other.bid_micros == ad.logged.bid_micros
        as_it_was = under(shop, record, shop[2])
        assert as_it_was.logged.sold == resold(record, shop[0].loaded).winners
        assert [ad.logged.place for ad in as_it_was.ads] == list(range(1, len(as_it_was.ads) + 1))


def test_another_bundle_says_what_it_would_when_serving(
    shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]
) -> None:
    """The twin: its whole engine over the whole catalog, asked for these candidates. It differs from the log."""
    service, bundles, _, other = shop
    assert service.parts.bundles is not None
    whole, small = service.parts.bundles.load(other), OtherBundle.open(bundles, other)
    snapshot, differs = service.parts.snapshot, 0
    for record in records:
        assert record.ranked is not None
        rows = candidates_of(record.ranked).ad
        request = AdRequest(id=record.id, time_us=record.time_us, slots=(), scenario=record.scenario)
        opportunity = as_seen(service.opportunity(request), record.seen, whole.encoder)
        candidates = candidates_of(record.ranked)
        for stage in whole.reference[:3]:  # ranking, conversion, calibration
            candidates = stage(opportunity, candidates)
        expected = dict(zip(candidates.ad.tolist(), candidates.ctr.tolist(), strict=True))
        said = small.judge(record, rows, snapshot, 1.0)
        assert said.ad.tolist() == rows.tolist()
        assert said.ctr.tolist() == [expected[row] for row in rows.tolist()]
        told = under(shop, record, other)
        differs += told.other.sold != told.logged.sold
        assert [ad.other.place for ad in told.ads] == list(range(1, len(told.ads) + 1))
        assert {ad.ad for ad in told.ads} == {snapshot.ad_ids[row] for row in rows}
    assert differs > 0


def test_bids_that_follow_from_goals_move_with_what_is_said(
    shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]
) -> None:
    """Of a campaign that pays for conversions by the impression, half the clicks are half the bid; others stay."""
    service, bundles, serving, _ = shop
    snapshot, record = service.parts.snapshot, records[0]
    assert record.ranked is not None
    logged = candidates_of(record.ranked)
    by_view = logged.ad[::2]
    snapshot.target[by_view], snapshot.billing_click[by_view] = 500_000_000, False
    try:
        said = judged_by(OtherBundle.open(bundles, serving), record, logged, snapshot, record.live_factor / 2)
    finally:
        snapshot.target[by_view], snapshot.billing_click[by_view] = -1, True
    halved = np.isin(logged.ad, by_view)
    assert said.bid[halved] == pytest.approx(logged.bid[halved] / 2, rel=1e-3, abs=1)
    assert (said.bid[~halved] == logged.bid[~halved]).all()


def test_what_is_gone_is_left_out(shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]) -> None:
    """Counted; and without candidates there is nothing to compare."""
    service, bundles, serving, _ = shop
    bundle, stage = OtherBundle.open(bundles, serving), auction_of(service.loaded)
    ranked = records[0].ranked
    assert ranked is not None
    rows = candidates_of(ranked).ad.copy()
    rows[0] = 10**6
    moved = msgspec.structs.replace(records[0], ranked=msgspec.structs.replace(ranked, ad=rows.tobytes()))
    told = under_other(moved, bundle, service.parts.snapshot, stage, 1.0)
    assert told is not None
    assert (told.gone, len(told.ads)) == (1, len(rows) - 1)
    for nothing in (None, msgspec.structs.replace(ranked, ad=np.full(len(rows), 10**6, "<i4").tobytes())):
        bare = msgspec.structs.replace(records[0], ranked=nothing)
        assert under_other(bare, bundle, service.parts.snapshot, stage, 1.0) is None


def test_what_the_log_lacks_is_named(shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]) -> None:
    """A column that the bundle reads of a request and that was not kept."""
    seen = {name: value for name, value in records[0].seen.items() if name not in {"device", "query"}}
    bundle = OtherBundle.open(shop[1], shop[2])
    assert bundle.missing(msgspec.structs.replace(records[0], seen=seen)) == ("device", "query")


def test_one_is_open_at_most_and_not_for_long(shop: tuple[AdService, Bundles, str, str]) -> None:
    """Asked again it is at hand; the next one takes its place; later none is."""
    _, bundles, serving, other = shop
    loads: list[str] = []

    def load(version: str) -> OtherBundle:
        loads.append(version)
        return OtherBundle.open(bundles, version)

    async def story() -> OtherBundles:
        others = OtherBundles(after_s=0.05)
        await asyncio.gather(*(others.get(lambda: load(serving), serving) for _ in range(3)))
        assert (await others.get(lambda: load(other), other)).version == other
        assert others.opened is not None
        assert others.opened.version == other
        for _ in range(200):
            await asyncio.sleep(0.01)
            if others.opened is None:
                break
        return others

    assert asyncio.run(story()).opened is None
    assert loads == [serving, other]


def test_a_damaged_bundle_is_refused(shop: tuple[AdService, Bundles, str, str], records: list[AuctionRecord]) -> None:
    """One that is not there, or whose model was changed; and then another one can be asked."""
    service, bundles, _, other = shop
    with pytest.raises(BundleError, match="there is no bundle"):
        asyncio.run(service.under_other(records[0], "20250101T000000-00000000", bundles))
    file = bundles.path(other) / "ranking" / "score.onnx"
    whole = file.read_bytes()
    file.chmod(0o644)
    try:
        file.write_bytes(whole[:-1])
        with pytest.raises(BundleError, match="was changed"):
            asyncio.run(service.under_other(records[0], other, bundles))
    finally:
        file.write_bytes(whole)
    assert under(shop, records[0], other).version == other
