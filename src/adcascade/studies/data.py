"""Where studies find public data: a folder that the project does not ship.

`--data FOLDER`, else ADCASCADE_DATA, else `../shared/data` beside a checkout. One sub-folder a data set.
"""

import os
from pathlib import Path

from adcascade.errors import DataMissingError

VARIABLE = "ADCASCADE_DATA"
BESIDE = Path("../shared/data")


def data_folder(given: Path | None = None) -> Path:
    """The folder of public data by the order above; it may not exist."""
    return given or Path(os.environ.get(VARIABLE) or BESIDE)


def has_set(data: Path, name: str) -> bool:
    """Whether a data set is there."""
    return (data / name).is_dir()


def data_set(data: Path, name: str, source: str) -> Path:
    """The folder of a data set; DataMissingError, which says how to get it, where it is absent.

    source: where the publisher offers it.
    """
    if not has_set(data, name):
        raise DataMissingError(
            f"there is no data set {name!r} in {data}: get it from {source}, put its Parquet files into {data / name}, "
            f"or name another folder with --data or {VARIABLE}"
        )
    return data / name


def absent(name: str, source: str) -> str:
    """The note of a study that left out its part on real data."""
    return f"the part on {name} was left out, for the data is absent; it comes from {source}"
