"""Laws of the campaign list: all pages together are the sought, filtered, sorted catalog, on every database."""

from itertools import product
from typing import get_args

import pytest

from adcascade.catalog import Advertiser, Campaign
from adcascade.catalog.audit import Author
from adcascade.catalog.campaign_list import Listed, Order, Wanted
from adcascade.catalog.nouns import Status
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError

ADVERTISERS = [Advertiser(id="V", name="Zoo"), Advertiser(id="W", name="älter"), Advertiser(id="X", name="100% Wool")]
STATUSES: tuple[Status, ...] = ("active", "paused", "ended", "active", "active", "paused", "active", "ended")
CAMPAIGNS = [
    Campaign(id=f"c{i}", advertiser="VWX"[i % 3], name=("Spring", "spring", "", "a_b")[i % 4], status=status)
    for i, status in enumerate(STATUSES * 2)
]
NAMES = {one.id: one.name for one in ADVERTISERS}
SOUGHT = (
    Wanted(),
    Wanted(words=("spring",)),
    Wanted(words=("SPRING", "zoo")),
    Wanted(words=("%",)),
    Wanted(words=("_",)),
    Wanted(words=("ÄLTER", "c1")),
    Wanted(status="active", sees=("V", "X")),
    Wanted(advertiser="W", sees=("V",)),
    Wanted(advertiser="W", status="paused"),
)


@pytest.fixture
def full(store: CatalogStore) -> CatalogStore:
    """All of the above, every second one written again."""
    store.put(ADVERTISERS, CAMPAIGNS, author=Author(time_us=1))
    for campaign in CAMPAIGNS[::2]:
        store.set_status("paused", campaigns=[campaign.id], author=Author(time_us=2))
        store.set_status(campaign.status, campaigns=[campaign.id], author=Author(time_us=3))
    return store


def walked(store: CatalogStore, wanted: Wanted, order: Order, *, down: bool, limit: int = 3) -> list[Listed]:
    """All pages."""
    page = store.list_campaigns(wanted, order, down=down, limit=limit)
    found = page.rows
    while page.after is not None:
        page = store.list_campaigns(wanted, order, down=down, after=page.after, limit=limit)
        assert 0 < len(page.rows) <= limit
        found = [*found, *page.rows]
    assert page.total == len(found)
    return found


def is_wanted(campaign: Campaign, wanted: Wanted) -> bool:
    """By the words of `Wanted`, one campaign at a time."""
    told = f"{campaign.id} {campaign.name} {campaign.advertiser} {NAMES[campaign.advertiser]}".casefold()
    if wanted.status not in {"", campaign.status} or wanted.advertiser not in {"", campaign.advertiser}:
        return False
    seen = not wanted.sees or campaign.advertiser in wanted.sees
    return seen and all(word.casefold() in told for word in wanted.words)


def test_pages_are_what_looking_at_each_one_finds(full: CatalogStore) -> None:
    """For every search, order and direction: the same campaigns, in the order of the column and then of the id."""
    version = {campaign.id: getattr(full.find("campaigns", campaign.id), "version", 0) for campaign in CAMPAIGNS}

    def place(campaign: Campaign, order: Order) -> tuple[object, bytes]:
        values = {
            "name": campaign.name.casefold().encode(), "id": campaign.id.encode(), "status": campaign.status,
            "advertiser": NAMES[campaign.advertiser].casefold().encode(), "changed": version[campaign.id],
        }  # fmt: skip
        return values[order], campaign.id.encode()

    for wanted, order, down in product(SOUGHT, get_args(Order), (False, True)):
        expected = [campaign for campaign in CAMPAIGNS if is_wanted(campaign, wanted)]
        expected.sort(key=lambda campaign: place(campaign, order), reverse=down)
        found = walked(full, wanted, order, down=down)
        assert [one.campaign for one in found] == expected
        assert all(one.advertiser.id == one.campaign.advertiser for one in found)
        assert all(one.version == version[one.campaign.id] for one in found)


def test_the_last_change_is_told_unless_many_came_at_once(full: CatalogStore) -> None:
    """The time of the last line of the log; an import of many writes one line for all, which is nobody's own."""
    full.put(campaigns=[Campaign(id="late", advertiser="V")], audit="summary")
    changed = {one.campaign.id: one.changed_us for one in walked(full, Wanted(), "id", down=False)}
    assert changed == {c.id: 3 if i % 2 == 0 else 1 for i, c in enumerate(CAMPAIGNS)} | {"late": None}


def test_what_is_written_between_two_pages_shifts_nothing(full: CatalogStore) -> None:
    """A campaign that comes before the place is not shown, and none behind it is left out or comes twice."""
    first = full.list_campaigns(Wanted(), "id", limit=5)
    full.put(campaigns=[Campaign(id="a", advertiser="V")])
    rest = full.list_campaigns(Wanted(), "id", after=first.after, limit=50)
    shown = [one.campaign.id for one in (*first.rows, *rest.rows)]
    assert shown == sorted(campaign.id for campaign in CAMPAIGNS)


@pytest.mark.parametrize(
    ("order", "place"), [("changed", ("x", "c1")), ("name", (7.0, "c1")), ("id", ("c1", "c\0")), ("id", ("\0", "c1"))]
)
def test_a_place_of_another_order_is_refused(full: CatalogStore, order: Order, place: tuple[str, str]) -> None:
    """And a text that no database holds, wherever it stands."""
    with pytest.raises(InputError, match="begin again"):
        full.list_campaigns(Wanted(), order, after=place)
    with pytest.raises(InputError, match="number 0"):
        full.list_campaigns(Wanted(words=("a\0",)))
