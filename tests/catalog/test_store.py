"""Laws of the catalog store, on every database."""

import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text

from adcascade.catalog import Ad, Advertiser, Campaign, Creative, Targeting
from adcascade.catalog.lines import CHUNK
from adcascade.catalog.rules import MAX_MICROS
from adcascade.catalog.store import CatalogStore
from adcascade.catalog.tables import metadata
from adcascade.errors import ConfigurationError, InputError, StoreError

V = Advertiser(id="V", name="Vendor", domain="v.com")
C = Campaign(id="C", advertiser="V", bid_micros=5, targeting=Targeting(scenarios=("home",)))


def ads_of(*ids: str) -> list[Ad]:
    """Ads of campaign C."""
    return [Ad(id=ad_id, campaign="C", title=f"title of {ad_id}") for ad_id in ids]


def test_an_empty_catalog_has_version_zero(store: CatalogStore) -> None:
    """Nothing was written: version 0 and no changes."""
    assert store.version == 0
    assert len(store.changes(0)) == 0


def test_what_was_put_comes_back(store: CatalogStore) -> None:
    """Every field of every noun survives, and rows are given in the order of the call."""
    ad = Ad(
        id="ä 'quoted'",
        campaign="C",
        picture=(0.1, -2.5),
        attributes={"colour": "röd", "size": 4.5},
        creatives=(Creative(id="1", format="banner", width=300, height=250),),
        keywords=("red shoe",),
        stock=0,
        bid_micros=MAX_MICROS,
    )
    assert store.put([V], [C], [ad, *ads_of("b")]) == store.version == 1
    assert (list(store.advertisers()), list(store.campaigns())) == ([V], [C])
    assert list(store.ads()) == [(0, ad), (1, ads_of("b")[0])]
    assert store.find_ad("b") == ads_of("b")[0]
    assert store.find_campaign("C") == C
    assert store.find_advertiser("V") == V
    assert store.find_ad("nobody") is None


def test_a_row_is_for_life(store: CatalogStore) -> None:
    """A removed ad leaves a tombstone; a new ad never gets its row, the same ad coming back does."""
    store.put([V], [C], ads_of("a", "b"))
    before = store.version
    store.remove_ads(["a"])
    assert [row for row, _ in store.ads()] == [1]
    assert store.changes(before).ads == [(0, None)]
    store.put(ads=ads_of("c"))
    store.put(ads=ads_of("a"))
    assert [(row, ad.id) for row, ad in store.ads()] == [(0, "a"), (1, "b"), (2, "c")]


def test_changes_tell_only_what_is_new(store: CatalogStore) -> None:
    """What changed after a version, in its last state, and nothing else."""
    first = store.put([V], [C], ads_of("a", "b"))
    store.put(ads=[Ad(id="b", campaign="C", title="newer")])
    last = store.put(ads=[Ad(id="b", campaign="C", title="newest")])
    changes = store.changes(first)
    assert (changes.version, changes.advertisers, changes.campaigns) == (last, [], [])
    assert changes.ads == [(1, Ad(id="b", campaign="C", title="newest"))]
    assert len(store.changes(last)) == 0


def test_set_status_touches_nothing_else(store: CatalogStore) -> None:
    """Pausing changes the status of the named ones alone."""
    store.put([V], [C], ads_of("a", "b"))
    version = store.set_status("paused", campaigns=["C"], ads=["b"])
    changes = store.changes(version - 1)
    assert changes.campaigns == [msgspec.structs.replace(C, status="paused")]
    assert changes.ads == [(1, msgspec.structs.replace(ads_of("b")[0], status="paused"))]


@pytest.mark.parametrize(
    ("field", "campaign", "ad"),
    [
        ("campaigns[0].id", Campaign(id="", advertiser="V"), None),
        ("campaigns[0].advertiser", Campaign(id="C", advertiser="nobody"), None),
        ("campaigns[0].bid_micros", Campaign(id="C", advertiser="V", bid_micros=-1), None),
        ("campaigns[0].daily_budget_micros", Campaign(id="C", advertiser="V", daily_budget_micros=-1), None),
        ("campaigns[0].currency", Campaign(id="C", advertiser="V", currency="usd"), None),
        ("campaigns[0].end_us", Campaign(id="C", advertiser="V", start_us=5, end_us=4), None),
        ("ads[0].campaign", C, Ad(id="a", campaign="nobody")),
        ("ads[0].id", C, Ad(id="a\0b", campaign="C")),
        ("ads[0].price_micros", C, Ad(id="a", campaign="C", price_micros=MAX_MICROS + 1)),
        ("ads[0].bid_micros", C, Ad(id="a", campaign="C", bid_micros=-1)),
        ("ads[0].stock", C, Ad(id="a", campaign="C", stock=-1)),
        ("ads[0].picture[1]", C, Ad(id="a", campaign="C", picture=(0.0, float("nan")))),
        ("ads[0].attributes", C, Ad(id="a", campaign="C", attributes={"price": 1.0})),
        ("ads[0].attributes['x']", C, Ad(id="a", campaign="C", attributes={"x": float("inf")})),
        ("ads[0].creatives[1].id", C, Ad(id="a", campaign="C", creatives=(Creative(id="1"), Creative(id="1")))),
        ("ads[0].creatives[0].width", C, Ad(id="a", campaign="C", creatives=(Creative(id="1", width=-1),))),
    ],
)
def test_a_broken_rule_names_its_field_and_keeps_nothing(
    tmp_path: Path, field: str, campaign: Campaign, ad: Ad | None
) -> None:
    """InputError says where; the catalog is as before, even the advertiser of the same call is not kept."""
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as store:
        with pytest.raises(InputError) as caught:
            store.put([V], [campaign], [] if ad is None else [ad])
        assert caught.value.field == field
        assert (store.version, list(store.advertisers())) == (0, [])


def test_one_catalog_has_one_currency(store: CatalogStore) -> None:
    """Bids of different currencies would meet in one auction: the second currency is refused."""
    store.put([V], [C])
    with pytest.raises(InputError, match="expected USD"):
        store.put(campaigns=[Campaign(id="A", advertiser="V", currency="EUR")])
    assert store.version == 1


def test_an_id_stands_once_in_a_call(store: CatalogStore) -> None:
    """Two ads of one id in one call contradict each other."""
    with pytest.raises(InputError, match=r"ads\[1\]\.id is 'a'; expected another id than ads\[0\] has"):
        store.put([V], [C], ads_of("a", "a"))


def test_only_what_is_there_can_be_removed_or_paused(store: CatalogStore) -> None:
    """An unknown id is an InputError and the known ones of the call stay untouched."""
    store.put([V], [C], ads_of("a"))
    with pytest.raises(InputError, match=r"ads\[1\] is 'x'"):
        store.remove_ads(["a", "x"])
    with pytest.raises(InputError, match=r"campaigns\[0\] is 'x'"):
        store.set_status("paused", campaigns=["x"], ads=["a"])
    assert (store.version, store.find_ad("a")) == (1, ads_of("a")[0])


def test_more_ads_than_fit_one_question(store: CatalogStore) -> None:
    """References and rows are found for any number of ids."""
    many = [f"a{i}" for i in range(2 * CHUNK + 1)]
    store.put([V], [C], ads_of(*many))
    store.put(ads=ads_of(*reversed(many)))
    assert [(row, ad.id) for row, ad in store.ads()] == list(enumerate(many))


def test_writers_take_turns(url: str) -> None:
    """Threads with stores of their own: every version is taken once and every row is given once."""
    versions: list[int] = []
    with CatalogStore(url) as first:
        first.put([V], [C])

    def write(name: str) -> None:
        with CatalogStore(url) as store:
            versions.extend(store.put(ads=ads_of(f"{name}{i}")) for i in range(10))

    threads = [threading.Thread(target=write, args=(name,)) for name in "wxyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with CatalogStore(url) as store:
        assert sorted(versions) == list(range(2, 42))
        assert [row for row, _ in store.ads()] == list(range(40))


def test_the_catalog_outlives_the_process(url: str) -> None:
    """What was put is there when the store is opened again."""
    with CatalogStore(url) as store:
        store.put([V], [C], ads_of("a"))
    with CatalogStore(url) as store:
        assert (store.version, [ad.id for _, ad in store.ads()]) == (1, ["a"])


def test_migrations_build_the_declared_tables(store: CatalogStore, url: str) -> None:
    """Columns, keys and indexes after all migrations are those of `tables`."""
    engine = create_engine(url)
    found = inspect(engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
        assert {i["name"] for i in found.get_indexes(table.name) if not i.get("unique")} == {
            str(i.name) for i in table.indexes
        }
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    """An unknown revision is a StoreError that says what to do."""
    CatalogStore(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    engine.dispose()
    with pytest.raises(StoreError, match="or a newer one"):
        CatalogStore(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """StoreError, not an SQL exception."""
    file = tmp_path / "catalog.db"
    file.write_text("this is no database at all, whatever its name says\n" * 100)
    with pytest.raises(StoreError, match="refuses"):
        CatalogStore(f"sqlite:///{file}")


@pytest.mark.parametrize("bad", ["sqlite://", "nonsense", "oracle9://x/y"])
def test_a_url_of_no_database_is_a_matter_of_configuration(bad: str) -> None:
    """ConfigurationError shows the form of a good URL."""
    with pytest.raises(ConfigurationError, match="sqlite:///PATH"):
        CatalogStore(bad)


@settings(deadline=None, max_examples=12)
@given(steps=st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abcdef"), min_size=1)), max_size=8))
def test_changes_in_pieces_are_changes_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, set[str]]]
) -> None:
    """Following version by version ends where reading everything ends."""
    followed: dict[int, Ad | None] = {}
    path = tmp_path_factory.mktemp("store") / "catalog.db"
    with CatalogStore(f"sqlite:///{path}") as store:
        version = store.put([V], [C])
        for puts, ids in steps:
            present = {ad.id for _, ad in store.ads()}
            if puts:
                store.put(ads=ads_of(*sorted(ids)))
            elif ids & present:
                store.remove_ads(sorted(ids & present))
            changes = store.changes(version)
            followed.update(changes.ads)
            version = changes.version
        assert followed == dict(store.changes(0).ads)
