"""Shelf: what lies in the folder of bundles, the damaged ones too; and which came from which.

`Bundles` refuses what it cannot read. Who only looks wants to see all of it, with what is wrong beside it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from adcascade.cascade.bundle import VERSION, Bundles, Manifest
from adcascade.cascade.shadow.order import order_of
from adcascade.errors import BundleError

LATEST_US = 250_000_000_000_000_000  # of the year 9892: later times are no times
GENERATIONS = 12  # that a lineage goes back


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle. manifest: None where it cannot be read; trouble: what is wrong, "" where nothing is known to be.

    shadows: it is asked to, and was not given up.
    """

    version: str
    serves: bool
    shadows: bool = False
    manifest: Manifest | None = None
    trouble: str = ""


class Ancestor(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a lineage. depth: generations back, 0 for the bundle itself; there: it still lies on the shelf."""

    version: str
    depth: int
    there: bool


def shelved(bundles: Bundles, version: str) -> Shelved:
    """One bundle; its files are counted, not read."""
    serves, shadows = bundles.current() == version, shadow_of(bundles) == version
    try:
        manifest = bundles.manifest(version)
    except BundleError as error:
        return Shelved(version=version, serves=serves, shadows=shadows, trouble=str(error))
    if manifest.version != version:
        said = f"its manifest is that of {manifest.version}; restore it or remove the folder"
        return Shelved(version=version, serves=serves, shadows=shadows, trouble=said)
    if not all(0 <= time <= LATEST_US for time in (manifest.created_us, manifest.until_us)):
        return Shelved(
            version=version, serves=serves, shadows=shadows, trouble="its manifest tells no time; restore it"
        )
    try:
        bundles.complete(version)
    except BundleError as error:
        return Shelved(version=version, serves=serves, shadows=shadows, manifest=manifest, trouble=str(error))
    return Shelved(version=version, serves=serves, shadows=shadows, manifest=manifest)


def shadow_of(bundles: Bundles) -> str:
    """The version that is asked to shadow and was not given up; "" where none is, or the order cannot be read."""
    try:
        order = order_of(bundles.folder)
    except BundleError:
        return ""
    return "" if order is None or order.trouble else order.version


def shelf_of(bundles: Bundles) -> tuple[Shelved, ...]:
    """All of them, newest first."""
    return tuple(shelved(bundles, version) for version in reversed(bundles.versions()))


def on_shelf(bundles: Bundles, version: str) -> bool:
    """Whether this is the name of a bundle that is there; any text may be asked for."""
    return VERSION.fullmatch(version) is not None and bundles.path(version).is_dir()


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def lineage(shelf: Sequence[Shelved], version: str, generations: int = GENERATIONS) -> tuple[Ancestor, ...]:
    """The bundle and what it was made from, each before its own parents, and once."""
    parents: Mapping[str, tuple[str, ...]] = {one.version: one.manifest.parents for one in shelf if one.manifest}
    there = {one.version for one in shelf}
    found: dict[str, Ancestor] = {}
    waiting = [(version, 0)]
    while waiting:
        name, depth = waiting.pop()
        if name not in found:
            found[name] = Ancestor(version=name, depth=depth, there=name in there)
            if depth < generations:
                waiting.extend((parent, depth + 1) for parent in reversed(parents.get(name, ())))
    return tuple(found.values())


def children(shelf: Sequence[Shelved], version: str) -> tuple[str, ...]:
    """What was made from it, newest first."""
    return tuple(one.version for one in shelf if one.manifest and version in one.manifest.parents)
