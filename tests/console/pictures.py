"""Pictures of the console for the documentation, of a real server with visitors: `make pictures`.

python -m tests.console.pictures [FOLDER]      FOLDER: docs/images
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.console.chromium import Person, chromium
from tests.console.installation import SPLIT, Visitors, installed, key_of, split

from adcascade.closedloop.market_order import Order
from adcascade.closedloop.market_run import run_market
from adcascade.settings import load_settings

FOLDER = Path(__file__).parent.parent.parent / "docs" / "images"
LIVED_S = 100.0  # so long the charts are when they are drawn
WIDE, TALL = 1360, 1080
PAGES = {  # name -> path, as an administrator sees it
    "overview": "/?span=5m",
    "campaigns": "/campaigns",
    "campaign": "/campaigns/k0",
    "campaign-form": "/campaign-edit/k0",
    "campaign-forecast": "/campaign-forecast-of/k0",
    "cascade": "/cascade",
    "cascade-ad": "/cascade/ad?ad=a264&period=hour",
    "reports": "/reports?grain=hour&days=1&by=scenario&compare=before",
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
        process = installed(Path(made) / "shop")
        run_market(load_settings(process.folder).market_runs_path / "usual", Order(cascade=True))
        visitors = Visitors(process)
        try:
            split(process.folder)
            visitors.start()
            time.sleep(lived_s)
            with chromium(Path(made) / "profile") as driver:
                taken(Person(driver, f"http://127.0.0.1:{process.port}"), folder, process.folder)
        finally:
            visitors.stop.set()
            visitors.join()
            process.kill()


def taken(person: Person, folder: Path, installation: Path) -> None:
    """Walk through the pages."""
    person.window(WIDE, TALL)
    person.go("/sign-in")
    person.picture(folder / "console-sign-in.png")
    person.sign_in(key_of(installation, "administrator"))
    for name, path in PAGES.items():
        person.go(path)
        person.picture(folder / f"console-{name}.png")
    person.window(WIDE, TALL, dark=True)
    person.go("/")
    person.picture(folder / "console-overview-dark.png")
    person.window(390, 844, scale=2)
    person.go("/")
    person.picture(folder / "console-overview-phone.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
