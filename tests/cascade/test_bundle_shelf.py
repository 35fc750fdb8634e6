"""The shelf shows what is there, damaged or not, and who came from whom."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cascade.test_bundle import write

from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.bundle_shelf import Shelved, children, lineage, on_shelf, shelf_of, size_of

START = 1_700_000_000_000_000


def named(name: str, *parents: str) -> Shelved:
    """A bundle that was made from others."""
    manifest = Manifest(
        version=name, created_us=START, schema="s", methods={}, metrics={}, parents=parents, samples=0, until_us=0,
        files={},
    )  # fmt: skip
    return Shelved(version=name, serves=False, manifest=manifest)


def test_whole_ones_are_shown_newest_first(tmp_path: Path) -> None:
    """With their manifests, and the one that serves."""
    bundles = Bundles(tmp_path)
    old, new = (write(bundles, at=START + k * 10_000_000) for k in range(2))
    bundles.promote(old.version)
    assert [(one.manifest, one.serves, one.trouble) for one in shelf_of(bundles)] == [(new, False, ""), (old, True, "")]
    assert size_of(bundles.path(old.version)) == sum(f.stat().st_size for f in tmp_path.glob(f"{old.version}/**/*.*"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"{", "cannot be read"),
        (b'{"version": "\xff"}', "cannot be read"),
        (None, "there is no bundle"),
        (b"format", "format"),
        (b"far", "no time"),
        (b"other", "manifest is that of"),
        (b"file", "missing or was added"),
    ],
)
def test_a_damaged_one_says_what_is_wrong(tmp_path: Path, damage: bytes | None, words: str) -> None:
    """Whatever it is; the others are shown as ever."""
    bundles = Bundles(tmp_path)
    good, bad = (write(bundles, at=START + k * 10_000_000).version for k in range(2))
    file = bundles.path(bad) / "manifest.json"
    file.chmod(0o644)
    text = file.read_bytes()
    match damage:
        case None:
            file.unlink()
        case b"format":
            file.write_bytes(text.replace(b'"format": 1', b'"format": 7'))
        case b"far":
            file.write_bytes(text.replace(b'"created_us": 17', b'"created_us": 999917'))
        case b"other":
            file.write_bytes(text.replace(bad.encode(), good.encode()))
        case b"file":
            (bundles.path(bad) / "b.txt").unlink()
        case _:
            file.write_bytes(damage)
    first, second = shelf_of(bundles)
    assert words in first.trouble
    assert (second.version, second.trouble) == (good, "")


def test_a_name_that_is_none_is_not_on_the_shelf(tmp_path: Path) -> None:
    """Nor is a way out of the folder, nor what was removed."""
    bundles = Bundles(tmp_path)
    version = write(bundles).version
    assert on_shelf(bundles, version)
    for name in ("..", ".", "", f"{version}/ranking", version[:-1], f"{version}\n", "20260101T000000-00000000"):
        assert not on_shelf(bundles, name)


@given(edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_a_lineage_ends_and_names_each_once(edges: list[tuple[int, int]]) -> None:
    """Whatever manifests say, circles included: exactly what can be reached, each one generation behind a child."""
    shelf = [named(str(k), *(str(p) for child, p in edges if child == k)) for k in range(8)]
    found = lineage(shelf, "0", generations=100)
    reached, border = {"0"}, {"0"}
    while border:
        border = {str(p) for c, p in edges if str(c) in border and c < 8} - reached
        reached |= border
    assert sorted(one.version for one in found) == sorted(reached)
    assert all(one.there == (int(one.version) < 8) for one in found)
    depth = {one.version: one.depth for one in found}
    for one in found[1:]:
        assert any(depth.get(c.version) == one.depth - 1 for c in shelf if one.version in c.manifest.parents)  # type: ignore[union-attr]


def test_a_long_lineage_is_cut() -> None:
    """After so many generations; children are found from their own manifests."""
    shelf = [named(str(k), str(k - 1)) for k in range(40, 0, -1)]
    assert [one.version for one in lineage(shelf, "40", generations=3)] == ["40", "39", "38", "37"]
    assert children(shelf, "7") == ("8",)
