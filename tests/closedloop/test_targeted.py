"""Laws of the targeted catalog: of the size asked for, the same again, and targeted."""

from collections.abc import Iterator
from pathlib import Path

from adcascade.catalog.nouns import Ad, Campaign, Targeting
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.targeted import stock


def stocked(file: Path) -> tuple[list[Campaign], list[Ad]]:
    """Campaigns and ads of a new catalog in a file."""
    with CatalogStore(f"sqlite:///{file}") as store:
        stock(store, 300, 80)
        ads: Iterator[Ad] = (ad for _, ad in store.ads())
        return list(store.campaigns()), list(ads)


def test_a_catalog_is_as_large_as_asked_for_and_targeted(tmp_path: Path) -> None:
    """Two of the same size are equal; most campaigns target something, few the same."""
    campaigns, ads = stocked(tmp_path / "one.db")
    assert (len(campaigns), len(ads)) == (80, 300)
    assert (campaigns, ads) == stocked(tmp_path / "other.db")
    targeted = [campaign.targeting for campaign in campaigns if campaign.targeting != Targeting()]
    assert len(targeted) > 40
    assert all(targeted.count(one) <= 4 for one in targeted)
