"""A copy of an installation, whose server may be running, to try things on: what a service writes lies in the copy."""

from pathlib import Path

from adcascade.cascade.backup import backup, restore
from adcascade.errors import ConfigurationError
from adcascade.settings import Settings, load_settings

ARCHIVE = "copy.adcascade"


def copied(source: Path, target: Path) -> None:
    """Copy an installation into a new folder.

    ConfigurationError where its settings keep something outside its folder: a service over the copy would write there.
    """
    outside = kept_outside(load_settings(source))
    if outside:
        raise ConfigurationError(
            f"adcascade.toml of {source} keeps {outside} outside its folder, where a trial would write; "
            "a copy of such an installation cannot be tried"
        )
    archive = target.with_name(ARCHIVE)
    try:
        backup(source, archive)
        restore(archive, target)
    finally:
        archive.unlink(missing_ok=True)


def kept_outside(settings: Settings) -> str:
    """The first setting that names a place outside the folder; "" where there is none."""
    if settings.money.books:
        return "money.books"
    storage = settings.storage
    catalog = Path(storage.catalog.removeprefix("sqlite:///"))
    places = {name: getattr(storage, name) for name in ("journal", "sealed", "bundles", "images", "supervision")}
    if not storage.catalog.startswith("sqlite:///") or not _within(catalog):
        return "storage.catalog"
    return next((f"storage.{name}" for name, place in places.items() if not _within(place)), "")


def _within(place: Path) -> bool:
    return not place.is_absolute() and ".." not in place.parts
