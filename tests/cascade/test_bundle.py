"""A bundle is written whole, never changes, and can be gone back to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.errors import BundleError


def write(bundles: Bundles, text: str = "x", at: int = 1_700_000_000_000_000) -> Manifest:
    """A small bundle of two files."""

    def fill(folder: Path) -> None:
        (folder / "ranking").mkdir()
        (folder / "ranking" / "a.txt").write_text(text)
        (folder / "b.txt").write_text(text * 2)

    return bundles.write(fill, created_us=at, schema="s", methods={"ranking": "lr"}, metrics={"auc": 0.7})


def test_what_was_written_is_read_and_verified(tmp_path: Path) -> None:
    """The manifest names every file, and verify agrees."""
    bundles = Bundles(tmp_path)
    manifest = write(bundles)
    assert bundles.versions() == [manifest.version]
    assert bundles.verify(manifest.version) == manifest
    assert set(manifest.files) == {"ranking/a.txt", "b.txt"}


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_found(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    """Whatever bit of whatever file flips, verify names that file."""
    bundles = Bundles(tmp_path_factory.mktemp("bundles"))
    version = write(bundles, "some longer content").version
    file = bundles.path(version) / "ranking" / "a.txt"
    data = bytearray(file.read_bytes())
    data[place % len(data)] ^= 1 << bit
    file.chmod(0o644)
    file.write_bytes(data)
    with pytest.raises(BundleError, match=r"ranking/a\.txt was changed"):
        bundles.verify(version)


@pytest.mark.parametrize("deed", ["remove", "add"])
def test_a_missing_or_added_file_is_found(tmp_path: Path, deed: str) -> None:
    """verify knows exactly what belongs in the folder."""
    bundles = Bundles(tmp_path)
    version = write(bundles).version
    file = bundles.path(version) / ("b.txt" if deed == "remove" else "new.txt")
    file.unlink() if deed == "remove" else file.write_text("?")
    with pytest.raises(BundleError, match=file.name):
        bundles.verify(version)


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    """If a stage fails to export, there is no version and no draft."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("no")

    bundles = Bundles(tmp_path)
    with pytest.raises(RuntimeError):
        bundles.write(fail, created_us=0, schema="", methods={}, metrics={})
    assert list(tmp_path.iterdir()) == []


def test_rollback_goes_back_one_promotion_at_a_time(tmp_path: Path) -> None:
    """promote a, b, c; roll back twice: a serves; a third time there is nothing."""
    bundles = Bundles(tmp_path)
    a, b, c = (write(bundles, text, at).version for text, at in (("a", 1), ("b", 2_000_000), ("c", 3_000_000)))
    assert bundles.current() is None
    for version in (a, b, c):
        bundles.promote(version)
    assert bundles.current() == c
    assert bundles.rollback() == b
    assert bundles.rollback() == a
    assert bundles.current() == a
    with pytest.raises(BundleError, match="nothing to roll back"):
        bundles.rollback()


def test_a_damaged_bundle_is_not_promoted(tmp_path: Path) -> None:
    """Promotion verifies first; the one that serves goes on serving."""
    bundles = Bundles(tmp_path)
    good, bad = write(bundles, "good").version, write(bundles, "bad", 5_000_000).version
    bundles.promote(good)
    file = bundles.path(bad) / "b.txt"
    file.chmod(0o644)
    file.write_text("worse")
    with pytest.raises(BundleError):
        bundles.promote(bad)
    assert bundles.current() == good


def test_an_unknown_version_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """The message says which versions there are."""
    bundles = Bundles(tmp_path)
    version = write(bundles).version
    with pytest.raises(BundleError, match=version):
        bundles.manifest("20000101T000000-00000000")


def test_files_cannot_be_written_by_accident(tmp_path: Path) -> None:
    """Every file of a bundle is read-only."""
    bundles = Bundles(tmp_path)
    root = bundles.path(write(bundles).version)
    assert not any(p.stat().st_mode & 0o222 for p in root.rglob("*") if p.is_file())
