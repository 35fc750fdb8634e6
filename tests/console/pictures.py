"""Pictures of the console for the documentation, of a real server in a simulated market: `make pictures`.

python -m tests.console.pictures [FOLDER]      FOLDER: docs/images

A small market is lived through, trained and retrained, as `adcascade demo` does it; then shoppers visit its server.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.closedloop.conftest import SMALL, quiet
from tests.console.chromium import Person, chromium
from tests.console.installation import SPLIT, key_of, split
from tests.server.process import SERVE, Process

from adcascade.catalog.pages import Filters
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.laboratory import Laboratory
from adcascade.closedloop.live import Shoppers
from adcascade.closedloop.market_order import Order
from adcascade.closedloop.market_run import run_market
from adcascade.closedloop.world import load_world
from adcascade.events.journal import Journal
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
LIVED_S = 100.0  # so long the charts are when they are drawn
PER_SECOND = 20.0
WIDE, TALL = 1360, 1080
PAGES = {  # name -> path, as an administrator sees it; of the campaign that spent most, its ad, the market's day
    "overview": "/?span=5m",
    "campaigns": "/campaigns",
    "campaign": "/campaigns/{campaign}",
    "campaign-form": "/campaign-edit/{campaign}",
    "campaign-forecast": "/campaign-forecast-of/{campaign}",
    "cascade": "/cascade",
    "cascade-ad": "/cascade/ad?ad={ad}&period=hour",
    "reports": "/reports?by=scenario&grain=hour&days=1&until=2026-01-01",
    "models": "/models",
    "experiment": f"/experiments/{SPLIT}",
    "market": "/market/usual",
    "access": "/access",
    "ledger": "/ledger",
}


def main(folder: Path, lived_s: float = LIVED_S) -> None:
    """Every page by day; the first one by night and on a phone too."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        shop = Path(made) / "shop"
        Laboratory(shop, SMALL, lambda stage, done, total: None, quiet).run()
        settings, process = load_settings(shop), Process(shop, SERVE)
        run_market(settings.market_runs_path / "usual", Order(cascade=True))
        process.start()
        with CatalogStore(settings.catalog_url) as catalog:
            shoppers = Shoppers(load_world(shop), "127.0.0.1", process.port, catalog.find_ad, PER_SECOND)
            split(shop)
            thread = shoppers.start()
            try:
                time.sleep(lived_s)
                with chromium(Path(made) / "profile") as driver:
                    taken(Person(driver, f"http://127.0.0.1:{process.port}"), folder, shop, named(shop, catalog))
            finally:
                shoppers.stop.set()
                thread.join()
                process.kill()


def named(shop: Path, catalog: CatalogStore) -> dict[str, str]:
    """What the paths name."""
    with Journal(load_settings(shop).journal_path) as journal:
        spent = Ledger(journal).spent_today(time.time_ns() // 1000)
    campaign = max(spent, key=spent.__getitem__)
    ads = catalog.page("ads", filters=Filters(campaign=campaign), limit=1)
    return {"campaign": campaign, "ad": ads.nouns[0].noun.id}


def taken(person: Person, folder: Path, installation: Path, names: dict[str, str]) -> None:
    """Walk through the pages."""
    person.window(WIDE, TALL)
    person.go("/sign-in")
    person.picture(folder / "console-sign-in.png")
    person.sign_in(key_of(installation, "administrator"))
    for name, path in PAGES.items():
        person.go(path.format(**names))
        person.picture(folder / f"console-{name}.png")
    person.window(WIDE, TALL, dark=True)
    person.go("/")
    person.picture(folder / "console-overview-dark.png")
    person.window(390, 844, scale=2)
    person.go("/")
    person.picture(folder / "console-overview-phone.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
