"""Column: numbers that grow at the end, as an array that an image can hold."""

import numpy as np
from numpy.typing import NDArray


class Column:
    """Numbers that grow at the end, int32, as an array."""

    def __init__(self) -> None:
        """No numbers."""
        self._full: NDArray[np.int32] = np.empty(0, np.int32)
        self._count = 0

    def __len__(self) -> int:
        """How many numbers."""
        return self._count

    def __getitem__(self, place: int) -> int:
        """The number of a place."""
        return int(self._full[place])

    def __setitem__(self, place: int, number: int) -> None:
        """Replace the number of a place."""
        self._full[place] = number

    def append(self, number: int) -> None:
        """Add one."""
        if self._count == len(self._full):
            self._full = np.concatenate((self._full, np.zeros(max(64, self._count), np.int32)))
        self._full[self._count] = number
        self._count += 1

    @property
    def values(self) -> NDArray[np.int32]:
        """All of them; a view."""
        return self._full[: self._count]

    @values.setter
    def values(self, numbers: NDArray[np.int32]) -> None:
        self._full, self._count = numbers, len(numbers)
