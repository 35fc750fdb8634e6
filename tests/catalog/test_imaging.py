"""Laws of the catalog's image: opened, it is what the store holds; damaged, it is never served."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalog.test_snapshot import BASE, capped, clocks, requests, some_changes

from adcascade.catalog import Ad, Advertiser, Campaign
from adcascade.catalog.bitmaps import rows_in
from adcascade.catalog.changes import Changes
from adcascade.catalog.eligibility import Cap
from adcascade.catalog.imaging import FILE, KIND, open_snapshot, read_snapshot, write_snapshot
from adcascade.catalog.packed.image import ImageError, open_image, write_image
from adcascade.catalog.row_arrays import ARRAYS
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Slot

ASK = AdRequest(id="r", time_us=0, slots=(Slot(id="s"),))


def mapped(snapshot: Snapshot, path: Path) -> Snapshot:
    """The same snapshot by way of a file."""
    write_image(path, KIND, {}, snapshot.pack())
    return Snapshot.unpack(open_image(path, KIND).arrays)


def fill(store: CatalogStore, ads: int = 20) -> None:
    """Two campaigns, whose ads take turns."""
    store.put(
        advertisers=[Advertiser(id="V", domain="v.com")],
        campaigns=[Campaign(id=name, advertiser="V", bid_micros=5) for name in "CD"],
        ads=[Ad(id=f"a{i}", campaign="CD"[i % 2], category="sports", title=f"shoe {i}") for i in range(ads)],
    )


@settings(deadline=None, max_examples=80)
@given(
    st.lists(some_changes(), max_size=3),
    clocks,
    st.lists(st.tuples(some_changes(), st.sampled_from("CDEF"), st.booleans()), max_size=3),
    st.lists(st.tuples(requests, clocks, capped), min_size=1, max_size=4),
)
def test_an_image_that_follows_is_the_catalog(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[Changes],
    written_us: int,
    after: list[tuple[Changes, str, bool]],
    asked: list[tuple[AdRequest, int, list[Cap]]],
) -> None:
    """Written anywhere in a history and followed to its end, an image equals what lived through all of it.

    In nouns, rows, arrays, columns, the rows that each change moved, and in `eligible`, which is its slow twin.
    """
    lived = Snapshot()
    for changes in (BASE, *before):
        lived.apply(changes)
    lived.tick(written_us)
    file = tmp_path_factory.mktemp("image") / "x"
    opened = mapped(mapped(lived, file), file)  # twice: what is mapped is written as well
    for changes, campaign, funded in after:
        np.testing.assert_array_equal(opened.apply(changes), lived.apply(changes))
        for snapshot in (opened, lived):
            snapshot.set_serving(snapshot.campaign_index_of[campaign], funded)
    for request, now_us, enough in asked:
        found = opened.eligible(request, now_us, enough)
        np.testing.assert_array_equal(found, lived.eligible(request, now_us, enough), strict=True)
        np.testing.assert_array_equal(found, opened.eligible_slow(request, now_us, enough), strict=True)
    assert_same(opened, lived)


def assert_same(one: Snapshot, other: Snapshot) -> None:
    """Both hold the same."""
    assert (one.version, one.n) == (other.version, other.n)
    for name in ("ads", "ad_ids", "campaigns", "ad_groups", "advertisers", "categories", "attribute_names"):
        assert list(getattr(one, name)) == list(getattr(other, name)), name
    for name in ("row_of", "campaign_index_of", "group_index_of", "advertiser_index_of", "category_index_of"):
        assert dict(getattr(one, name)) == dict(getattr(other, name)), name
        assert len(getattr(one, name)) == len(getattr(other, name)), name
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.columns(range(one.n)) == other.columns(range(other.n))
    for product in ("p", "q", "r", "x"):
        assert sorted(one.product_rows(product)) == sorted(other.product_rows(product))


def test_what_one_process_changes_another_does_not_see(tmp_path: Path) -> None:
    """Two that map the same file follow their own histories; the file stays as it was."""
    snapshot = Snapshot()
    snapshot.apply(BASE)
    snapshot.apply(Changes(version=2, ads=[(0, Ad(id="a0", campaign="C")), (1, Ad(id="a1", campaign="D"))]))
    one = mapped(snapshot, tmp_path / "x")
    bytes_before = (tmp_path / "x").read_bytes()
    one.apply(Changes(version=3, ads=[(0, None), (1, Ad(id="a1", campaign="C", stock=0))]))
    other = Snapshot.unpack(open_image(tmp_path / "x", KIND).arrays)
    assert rows_in(other.eligible(ASK, 0), 2).tolist() == [0, 1]
    assert rows_in(one.eligible(ASK, 0), 2).tolist() == []
    assert (tmp_path / "x").read_bytes() == bytes_before


def test_the_store_is_followed_from_the_image(tmp_path: Path) -> None:
    """What changed after the image was written is served, and named as moved where its features are others."""
    with CatalogStore(f"sqlite:///{tmp_path}/c.db") as store:
        fill(store)
        write_snapshot(tmp_path / "x", store, 0)
        lived = Snapshot.from_store(store)
        store.put(ads=[Ad(id="a3", campaign="D", title="other"), Ad(id="new", campaign="C")])
        store.set_stock({"a5": 0})
        store.remove_ads(["a7"])
        snapshot, origin = read_snapshot(tmp_path / "x", store)
        lived.apply(store.changes(lived.version))
        assert_same(snapshot, lived)
        assert origin is not None
        assert origin.moved.tolist() == [3, 7, 20]


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(0, 255))
@settings(deadline=None, max_examples=60)
def test_a_damaged_image_is_refused(tmp_path_factory: pytest.TempPathFactory, place: float, flip: int) -> None:
    """Any byte that is another, and any end that is missing (flip 0), is noticed before anything is served."""
    file = tmp_path_factory.mktemp("image") / "x"
    write_image(file, "k", {"a": 1}, {"rows": np.arange(32), "none": np.empty(0, np.int32), "more": np.arange(64)})
    raw = bytearray(file.read_bytes())
    header = int.from_bytes(raw[8:16], "little") + 24
    at = int(place * len(raw))
    at = at - 64 if header <= at < -(-header // 64) * 64 else at  # between header and arrays lies nothing
    if flip:
        raw[at] ^= flip
    else:
        del raw[at:]
    file.write_bytes(raw)
    with pytest.raises(ImageError, match="it is written anew"):
        open_image(file, "k")


def test_an_image_of_another_kind_is_refused(tmp_path: Path) -> None:
    """What was written as one thing is not read as another; what is not there is said to be absent."""
    write_image(tmp_path / "x", "bundle", {}, {})
    with pytest.raises(ImageError, match="image of 'bundle', not of 'catalog'"):
        open_image(tmp_path / "x", "catalog")
    with pytest.raises(ImageError, match="there is no image"):
        open_image(tmp_path / "y", "catalog")


def test_an_image_serves_no_other_catalog(tmp_path: Path) -> None:
    """Not one of other rows, nor its own after it was put back to an older state and went another way."""
    with CatalogStore(f"sqlite:///{tmp_path}/c.db") as store:
        fill(store)
    shutil.copy(tmp_path / "c.db", tmp_path / "old.db")
    with CatalogStore(f"sqlite:///{tmp_path}/c.db") as store:
        store.set_stock({"a1": 0})
        write_snapshot(tmp_path / "x", store, 0)
    with CatalogStore(f"sqlite:///{tmp_path}/old.db") as store:
        with pytest.raises(ImageError, match="another catalog"):
            read_snapshot(tmp_path / "x", store)
        store.set_stock({"a2": 0})  # as far as the image, another way
        with pytest.raises(ImageError, match="another catalog"):
            read_snapshot(tmp_path / "x", store)


def test_an_image_is_made_once_and_again_when_it_is_damaged(tmp_path: Path) -> None:
    """The first start of a large catalog makes it, the next maps it; a damaged one is made anew and says so."""
    with CatalogStore(f"sqlite:///{tmp_path}/c.db") as store:
        fill(store)
        assert open_snapshot(store, tmp_path / "images", 1_000).origin is None
        assert not (tmp_path / "images").exists()
        told: list[str] = []
        made = open_snapshot(store, tmp_path / "images", 10, told.append)
        file = tmp_path / "images" / FILE
        inode = file.stat().st_ino
        again = open_snapshot(store, tmp_path / "images", 10, told.append)
        assert file.stat().st_ino == inode
        assert [line.partition(" ")[0] for line in told] == ["there"]
        raw = bytearray(file.read_bytes())
        raw[-600:-400] = bytes(byte ^ 255 for byte in raw[-600:-400])
        file.unlink()  # who has it mapped keeps it
        file.write_bytes(raw)
        mended = open_snapshot(store, tmp_path / "images", 10, told.append)
        assert "is damaged in" in told[1]
        for opened in (made, again, mended):
            assert opened.origin is not None
            assert_same(opened.snapshot, Snapshot.from_store(store))


def test_an_image_decodes_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a catalog and asking who may answer makes no noun at all; asking for an ad makes that one."""
    with CatalogStore(f"sqlite:///{tmp_path}/c.db") as store:
        fill(store)
        write_snapshot(tmp_path / "x", store, 0)
        made: list[str] = []

        def decode(kind: str, raw: memoryview) -> memoryview:
            made.append(kind)
            return raw

        snapshot, _ = read_snapshot(tmp_path / "x", store)
        monkeypatch.setattr("adcascade.catalog.packed.shelf.decode", decode)
        assert len(rows_in(snapshot.eligible(ASK, 0), 20)) == 20
        assert made == []
        assert snapshot.ads[3] is not None
        assert made == ["ads"]
