"""BadRows: what happens to a malformed row, and the count of those that were skipped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import RowError

OnError = Literal["stop", "skip"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the row's number in the file (1 is the first data row), the column, the value."""

    row: int
    column: str
    value: object
    expected: str


class BadRows:
    """ "stop" raises RowError at the first malformed row of a block; "skip" drops such rows and counts them."""

    def __init__(self, on_error: OnError) -> None:
        self.on_error = on_error
        self.reasons: Counter[str] = Counter()  # "column 'hour': not a time like %y%m%d%H" -> rows skipped

    @property
    def skipped(self) -> int:
        """Rows skipped so far; each counts once, by its first fault."""
        return self.reasons.total()

    def judge(self, file: Path, faults: Sequence[Fault], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows of a block may stay: `numbers` are their rows in the file, int64 [n] -> bool [n]."""
        if not faults:
            return np.ones(len(numbers), np.bool_)
        if self.on_error == "stop":
            first = min(faults, key=lambda fault: fault.row)
            raise RowError(file.name, first.row, first.column, first.value, first.expected)
        by_row = {fault.row: fault for fault in reversed(faults)}
        self.reasons.update(f"column {fault.column!r}: not {fault.expected}" for fault in by_row.values())
        return ~np.isin(numbers, np.fromiter(by_row, np.int64, len(by_row)))
