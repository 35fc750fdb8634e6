"""Laws of grown installations: as many as asked for, each copy at home with a copy of its campaign."""

from pathlib import Path

import pytest

from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.grown import COPY, Growth, grow_catalog, overlaid, requests_after
from adcascade.closedloop.installation import install
from adcascade.closedloop.world import World
from adcascade.errors import InputError
from adcascade.settings import load_settings

GROWTH = Growth(ads=6_000, campaigns=900)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market's catalog, grown; nothing is trained."""
    folder = tmp_path_factory.mktemp("grown") / "shop"
    install(folder, World(seed=0, views_per_tick=1.0, tick=0).market(), 0)
    grow_catalog(folder, GROWTH)
    return folder


def test_a_catalog_grows_to_the_size_asked_for(installed: Path) -> None:
    """So many ads and campaigns; copies keep category and brand, belong to a copy of their campaign, and can serve."""
    with CatalogStore(load_settings(installed).catalog_url) as store:
        snapshot = Snapshot.from_store(store)
    assert (snapshot.n, len(snapshot.campaigns)) == (GROWTH.ads, GROWTH.campaigns)
    originals = {ad.id: ad for ad in snapshot.ads if ad is not None and COPY not in ad.id}
    copies = [ad for ad in snapshot.ads if ad is not None and COPY in ad.id]
    for copy in copies:
        original = originals[copy.id.partition(COPY)[0]]
        assert (copy.category, copy.brand, copy.title) == (original.category, original.brand, original.title)
        assert {look.format for look in copy.creatives} == {"product", "banner"}
    at_home = sum(ad.campaign.partition(COPY)[0] == originals[ad.id.partition(COPY)[0]].campaign for ad in copies)
    assert at_home == len(copies)
    [request] = requests_after(GROWTH, 1)
    assert snapshot.eligible(request, request.time_us).any()


def test_an_overlay_leaves_the_log_below_it_alone(installed: Path, tmp_path: Path) -> None:
    """Catalog and bundles are shared, adcascade.toml and the log are its own."""
    log = load_settings(installed).journal_path
    log.write_bytes(b"as it was")
    upper = load_settings(overlaid(installed, tmp_path))
    upper.journal_path.write_bytes(b"gone on")
    assert log.read_bytes() == b"as it was"
    assert (tmp_path / "catalog.db").resolve() == (installed / "catalog.db").resolve()
    log.unlink()


def test_requests_come_from_all_kinds_of_shoppers() -> None:
    """The same requests each time; with and without consent, query and category."""
    requests = requests_after(GROWTH, 300)
    assert requests == requests_after(GROWTH, 300)
    assert {request.user is None for request in requests} == {True, False}
    assert all(request.segments and request.blocked_categories for request in requests)


def test_a_catalog_that_cannot_be_is_refused() -> None:
    """More campaigns than ads."""
    with pytest.raises(InputError, match="campaigns"):
        Growth(ads=3, campaigns=4)
