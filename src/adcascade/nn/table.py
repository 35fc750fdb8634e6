"""EmbeddingTable: rows of embeddings outside autograd, wherever they lie.

The training loop asks nothing else of a table: memory (`packed.py`), and others that keep the same law. The law: after
the same calls of `gather` and `update` every table holds the same rows, up to the rounding of float32.

Letters in shapes: R rows, K width.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class EmbeddingTable(Protocol):
    """Row 0 is padding: zero, and never learned."""

    @property
    def width(self) -> int:
        """K."""
        ...

    @property
    def rows(self) -> int:
        """R."""
        ...

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] whose gradient `update` takes."""
        ...

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., K] of what `gather(ids)` returned.

        Gradients of equal rows are summed first. A gradient of None (nothing was used) changes nothing.
        """
        ...

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K], to read."""
        ...

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K], part by part where they do not fit into memory."""
        ...

    def state_dict(self) -> dict[str, Floats]:
        """Copies of the weights [R, K] and of the learning rule's sums of squares [R, K] or [R, 1]."""
        ...

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state of the same shape; ValueError where it is not."""
        ...
