"""What takes long to make is made once and found whole afterwards: installations and catalogs for measurements."""

import os
from collections.abc import Callable
from pathlib import Path


def kept(place: Path, make: Callable[[Path], object]) -> Path:
    """The file or folder at a place; where there is none, `make` makes it under another name beside it, to be renamed.

    So whoever is ended halfway leaves nothing that looks finished.
    """
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}-{os.getpid()}")
        make(draft)
        draft.rename(place)
    return place
