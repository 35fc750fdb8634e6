"""Batch: B encoded samples, the same offline (B samples) and online (B = 1 request, or B = n ads)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

NO_KEYS = np.zeros((0, 0), np.int64)
NO_MATCH = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Encoded features; letters: B samples, F categorical fields, D numbers, L steps, S parallel sequences.

    Columns of the request's side (user, context, scenario) come first, those of the ad's side last;
    `features.Encoder` says how many of each. A batch of one side holds that side's columns alone.

    `ids` may lie row by row or column by column in memory (an encoded block does the latter, as Parquet does);
    `take` keeps the order, and a slice is a view.
    """

    ids: NDArray[np.int64]  # [B, F] rows of the packed embedding table (field offsets added)
    dense: NDArray[np.float32]  # [B, D]
    history: NDArray[np.int64]  # [B, L, S] rows of the same table, oldest first, right-padded with row 0
    history_length: NDArray[np.int64]  # [B]
    scenario: NDArray[np.int64]  # [B] number of the scenario; 0 is "missing", 1 is "never seen"
    keys: NDArray[np.int64] = field(
        default_factory=lambda: NO_KEYS
    )  # [B, P] of one side: hashes by which request and ad are matched
    match: NDArray[np.float32] = field(
        default_factory=lambda: NO_MATCH
    )  # [B, M] of pairs: what request and ad have in common

    def __post_init__(self) -> None:
        """Whoever matches nothing has no columns of it."""
        for name, none in (("keys", NO_KEYS), ("match", NO_MATCH)):
            if getattr(self, name) is none:
                object.__setattr__(self, name, np.zeros((len(self.ids), 0), none.dtype))

    def __len__(self) -> int:
        """The number of samples, B."""
        return len(self.ids)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """The samples of all parts, one after the other; all must have the same columns."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})

    def take(self, index: NDArray[np.integer] | slice) -> "Batch":
        """The samples at these places."""
        return Batch(**{one.name: _rows(getattr(self, one.name), index) for one in fields(self)})

    def slices(self, size: int) -> Iterator["Batch"]:
        """Consecutive parts of at most `size` samples."""
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size))


def _rows(values: NDArray[Any], index: NDArray[np.integer] | slice) -> NDArray[Any]:
    """values[index], column by column where the columns lie end to end: NumPy's own would turn them into rows."""
    if isinstance(index, slice) or values.ndim != 2 or values.flags.c_contiguous:
        return values[index]
    return np.take(values.T, index, axis=1).T
