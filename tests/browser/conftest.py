"""A real Chromium, a page with the real Prebid.js, an advertiser's site, and `adcascade serve` between them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from tests.browser.site import Site
from tests.closedloop.conftest import Lab, lab
from tests.console.chromium import absent, needed
from tests.server.process import SERVE, Process

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.events.journal import Journal
from adcascade.settings import load_settings

__all__ = ["lab"]  # the fixture of a market that was lived through and trained

HERE = Path(__file__).parent
CALM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=900,900",
)  # fmt: skip
BILLING = {"seen": "impression", "watched": "impression", "clicked": "click"}  # campaign -> what it pays for
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="600" height="600">'
    '<rect width="100" height="100" fill="{colour}"/><circle cx="50" cy="50" r="30" fill="white"/></svg>'
)
COLOURS = {"seen": "#c33", "watched": "#393", "clicked": "#36c"}


@pytest.fixture(scope="session")
def prebid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The script of a publisher's page: Prebid.js from its npm package, bundled with our adapter."""
    node = needed("node")
    if not (HERE / "node_modules").is_dir():
        absent("Prebid.js is absent: run `npm ci` in tests/browser")
    script = tmp_path_factory.mktemp("prebid") / "prebid.js"
    subprocess.run([node, HERE / "bundle.mjs", script], check=True, cwd=HERE)
    return script.read_bytes()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A headless browser with a fresh profile."""
    options = ChromeOptions()
    options.binary_location = needed("chromium")
    for flag in (*CALM, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = Chrome(options, ChromeService(needed("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def publisher(prebid: bytes) -> Iterator[Site]:
    """The site whose page sells its places by Prebid.js."""
    page = (HERE / "page.html").read_bytes()
    with Site({"/": ("text/html", page), "/prebid.js": ("text/javascript", prebid)}) as site:
        yield site


@pytest.fixture
def advertiser() -> Iterator[Site]:
    """The site with the pictures and the pages that ads lead to."""
    pictures = {f"/{name}.svg": ("image/svg+xml", PICTURE.format(colour=COLOURS[name]).encode()) for name in BILLING}
    pages = {f"/{name}": ("text/html", f"<title>{name}</title>Welcome".encode()) for name in BILLING}
    with Site(pictures | pages) as site:
        yield site


class Installation(NamedTuple):
    """A working directory, and the server over it."""

    folder: Path
    process: Process
    lived: int  # last record of the log before the test

    @property
    def bid_url(self) -> str:
        """Where Prebid.js asks."""
        return f"http://127.0.0.1:{self.process.port}/openrtb2/bid"


@pytest.fixture
def installation(
    lab: Lab, tmp_path: Path, publisher: Site, advertiser: Site, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """The server over a trained installation where three campaigns of ours run alone, open to the publisher's page."""
    folder = tmp_path / "installation"
    shutil.copytree(lab.directory, folder)
    with CatalogStore(load_settings(folder).catalog_url) as store:
        store.put(campaigns=[msgspec.structs.replace(each, status="paused") for each in store.campaigns()])
        store.put([Advertiser(id="shop", name="The Shop", domain="shop.example")], campaigns(), ads(advertiser.origin))
    monkeypatch.setenv("ADCASCADE_SERVER__ORIGINS", json.dumps([publisher.origin]))
    monkeypatch.setenv("ADCASCADE_ENGINE__EXPLORATION", "0")
    with Journal(folder / "journal.db") as journal:
        lived = max(seq for seq, _ in journal.read())
    process = Process(folder, SERVE)
    process.start()
    yield Installation(folder, process, lived)
    if process.child is not None and process.child.poll() is None:
        process.kill()


def campaigns() -> list[Campaign]:
    """Two that pay for what was seen, one that pays for clicks; each with a budget."""
    return [
        Campaign(
            id=name,
            advertiser="shop",
            billing="click" if billing == "click" else "impression",
            bid_micros=2_000_000 if billing == "click" else 9_000,
            daily_budget_micros=50_000_000,
        )
        for name, billing in BILLING.items()
    ]


def ads(origin: str) -> list[Ad]:
    """One ad a campaign, with a look for every place of the page."""
    return [
        Ad(
            id=f"ad-{name}", campaign=name, product=name, title=f"Lovely {name}", url=f"{origin}/{name}?from=ad",
            creatives=tuple(look(name, origin, size) for size in ((300, 250), (728, 90), (0, 0))),
        )
        for name in BILLING
    ]  # fmt: skip


def look(name: str, origin: str, size: tuple[int, int]) -> Creative:
    """A banner of the size; without one, parts for a native place."""
    width, height = size
    image = f"{origin}/{name}.svg"
    if not width:
        return Creative(id=f"{name}-native", format="native", title=f"{name} for you", image_url=image)
    return Creative(id=f"{name}-{width}", format="banner", title=name, image_url=image, width=width, height=height)
