"""The image of the catalog: a snapshot in a file, of which a process serves a moment after it was started.

    images/catalog.image     the snapshot as of a version of the store

A process maps the file and follows what the store changed since (`open_snapshot`). The file names the version and the
mark of the store that it was made of, so that it serves no other catalog, nor one that was put back to an older state.
Where it is absent, damaged, another's, or too much has changed, it is made anew, by another process, whose memory goes
with it.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from adcascade.catalog.packed.image import ImageError, open_image, write_image
from adcascade.catalog.packed.making import made_by
from adcascade.catalog.rowsets import NOBODY, Rows
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore

MODULE = "adcascade.catalog.imaging"  # under any name that this file may run by
KIND = "catalog"
FILE = "catalog.image"
STALE = 0.1  # of the ads changed since: the image is made anew before anybody starts from it
AT_LEAST = 10_000  # changed ads


class Origin(NamedTuple):
    """What a snapshot began as, if it began as an image, and what is another now."""

    image: str  # names the image's contents
    moved: Rows  # ads with other features than in the image, ascending


class OpenedCatalog(NamedTuple):
    """A snapshot up to date; origin: None where it was read from the store."""

    snapshot: Snapshot
    origin: Origin | None


def write_snapshot(path: Path, store: CatalogStore, now_us: int) -> None:
    """Write the image of what the store holds now; campaigns serve in it as of `now_us`."""
    snapshot = Snapshot.from_store(store)
    snapshot.tick(now_us)
    about: dict[str, str | int] = {"version": snapshot.version, "mark": store.mark(snapshot.version), "ads": snapshot.n}
    write_image(path, KIND, about, snapshot.pack())


def read_image(path: Path, store: CatalogStore) -> OpenedCatalog:
    """Open the image as it was written; ImageError where it is absent, damaged, of another catalog, or too old."""
    image = open_image(path, KIND)
    version, mark = int(image.about["version"]), str(image.about["mark"])
    if store.mark(version) != mark:
        raise ImageError(f"{path} was made of another catalog, or of one that was put back to an older state")
    changed = store.count_changed_ads(version)
    if changed > max(AT_LEAST, STALE * int(image.about["ads"])):
        raise ImageError(f"{path} is too old: {changed:,} ads have changed since")
    return OpenedCatalog(Snapshot.unpack(image.arrays), Origin(f"{version}-{mark}", NOBODY))


def read_snapshot(path: Path, store: CatalogStore) -> OpenedCatalog:
    """Open the image, as `read_image` does, and follow the store."""
    snapshot, origin = read_image(path, store)
    if origin is None or store.version == snapshot.version:
        return OpenedCatalog(snapshot, origin)
    moved = snapshot.apply(store.changes(snapshot.version))
    return OpenedCatalog(snapshot, Origin(origin.image, moved))


def open_snapshot(
    store: CatalogStore, folder: Path, from_ads: int, tell: Callable[[str], None] = lambda _: None
) -> OpenedCatalog:
    """The catalog as it is now: from its image where it has `from_ads` ads or more, else read from the store.

    tell: hears why an image has to be made, which takes a while.
    """
    if store.count_ads() < from_ads:
        return OpenedCatalog(Snapshot.from_store(store), None)
    path = folder / FILE
    orders = msgspec.json.encode((store.url, str(path))).decode()
    return made_by((sys.executable, "-m", MODULE), orders, path, lambda: read_snapshot(path, store), tell)


def main() -> None:
    """Write the image of a catalog, by the orders that are read."""
    url, path = msgspec.json.decode(sys.stdin.read(), type=tuple[str, str])
    with CatalogStore(url) as store:
        write_snapshot(Path(path), store, time.time_ns() // 1000)


if __name__ == "__main__":
    main()
