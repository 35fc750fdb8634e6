"""Spill: records of one fixed form on disk, split by the bits of their key until each part fits into memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype(
    [
        ("key", [("high", np.uint64), ("low", np.uint64)]),
        ("time_us", np.int64),
        ("value", np.int64),
        ("kind", np.int64),
    ]
)
LIMIT = 1 << 18  # records of a part: some 10 MiB, and a few times as much while they are worked on
BITS = 5  # of the key that one split looks at: 32 files are open at a time
AT_ONCE = 1 << 14  # records read at once

Records = NDArray[np.void]


class Spill:
    """Records in one file of a folder, in the order in which they were written.

    depth: how many splits lie behind it, each by the next BITS bits of `high`.
    """

    def __init__(self, folder: Path, name: str = "events", depth: int = 0) -> None:
        self.path = folder / name
        self.rows = 0
        self.depth = depth
        self._file = self.path.open("wb")

    def write(self, records: Records) -> None:
        """Append them."""
        self._file.write(records.tobytes())
        self.rows += len(records)

    def read(self, at_once: int = AT_ONCE) -> Iterator[Records]:
        """All records again; nothing can be written afterwards."""
        self._file.close()
        with self.path.open("rb") as file:
            while len(found := np.fromfile(file, EVENT, at_once)):
                yield found

    def drop(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink()


def parts(spill: Spill, limit: int = LIMIT) -> Iterator[Records]:
    """The records in arrays of at most `limit`, those of one key always together; the files are removed on the way.

    Only where one key alone has more records than that, its array is longer.
    """
    if spill.rows <= limit or (spill.depth + 1) * BITS > 64:
        whole = list(spill.read(limit))
        spill.drop()
        if whole:
            yield np.concatenate(whole)
        return
    folder, name, depth = spill.path.parent, spill.path.name, spill.depth + 1
    split = [Spill(folder, f"{name}-{number}", depth) for number in range(1 << BITS)]
    shift = np.uint64(64 - BITS * depth)
    for records in spill.read():
        place = (records["key"]["high"] >> shift) & np.uint64((1 << BITS) - 1)
        ordered = records[np.argsort(place, kind="stable")]
        ends = np.cumsum(np.bincount(place.astype(np.int64), minlength=1 << BITS))
        for part, rows in zip(split, np.split(ordered, ends[:-1]), strict=True):
            part.write(rows)
    spill.drop()
    for part in split:
        yield from parts(part, limit)
