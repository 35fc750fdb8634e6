"""Laws of the catalog's feed: slice by slice it ends where one reading of everything ends, and no slice lasts."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.cascade.feed import AT_ONCE_NS, SLICE, CatalogFeed
from adcascade.catalog.changes import Changes
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Targeting
from adcascade.catalog.row_arrays import ARRAYS
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Slot

V = Advertiser(id="V")
MANY = 5 * SLICE
ASK = AdRequest(id="r", time_us=0, slots=(Slot(id="s"),), country="DE")


def ads_of(campaign: str, stock: int | None = None, group: str = "") -> list[Ad]:
    """Many ads of one campaign."""
    return [Ad(id=f"a{i}", campaign=campaign, stock=stock, ad_group=group) for i in range(MANY)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    """Many ads of campaign C."""
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as opened:
        opened.put([V], [Campaign(id="C", advertiser="V")], ads_of("C"))
        yield opened


def test_a_write_is_taken_in_by_slices(store: CatalogStore) -> None:
    """Each `take` ends once its time is over, the version moves with the last, and all rows and campaigns are told."""
    clock = iter(range(0, 10**12, AT_ONCE_NS))
    snapshot = Snapshot.from_store(store)
    feed = CatalogFeed(store, snapshot, timer=lambda: next(clock))
    before = store.version
    new = [Campaign(id="D", advertiser="V", targeting=Targeting(countries=("FR",)))]
    store.put(campaigns=new, ad_groups=[AdGroup(id="G", campaign="D")], ads=ads_of("D", group="G"))
    feed.prepare()
    told: list[np.ndarray[tuple[int, ...], np.dtype[np.int32]]] = []
    campaigns: list[Campaign] = []
    while feed.waiting:
        assert snapshot.version == before
        changed, rows = feed.take()
        campaigns += changed
        told.append(rows)
    assert (snapshot.version, campaigns) == (store.version, new)
    store.put([Advertiser(id="V", prepaid=True)])
    feed.prepare()
    assert {campaign.id for campaign in feed.take()[0]} == {"C", "D"}  # its rules are those of its campaigns
    assert len(told) > 2
    assert max(map(len, told)) <= SLICE
    assert np.concatenate(told).tolist() == list(range(MANY))
    assert not snapshot.eligible(ASK, 0).any()


def test_what_no_feature_reads_changes_no_row(store: CatalogStore) -> None:
    """Stock, margin, status, bids and landing pages are taken in without encoding an ad again; prices are told."""
    snapshot = Snapshot.from_store(store)
    feed = CatalogFeed(store, snapshot)
    store.set_stock({f"a{i}": 0 for i in range(3)})
    store.set_status("paused", ads=["a3"])
    a4 = Ad(id="a4", campaign="C", bid_micros=7, margin_micros=5, url="https://x.example")
    store.put(ads=[a4, Ad(id="a5", campaign="C", price_micros=9), Ad(id="a6", campaign="C", title="new")])
    feed.prepare()
    assert feed.take()[1].tolist() == [5, 6]
    assert [snapshot.why_not(row, ASK, 0) for row in (0, 3, 4)] == ["out of stock", "paused", None]
    assert snapshot.bid[4] == 7
    assert np.flatnonzero(np.unpackbits(snapshot.eligible(ASK, 0), bitorder="little"))[0] == 4


def test_nothing_is_read_twice(store: CatalogStore) -> None:
    """`prepare` waits until what was read is taken, then reads on from there."""
    snapshot = Snapshot.from_store(store)
    feed = CatalogFeed(store, snapshot)
    for title in ("one", "two"):
        store.put(ads=[Ad(id="a0", campaign="C", title=title)])
        feed.prepare()
    assert feed.take()[1].tolist() == [0]
    assert feed.waiting is False
    feed.prepare()
    assert feed.take()[1].tolist() == [0]
    feed.prepare()
    assert feed.waiting is False
    assert (snapshot.ads[0], snapshot.version) == (Ad(id="a0", campaign="C", title="two"), store.version)


def test_who_was_away_hears_of_what_happened(store: CatalogStore) -> None:
    """rows_since tells exactly the rows changed since; all rows once too much has happened to be remembered."""
    snapshot = Snapshot.from_store(store)
    feed = CatalogFeed(store, snapshot)
    marks = []
    for i in range(3):
        marks.append(feed.takes)
        store.put(ads=[Ad(id=f"a{i}", campaign="C", title="new")])
        feed.prepare()
        feed.take()
    assert [feed.rows_since(mark).tolist() for mark in (*marks, feed.takes)] == [[0, 1, 2], [1, 2], [2], []]
    feed._told.popleft()
    assert feed.rows_since(0).tolist() == list(range(MANY))


nouns = st.lists(
    st.tuples(st.sampled_from("CD"), st.sampled_from(["", "G"]), st.sampled_from([None, 0, 3])), max_size=9
)


@settings(deadline=None, max_examples=30)
@given(nouns, nouns, st.integers(1, 4))
def test_slices_end_where_the_whole_ends(
    first: list[tuple[str, str, int | None]], second: list[tuple[str, str, int | None]], size: int
) -> None:
    """Whatever the size of a slice, the snapshot is in the end the one that took all at once."""
    whole, sliced = Snapshot(), Snapshot()
    for version, drawn in enumerate((first, second), start=1):
        ads = [
            (row, Ad(id=f"a{row}", campaign=campaign, ad_group=f"{campaign}{group}" if group else "", stock=stock))
            for row, (campaign, group, stock) in enumerate(drawn)
        ]
        changes = Changes(
            version=version,
            advertisers=[V],
            campaigns=[Campaign(id=name, advertiser="V", bid_micros=version) for name in "CD"],
            ad_groups=[AdGroup(id=f"{name}G", campaign=name, bid_micros=version % 2 or None) for name in "CD"],
            ads=ads,
        )
        whole.apply(changes)
        for part in changes.slices(size, version - 1):
            sliced.apply(part)
        assert sliced.version == whole.version == version
    np.testing.assert_array_equal(sliced.eligible(ASK, 0), whole.eligible(ASK, 0))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(sliced, name), getattr(whole, name), err_msg=name)
    assert msgspec.to_builtins(sliced.ads) == msgspec.to_builtins(whole.ads)
