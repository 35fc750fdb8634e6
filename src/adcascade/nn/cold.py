"""Cold rows: float32 [R, W] in a file that is mapped into memory, and vanishes with whoever holds it.

The operating system keeps in memory what it has room for and reads the rest from the disk. The room on the disk is
reserved at the start, for a full disk would otherwise end the process in the middle of a step.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from adcascade.errors import StoreError
from adcascade.nn.table import Floats

PART_BYTES = 1 << 24  # how much of a table is in memory at once while it is written or copied


def cold_rows(folder: Path, rows: int, width: int) -> Floats:
    """Zeros [R, W] in an unnamed file of `folder`. StoreError where there is no room, or no such folder."""
    size = 4 * rows * width
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, np.float32, "r+", shape=(rows, width)))
    except OSError as error:
        raise StoreError(f"a table of {size / 1e6:,.0f} MB finds no place in {folder}: {error}") from error


def parts(rows: int, width: int) -> list[slice]:
    """Consecutive stretches of R rows of W numbers, PART_BYTES each at most."""
    step = max(PART_BYTES // (4 * width), 1)
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def save_rows(file: str, rows: Floats) -> None:
    """Write [R, K] as a .npy file, part by part. StoreError where that is refused."""
    head = {"descr": np.lib.format.dtype_to_descr(rows.dtype), "fortran_order": False, "shape": rows.shape}
    try:
        with Path(file).open("wb") as out:
            np.lib.format.write_array_header_1_0(out, head)
            out.writelines(rows[part].tobytes() for part in parts(*rows.shape))
    except OSError as error:
        raise StoreError(f"the table could not be written to {file}: {error}") from error
