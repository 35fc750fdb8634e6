"""Equal shops with two bundles, services over them, and requests that come in their order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import msgspec
import pytest

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.made_up import WHEN_US, Sizes
from adcascade.closedloop.unlearned import make_unlearned, write_unlearned
from adcascade.contracts import AdRequest, Slot
from adcascade.settings import FILE, load_settings, signing_key

SIZES = Sizes(ads=300, campaigns=30, retrieve=100, prerank=30, timeout_ms=20_000.0)
SLOTS = (Slot(id="1"), Slot(id="2"), Slot(id="3"))
Copied = Callable[[str], Path]
Open = Callable[[Path], AdService]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 300 ads, paid by click, and two bundles, of which the older serves; a fifth of requests is explored."""
    folder = tmp_path_factory.mktemp("made") / "shop"
    older = make_unlearned(folder, SIZES)
    write_unlearned(folder, replace(SIZES, seed=SIZES.seed + 1))
    Bundles(folder / "bundles").promote(older.version)
    settings = (folder / FILE).read_text()
    (folder / FILE).write_text(settings.replace("exploration = 0\n", "exploration = 0.2\n"))
    signing_key(folder)
    with CatalogStore(load_settings(folder).catalog_url) as store:
        campaigns = store.changes(0).campaigns
        store.put([], [msgspec.structs.replace(one, billing="click") for one in campaigns])
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Copied:
    """copied(name) -> the folder of such a shop."""
    return lambda name: Path(copytree(made, tmp_path / name))


@pytest.fixture
def opened() -> Iterator[Open]:
    """opened(folder) -> a service at one time, which gives requests the ids that they have."""
    services: list[AdService] = []

    def begin(folder: Path) -> AdService:
        around = Surroundings(clock_us=lambda: WHEN_US, new_id=lambda request: request.id, wait=True)
        services.append(open_service(folder, around))
        return services[-1]

    yield begin
    for one in services:
        one.close()


def request(number: int) -> AdRequest:
    """One of many, of seven users."""
    return AdRequest(
        id=f"r{number}", time_us=WHEN_US + number * 1_000_000, slots=SLOTS, user=f"u{number % 7}",
        scenario=("search", "home")[number % 2], timeout_us=20_000_000,
    )  # fmt: skip
