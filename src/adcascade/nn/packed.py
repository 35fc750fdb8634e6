"""PackedEmbedding: all embeddings of a model in one table, kept outside autograd.

A training step gathers the rows of a batch into one leaf tensor, lets autograd fill its gradient, and
gives that back to `update`, which sums the gradients of equal rows and applies Adagrad (Duchi et al.
2011) to the touched rows only:

    G_r += g_r²,    w_r -= rate g_r / (sqrt(G_r) + eps)

which is what torch.optim.Adagrad does with sparse gradients, without building them. Row-wise Adagrad
keeps one G per row, the mean of g_r² over the row. Time does not grow with the number of rows.

The kernels divide as NumPy does (error_model): a check for zero in the loop would keep it from running in vectors.

Letters in shapes: R rows, K width.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from adcascade.nn.table import Floats, Ids

Places = NDArray[np.int32]
Rule = tuple[np.float32, np.float32, np.float32]  # rate, l2, eps
FAST = {"reassoc", "contract", "arcp"}  # liberties that leave NaN and infinity what they are


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """Size, start and learning rule of a packed table."""

    width: int = 16  # K
    init_std: float = 0.01
    rate: float = 0.02
    l2: float = 0.0  # adds l2 times the row to the gradient of each touched row
    start: float = 0.0  # what G begins with; a larger one makes rare rows learn slowly and so overfit less
    eps: float = 1e-10
    row_wise: bool = False  # one G per row instead of one per weight


class PackedEmbedding:
    """`weight` float32 [R, K]; row 0 is padding: zero, and never learned."""

    def __init__(self, rows: int, config: TableConfig, *, seed: int = 0) -> None:
        self.config = config
        random = np.random.default_rng(seed)
        self.weight: Floats = random.standard_normal((rows, config.width), np.float32) * np.float32(config.init_std)
        self.weight[0] = 0
        self.squares: Floats = np.full((rows, 1 if config.row_wise else config.width), config.start, np.float32)
        self._place = np.full(rows, -1, np.int32)

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R."""
        return len(self.weight)

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K], copied."""
        return self.weight[ids.ravel()].reshape(*ids.shape, self.width)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] whose gradient `update` takes."""
        found = torch.from_numpy(self.weight).index_select(0, torch.from_numpy(ids).flatten())
        return found.view(*ids.shape, self.width).requires_grad_()

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., K] of what `gather(ids)` returned.

        A gradient of None (nothing was used) changes nothing.
        """
        if gradient is None or ids.size == 0:
            return
        rows, total = sum_by_row(ids.ravel(), gradient.reshape(-1, self.width).contiguous().numpy(), self._place)
        learn_rows(self.config, (self.weight, self.squares), rows, total, share)

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K]."""
        np.save(file, self.weight)

    def state_dict(self) -> dict[str, Floats]:
        """Copies of the weights and of the sums of squares."""
        return {"weight": self.weight.copy(), "squares": self.squares.copy()}

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state of the same shape; ValueError where it is not."""
        for name, ours in (("weight", self.weight), ("squares", self.squares)):
            if state[name].shape != ours.shape:
                raise ValueError(f"{name} is {state[name].shape}; expected {ours.shape}: load into the same encoder")
            ours[:] = state[name]


def learn_rows(config: TableConfig, held: tuple[Floats, Floats], rows: Ids, total: Floats, share: float) -> None:
    """One step of different rows [m] of the weights and sums in `held`, by their gradients [m, K], used up."""
    rule = (np.float32(config.rate * share), np.float32(config.l2), np.float32(config.eps))
    adagrad = _row_wise_adagrad if config.row_wise else _adagrad
    adagrad(*held, rows, total, rule)


@njit(cache=True, nogil=True)
def sum_by_row(ids: Ids, gradients: Floats, place: Places) -> tuple[Ids, Floats]:
    """Gradients [n, K] of rows [n] -> the different rows [m] but 0, in order of appearance, and their sums [m, K].

    `place`, int32 [R], is scratch: all -1 before and after.
    """
    n, width = gradients.shape
    rows = np.empty(n, np.int64)
    total = np.empty((n, width), np.float32)
    found = 0
    for i in range(n):
        row = ids[i]
        if row == 0:
            continue
        at = place[row]
        if at < 0:
            place[row] = found
            rows[found] = row
            for k in range(width):
                total[found, k] = gradients[i, k]
            found += 1
        else:
            for k in range(width):
                total[at, k] += gradients[i, k]
    for at in range(found):
        place[rows[at]] = -1
    return rows[:found], total[:found]


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _adagrad(weight: Floats, squares: Floats, rows: Ids, total: Floats, rule: Rule) -> None:
    rate, l2, eps = rule
    for at in range(len(rows)):
        row = rows[at]
        for k in range(weight.shape[1]):
            g = total[at, k] + l2 * weight[row, k]
            squares[row, k] += g * g
            weight[row, k] -= rate * g / (np.sqrt(squares[row, k]) + eps)


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _row_wise_adagrad(weight: Floats, squares: Floats, rows: Ids, total: Floats, rule: Rule) -> None:
    rate, l2, eps = rule
    width = weight.shape[1]
    for at in range(len(rows)):
        row = rows[at]
        mean = np.float32(0)
        for k in range(width):
            total[at, k] += l2 * weight[row, k]
            mean += total[at, k] * total[at, k]
        squares[row, 0] += mean / np.float32(width)
        step = rate / (np.sqrt(squares[row, 0]) + eps)
        for k in range(width):
            weight[row, k] -= step * total[at, k]
