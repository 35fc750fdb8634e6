"""The image of a bundle over the catalog: all ads encoded and indexed once, for every process that serves the bundle.

    images/bundle-VERSION.image

It is made of the catalog's image (catalog/imaging.py), by another process, when the first server loads the bundle. A
server opens it and encodes anew what has changed in the catalog since. Where it cannot be made, a server goes on with
memory of its own.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adcascade.calibration.live import LiveCalibration
from adcascade.cascade.build import COLD, Loaded, Widths, cold, load_bundle
from adcascade.cascade.bundle import Bundles
from adcascade.catalog.imaging import FILE, read_image
from adcascade.catalog.packed.image import Image, ImageError, open_image, write_image
from adcascade.catalog.packed.making import made_by
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.errors import StoreError

MODULE = "adcascade.cascade.imaging"  # under any name that this file may run by
KIND = "bundle"
KEPT = 4  # images of bundles, the newest


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Which image to make."""

    url: str  # of the catalog
    folder: str  # of images
    bundles: str
    version: str
    catalog: str  # the contents of the catalog's image


@dataclass(frozen=True, slots=True)
class BundleImages:
    """The images of one folder over one image of the catalog. tell: hears why one is made, or cannot be."""

    folder: Path
    url: str
    bundles: Bundles
    catalog: str
    tell: Callable[[str], None]

    def of(self, version: str) -> Image | None:
        """The image of a bundle, made where it is not there; None where it cannot be made."""
        path = _path(self.folder, version)
        orders = Orders(
            url=self.url,
            folder=str(self.folder),
            bundles=str(self.bundles.folder),
            version=version,
            catalog=self.catalog,
        )
        command = (sys.executable, "-m", MODULE)
        told = msgspec.json.encode(orders).decode()
        try:
            return made_by(command, told, path, lambda: self._open(path, version), self.tell)
        except StoreError as error:
            self.tell(f"{error}; this process encodes all ads in memory of its own")
            return None

    def _open(self, path: Path, version: str) -> Image:
        image = open_image(path, KIND)
        if (image.about["catalog"], image.about["bundle"]) != (self.catalog, version):
            raise ImageError(f"{path} was made of another state of the catalog")
        return image


def _path(folder: Path, version: str) -> Path:
    return folder / f"bundle-{version}.image"


def make(orders: Orders) -> None:
    """Write an image. StoreError where the catalog's image is another by now."""
    folder, bundles = Path(orders.folder), Bundles(Path(orders.bundles))
    with CatalogStore(orders.url) as store:
        snapshot, origin = read_image(folder / FILE, store)
        if origin is None or origin.image != orders.catalog:
            raise StoreError(f"{folder / FILE} is another by now; restart the server that asks for an older one")
        packed = _loaded(bundles, orders.version, snapshot).pack()
    about = {"catalog": orders.catalog, "bundle": orders.version}
    write_image(_path(folder, orders.version), KIND, about, packed)
    newest = sorted(folder.glob("bundle-*.image"), key=lambda file: file.stat().st_mtime)
    for file in newest[:-KEPT]:
        file.unlink(missing_ok=True)  # who has it mapped keeps it


def _loaded(bundles: Bundles, version: str, snapshot: Snapshot) -> Loaded:
    if version == COLD:
        return cold(snapshot, Widths(), None)
    return load_bundle(bundles, version, snapshot, widths=Widths(), pacer=None, live=LiveCalibration())


def main() -> None:
    """Make the image of the orders that are read."""
    make(msgspec.json.decode(sys.stdin.read(), type=Orders))


if __name__ == "__main__":
    main()
