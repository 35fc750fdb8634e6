"""Laws of the audit log: every change is in it once, in the words of before and after, and stays there."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from adcascade.catalog import Ad, Advertiser, Campaign, Offer
from adcascade.catalog.audit import AuditLine, Author
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError

V = Advertiser(id="V")
C = Campaign(id="C", advertiser="V")
ADA = Author(who="ada", time_us=7)


def said(line: AuditLine) -> tuple[str, str, str, int, object, object]:
    """A line without its number, author and time."""
    return (line.action, line.kind, line.id, line.version, line.before, line.after)


def test_every_change_is_written_down(store: CatalogStore) -> None:
    """Who, when, what, and the fields that are not as by default, before and after."""
    store.put([V], [C], [Ad(id="a", campaign="C", stock=3)], author=ADA)
    store.put(ads=[Ad(id="a", campaign="C", stock=2)], author=ADA)
    store.set_status("paused", campaigns=["C"], author=ADA)
    store.set_offers({"a": Offer(stock=0, price_micros=9)}, author=ADA)
    store.remove_ads(["a"], author=ADA)
    lines = store.audit()
    ad, campaign = {"id": "a", "campaign": "C"}, {"id": "C", "advertiser": "V"}
    assert [said(line) for line in lines] == [
        ("create", "advertisers", "V", 1, None, {"id": "V"}),
        ("create", "campaigns", "C", 1, None, campaign),
        ("create", "ads", "a", 1, None, {**ad, "stock": 3}),
        ("replace", "ads", "a", 2, {**ad, "stock": 3}, {**ad, "stock": 2}),
        ("status", "campaigns", "C", 3, campaign, {**campaign, "status": "paused"}),
        ("offer", "ads", "a", 4, {"stock": 2, "price_micros": 0}, {"stock": 0, "price_micros": 9}),
        ("remove", "ads", "a", 5, {**ad, "stock": 0, "price_micros": 9}, None),
    ]
    assert {(line.who, line.time_us) for line in lines} == {("ada", 7)}
    assert [line.number for line in lines] == sorted({line.number for line in lines})


def test_a_noun_has_a_history_and_the_log_has_pages(store: CatalogStore) -> None:
    """history tells one noun; `after` goes on behind a number."""
    store.put([V], [C], author=ADA)
    store.set_status("paused", campaigns=["C"], author=ADA)
    store.set_status("ended", campaigns=["C"], author=ADA)
    assert [line.action for line in store.history("campaigns", "C")] == ["create", "status", "status"]
    first = store.history("campaigns", "C", limit=1)
    assert [line.version for line in store.history("campaigns", "C", after=first[0].number)] == [2, 3]
    pages = [store.audit(limit=3), store.audit(after=store.audit(limit=3)[-1].number)]
    assert [line for page in pages for line in page] == store.audit()


def test_what_was_refused_is_not_in_it(store: CatalogStore) -> None:
    """The log is part of the transaction."""
    with pytest.raises(InputError):
        store.put([V], [Campaign(id="C", advertiser="nobody")])
    assert store.audit() == []


def test_an_import_may_be_one_line(store: CatalogStore) -> None:
    """A summary counts what changed by kind; what was there already as given does not count."""
    store.put([V], [C], [Ad(id="a", campaign="C")], author=ADA)
    store.put([V], [C], [Ad(id=i, campaign="C") for i in "abc"], author=ADA, audit="summary")
    store.set_stock({"a": 1, "b": 2}, author=ADA, audit="summary")
    assert [said(line) for line in store.audit()[3:]] == [
        ("import", "", "", 2, None, {"ads": 2}),
        ("import", "", "", 3, None, {"ads": 2}),
    ]


def test_no_ordinary_statement_changes_it(store: CatalogStore, url: str) -> None:
    """The database itself refuses to update, delete, replace or empty the log."""
    store.put([V], author=ADA)
    before = store.audit()
    statements = ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"]
    values = f"({before[0].number}, 1, 'x', 'create', 'ads', 'a', 1)"
    replaced = f"INTO audit (number, time_us, who, action, kind, id, version) VALUES {values}"
    statements.append(f"INSERT OR REPLACE {replaced}" if url.startswith("sqlite") else "TRUNCATE audit")
    engine = create_engine(url)
    for statement in statements:
        with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    engine.dispose()
    assert store.audit() == before
