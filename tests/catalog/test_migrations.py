"""Laws of migrations: a database of an older version is brought up with all that it holds."""

import json

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.database import NEWEST, writing
from adcascade.catalog.migrating import MIGRATIONS
from adcascade.catalog.pages import Filters
from adcascade.catalog.store import CatalogStore

MANY = 5_001  # more than are filled at once


def build_first_revision(url: str) -> None:
    """A database as revision 0001 left it: an advertiser, a campaign, many ads of which one was removed."""
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        insert = "INSERT INTO {} VALUES ({})"
        connection.execute(text("UPDATE catalog_state SET version = 3, next_row = :n"), {"n": MANY})
        connection.execute(
            text(insert.format("advertisers", ":id, 1, :payload")),
            {"id": "V", "payload": json.dumps({"id": "V", "name": "Vendor"})},
        )
        connection.execute(
            text(insert.format("campaigns", ":id, 'V', 'USD', 1, :payload")),
            {"id": "C", "payload": json.dumps({"id": "C", "advertiser": "V", "name": "Spring", "status": "paused"})},
        )
        connection.execute(
            text(insert.format("ads", ":row, :id, 'C', :removed, 2, :payload")),
            [
                {
                    "row": i,
                    "id": f"a{i}",
                    "removed": i == 7,
                    "payload": json.dumps({"id": f"a{i}", "campaign": "C", "title": f"Shoe {i}", "stock": i}),
                }
                for i in range(MANY)
            ],
        )
    engine.dispose()


def test_a_catalog_of_the_first_revision_is_brought_up(url: str) -> None:
    """Nouns, rows and versions are as they were; they can be searched, filtered, grouped and audited."""
    build_first_revision(url)
    with CatalogStore(url) as store:
        assert store.version == 3
        assert list(store.advertisers()) == [Advertiser(id="V", name="Vendor")]
        assert list(store.campaigns()) == [Campaign(id="C", advertiser="V", name="Spring", status="paused")]
        changes = store.changes(1)
        assert changes.ads[:2] == [(i, Ad(id=f"a{i}", campaign="C", title=f"Shoe {i}", stock=i)) for i in range(2)]
        assert (len(changes.ads), changes.ads[7]) == (MANY, (7, None))
        found = store.page("ads", filters=Filters(text="shoe 5000", status="active"))
        assert [stored.noun.id for stored in found.nouns] == ["a5000"]
        assert store.page("campaigns", filters=Filters(status="paused"), count=True).total == 1
        store.put(ads=[Ad(id="new", campaign="C", ad_group="G")], ad_groups=[AdGroup(id="G", campaign="C")])
        assert store.changes(3).ads == [(MANY, Ad(id="new", campaign="C", ad_group="G"))]
        assert [line.id for line in store.audit()] == ["G", "new"]


def test_the_newest_migration_is_known_without_alembic() -> None:
    """Opening a database that is up to date compares one text; it must be that of the last migration."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST
