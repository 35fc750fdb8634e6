"""Laws of pages: all pages together are the filtered, sorted catalog, each noun once, on every database."""

from collections.abc import Callable, Iterator

import pytest

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.kinds import Noun, name_of
from adcascade.catalog.pages import Filters, Sort, Stored
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError

ADVERTISERS = [Advertiser(id=i, name=name) for i, name in (("V", "Zoo"), ("W", "älter"), ("X", ""))]
CAMPAIGNS = [
    Campaign(id=f"c{i}", advertiser="VWV"[i % 3], name=f"Name {i % 4}", status="paused" if i % 2 else "active")
    for i in range(12)
]
GROUPS = [AdGroup(id=f"G{i}", campaign=f"c{i % 2}") for i in range(4)]
ADS = [
    Ad(id=name, campaign=f"c{i % 3}", ad_group=f"G{i % 3}" if i % 3 < 2 else "", title=f"{name} 100% Wool")
    for i, name in enumerate(("a", "B", "b", "é", "_", "z%", "aa"))
]


@pytest.fixture
def full(store: CatalogStore) -> CatalogStore:
    """All of the above in three writes, and an ad that was removed."""
    store.put(ADVERTISERS, CAMPAIGNS[:6])
    store.put(campaigns=CAMPAIGNS[6:], ad_groups=GROUPS)
    store.put(ads=[*ADS, Ad(id="gone", campaign="c0")])
    store.remove_ads(["gone"])
    return store


def walked(store: CatalogStore, *arguments: object, **options: object) -> Iterator[Stored]:
    """All pages of two."""
    after = ""
    while True:
        page = store.page(*arguments, **options, after=after, limit=2)  # type: ignore[arg-type]
        assert len(page.nouns) <= 2
        yield from page.nouns
        after = page.next
        if not after:
            return


def ids(nouns: Iterator[Stored]) -> list[str]:
    """Their ids."""
    return [stored.noun.id for stored in nouns]


def test_pages_by_id_are_the_catalog(full: CatalogStore) -> None:
    """Every kind, byte by byte in order; removed ads are in no page."""
    assert ids(walked(full, "advertisers")) == ["V", "W", "X"]
    assert ids(walked(full, "campaigns")) == sorted(c.id for c in CAMPAIGNS)
    assert ids(walked(full, "ad_groups")) == [g.id for g in GROUPS]
    assert ids(walked(full, "ads")) == sorted((ad.id for ad in ADS), key=str.encode)


@pytest.mark.parametrize("sort", ["name", "changed"])
def test_other_orders(full: CatalogStore, sort: Sort) -> None:
    """By the folded name, then the id; or the last change first."""
    found = list(walked(full, "campaigns", sort=sort))
    key: dict[str, Callable[[Stored], tuple[object, str]]] = {
        "name": lambda stored: (name_of(stored.noun).casefold(), stored.noun.id),
        "changed": lambda stored: (stored.version, stored.noun.id),
    }
    assert len(found) == len(CAMPAIGNS)
    assert found == sorted(found, key=key[sort], reverse=sort == "changed")


def of(noun: Noun, filters: Filters) -> bool:
    """The filter, noun by noun."""
    campaign = next((c for c in CAMPAIGNS if c.id == getattr(noun, "campaign", noun.id)), None)
    asked = {
        filters.advertiser: campaign.advertiser if campaign else "",
        filters.campaign: getattr(noun, "campaign", ""),
        filters.ad_group: getattr(noun, "ad_group", ""),
        filters.status: getattr(noun, "status", ""),
    }
    told = all(not wanted or wanted == has for wanted, has in asked.items())
    return told and filters.text.casefold() in f"{noun.id} {name_of(noun)}".casefold()


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(advertiser="W"),
        Filters(campaign="c1"),
        Filters(campaign="c1", ad_group="G1", status="active"),
        Filters(status="paused"),
        Filters(text="É"),
        Filters(text="00% w"),
        Filters(text="%"),
        Filters(text="_"),
        Filters(advertiser="V", text="B"),
    ],
)
def test_filters_are_those_noun_by_noun(full: CatalogStore, filters: Filters) -> None:
    """Whatever is asked, in every order; signs of a pattern are letters; the total counts all pages."""
    expected = sorted((ad.id for ad in ADS if of(ad, filters)), key=str.encode)
    assert ids(walked(full, "ads", filters=filters)) == expected
    for sort in ("name", "changed"):
        assert sorted(ids(walked(full, "ads", filters=filters, sort=sort)), key=str.encode) == expected
    assert full.page("ads", filters=filters, limit=1, count=True).total == len(expected)


def test_what_is_written_meanwhile_moves_nothing(full: CatalogStore) -> None:
    """A noun put before the cursor does not come, and no noun comes twice or is left out."""
    first = full.page("campaigns", limit=4)
    full.put(campaigns=[Campaign(id="a0", advertiser="V"), Campaign(id="zz", advertiser="V")])
    rest = full.page("campaigns", after=first.next, limit=100)
    assert ids(iter([*first.nouns, *rest.nouns])) == [*sorted(c.id for c in CAMPAIGNS), "zz"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"after": "nonsense"}, "after"),
        ({"after": "é"}, "after"),
        ({"sort": "price"}, "sort"),
        ({"filters": Filters(ad_group="G0")}, "ad_group"),
    ],
)
def test_what_cannot_be_asked_is_named(full: CatalogStore, options: dict[str, object], field: str) -> None:
    """InputError names the argument."""
    with pytest.raises(InputError) as caught:
        full.page("campaigns", **options)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_cursor_is_of_one_order(full: CatalogStore) -> None:
    """What a page by name told begins no page by id."""
    cursor = full.page("campaigns", sort="name", limit=1).next
    for sort in ("id", "changed"):
        with pytest.raises(InputError, match="after"):
            full.page("campaigns", sort=sort, after=cursor)
