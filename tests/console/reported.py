"""An installation whose log is that of the reports' world: what tests of the page of reports look at."""

from pathlib import Path

from tests.reports.world import NAMES, Shop, charges_of, records_of

from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.settings import Settings

TOLD = [(what, which, 7) for which in range(9) for what in (0, 1, 2, 4, 5, 3)]


def installed_world(folder: Path) -> Settings:
    """A new installation in the folder, with the log that TOLD tells and the catalog of its ads."""
    found = Settings(directory=folder)
    found.directory.mkdir()
    records = records_of(TOLD)
    with Shop(found.directory) as world:
        world.write(records, charges_of(records))
    (found.directory / "log.db").rename(found.journal_path)
    with CatalogStore(found.catalog_url) as catalog:
        catalog.put(
            [Advertiser(id="v0"), Advertiser(id="v1")],
            [Campaign(id="c0", advertiser="v0"), Campaign(id="c1", advertiser="v1")],
            [Ad(id=name.ad, campaign=name.campaign) for name in NAMES],
        )
    return found
