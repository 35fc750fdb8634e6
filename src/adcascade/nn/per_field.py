"""PerFieldEmbedding: packing undone. The numbering of one packed table, over a table of its own for each field.

The twin that shows what packing saves: every look-up and every update is one chain of operators a field. Rows are
numbered as an encoder does, 0 for padding and then field after field, and ids come in columns, one a field; samples
have no history. It starts as PackedEmbedding does.

Letters in shapes: F fields, K width, R rows.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.plain import PlainEmbedding
from adcascade.nn.table import Floats, Ids


class PerFieldEmbedding:
    """Keeps `EmbeddingTable` for ids [..., F], or those end to end; `sizes` [F] says how many rows each field has."""

    def __init__(self, sizes: Sequence[int], config: TableConfig, *, seed: int = 0) -> None:
        self.config, self.sizes = config, tuple(sizes)
        self._starts = np.cumsum([1, *sizes[:-1]])  # [F] the first row of each field
        self.tables = [PlainEmbedding(size + 1, config) for size in sizes]
        self.load_state_dict(PackedEmbedding(self.rows, config, seed=seed).state_dict())

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R."""
        return 1 + sum(self.sizes)

    def _columns(self, ids: Ids) -> Ids:
        """[n, F]: the rows of each field's own table."""
        columns = ids.reshape(-1, len(self.tables))
        return np.where(columns > 0, columns - self._starts + 1, 0)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, [..., F] -> a leaf [..., F, K] whose gradient `update` takes."""
        columns = self._columns(ids)
        with torch.no_grad():
            found = torch.stack([table.gather(columns[:, f]) for f, table in enumerate(self.tables)], dim=1)
        return found.reshape(*ids.shape, self.width).requires_grad_()

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, [..., F] -> [..., F, K], or of any ids -> [..., K]."""
        field = np.searchsorted(self._starts, ids, side="right") - 1  # -1 for padding
        found: Floats = np.zeros((*ids.shape, self.width), np.float32)
        for f, one in enumerate(self.tables):
            here = field == f
            found[here] = one.look_up(ids[here] - self._starts[f] + 1)
        return found

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., F, K] of what `gather(ids)` returned."""
        if gradient is None or ids.size == 0:
            return
        columns, given = self._columns(ids), gradient.reshape(-1, len(self.tables), self.width)
        for f, table in enumerate(self.tables):
            table.update(columns[:, f], given[:, f], share=share)

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K]."""
        np.save(file, self.state_dict()["weight"])

    def state_dict(self) -> dict[str, Floats]:
        """Copies of the weights and of the sums of squares, in the packed numbering."""
        states = [table.state_dict() for table in self.tables]
        return {
            name: np.concatenate((states[0][name][:1], *(state[name][1:] for state in states))) for name in states[0]
        }

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state in the packed numbering; ValueError where its shape is another."""
        if len(state["weight"]) != self.rows:
            raise ValueError(
                f"weight has {len(state['weight'])} rows; expected {self.rows}: load into the same encoder"
            )
        for start, size, table in zip(self._starts, self.sizes, self.tables, strict=True):
            own = {name: np.concatenate((rows[:1], rows[start : start + size])) for name, rows in state.items()}
            table.load_state_dict(own)
