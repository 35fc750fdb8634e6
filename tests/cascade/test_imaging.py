"""Laws of a bundle's image: made once for all processes, of one state of the catalog; without it a server goes on."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.cascade.build import COLD
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.imaging import BundleImages
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.catalog import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Opportunity, Slot
from adcascade.features import Encoder
from adcascade.settings import FILE

WHEN = 1_790_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation without a bundle whose forty ads are enough for images."""
    (tmp_path / FILE).write_text("[storage]\nimages_from = 10\n")
    with CatalogStore(f"sqlite:///{tmp_path}/catalog.db") as store:
        store.put(
            advertisers=[Advertiser(id="V")],
            campaigns=[Campaign(id="C", advertiser="V", bid_micros=5)],
            ads=[Ad(id=f"a{i}", campaign="C", category=f"t{i % 3}", title=f"thing {i}") for i in range(40)],
        )
    return tmp_path


def asked(query: str) -> Opportunity:
    """A search."""
    request = AdRequest(id="r", time_us=WHEN, slots=(Slot(id="s"),), query=query, category="t1")
    features = Encoder.fit((), ()).encode_one({})
    return Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))


def test_servers_share_images_and_follow_the_catalog(folder: Path) -> None:
    """The first start makes both images, later ones map them, and what changed since is found."""
    told: list[str] = []
    open_service(folder, Surroundings(tell=told.append)).close()
    assert [line.partition(";")[0].rsplit("/", 1)[-1] for line in told] == ["catalog.image", f"bundle-{COLD}.image"]
    made = {file.name: file.stat().st_ino for file in (folder / "images").glob("*.image")}
    with CatalogStore(f"sqlite:///{folder}/catalog.db") as store:
        store.put(ads=[Ad(id="a5", campaign="C", title="lamp"), Ad(id="new", campaign="C", title="lamp")])
    service = open_service(folder, Surroundings(tell=told.append))
    try:
        assert len(told) == 2
        assert {file.name: file.stat().st_ino for file in (folder / "images").glob("*.image")} == made
        (fit,) = service.loaded.listeners
        found = fit(asked("lamp"), np.full(6, 255, np.uint8))  # type: ignore[operator]  # PageFit is called
        assert set(found.tolist()) == {5, 40} | {row for row in range(40) if row % 3 == 1}
    finally:
        service.close()


def test_an_image_of_another_state_is_not_used(folder: Path) -> None:
    """A server whose catalog image is no more there encodes in its own memory, and says so."""
    open_service(folder, Surroundings()).close()
    told: list[str] = []
    url = f"sqlite:///{folder}/catalog.db"
    images = BundleImages(folder / "images", url, Bundles(folder / "bundles"), "7-other", told.append)
    assert images.of(COLD) is None
    assert "was made of another state of the catalog" in told[0]
    assert "is another by now" in told[1]
    assert "in memory of its own" in told[1]
