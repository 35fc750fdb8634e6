"""PlainEmbedding: a table as PyTorch's own parts make it, nn.functional.embedding and a sparse torch.optim.Adagrad.

The reference twin of PackedEmbedding: the same law, by torch's chain of small operators. Nobody trains with it; tests,
the study of PICASSO and the benchmarks compare with it.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.sparse import check_sparse_tensor_invariants

from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import Floats, Ids


class PlainEmbedding:
    """Keeps `EmbeddingTable`; starts as PackedEmbedding does. ValueError for rules that torch lacks (row-wise, l2)."""

    def __init__(self, rows: int, config: TableConfig, *, seed: int = 0) -> None:
        if config.row_wise or config.l2:
            raise ValueError(f"{config}: torch's sparse Adagrad is neither row-wise nor has it weight decay")
        self.config = config
        self.parameter = nn.Parameter(torch.from_numpy(PackedEmbedding(rows, config, seed=seed).weight))
        self.optimiser = torch.optim.Adagrad(
            [self.parameter], lr=config.rate, eps=config.eps, initial_accumulator_value=config.start
        )

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R."""
        return len(self.parameter)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] whose gradient `update` takes."""
        with torch.no_grad():
            found = F.embedding(torch.from_numpy(ids), self.parameter, padding_idx=0)
        return found.requires_grad_()

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K]."""
        return self.gather(ids).detach().numpy()

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate: the sparse gradient that autograd would make, then the optimiser's."""
        if gradient is None or ids.size == 0:
            return
        rows = torch.from_numpy(ids.ravel())
        learned = (rows != 0).nonzero().squeeze(1)
        given = gradient.reshape(-1, self.width)[learned]
        self.optimiser.param_groups[0]["lr"] = self.config.rate * share
        with check_sparse_tensor_invariants(False):  # type: ignore[no-untyped-call]  # torch asks
            self.parameter.grad = torch.sparse_coo_tensor(rows[learned][None], given, self.parameter.shape)
            self.optimiser.step()

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K]."""
        np.save(file, self.parameter.detach().numpy())

    def state_dict(self) -> dict[str, Floats]:
        """Copies of the weights and of the sums of squares."""
        held = {"weight": self.parameter, "squares": self._squares}
        return {name: tensor.detach().numpy().copy() for name, tensor in held.items()}

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state of the same shape; ValueError where it is not."""
        for name, ours in (("weight", self.parameter), ("squares", self._squares)):
            if state[name].shape != tuple(ours.shape):
                raise ValueError(f"{name} is {state[name].shape}; expected {tuple(ours.shape)}")
            ours.detach().copy_(torch.from_numpy(state[name]))

    @property
    def _squares(self) -> Tensor:
        squares: Tensor = self.optimiser.state[self.parameter]["sum"]
        return squares
