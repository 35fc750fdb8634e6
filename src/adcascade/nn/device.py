"""DeviceEmbedding: the packed table as torch tensors on one device, for training where a GPU is.

The same law as PackedEmbedding (`table.py`), by torch's own operators: ids go to the device once a step,
gradients of equal rows are summed by `index_add`, and Adagrad moves the touched rows. On a GPU these sums have no fixed
order, so two runs differ in the last bits; on a CPU they do not.

Letters in shapes: R rows, K width, n ids of a step, m different ones.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adcascade.errors import ConfigurationError
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.table import Floats, Ids

PART = 1 << 20  # rows that are written at once


class DeviceEmbedding:
    """`weight` float32 [R, K] and `squares` [R, K] or [R, 1] on `device`; row 0 is padding."""

    def __init__(self, rows: int, config: TableConfig, *, device: torch.device | str, seed: int = 0) -> None:
        """Starts with the same numbers as PackedEmbedding of the same seed."""
        start = PackedEmbedding(rows, config, seed=seed)
        self.config = config
        self.device = torch.device(device)
        self.weight = torch.from_numpy(start.weight).to(self.device)
        self.squares = torch.from_numpy(start.squares).to(self.device)
        self._sent: tuple[Ids, Tensor] | None = None  # the ids of the last gather, here and there

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R."""
        return len(self.weight)

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] on the device whose gradient `update` takes."""
        there = self._there(ids)
        self._sent = (ids, there)
        return self.weight.index_select(0, there).view(*ids.shape, self.width).requires_grad_()

    @torch.no_grad()
    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., K] of what `gather(ids)` returned."""
        if gradient is None or ids.size == 0:
            return
        there = self._sent[1] if self._sent is not None and self._sent[0] is ids else self._there(ids)
        self._sent = None
        rows, place = torch.unique(there, return_inverse=True)
        total = torch.zeros((len(rows), self.width), device=self.device)
        total.index_add_(0, place, gradient.reshape(-1, self.width).to(self.device, torch.float32))
        total *= (rows != 0)[:, None]
        self._adagrad(rows, total, share)

    def _adagrad(self, rows: Tensor, total: Tensor, share: float) -> None:
        c = self.config
        weight, squares = self.weight.index_select(0, rows), self.squares.index_select(0, rows)
        if c.l2:
            total = total + c.l2 * weight
        grown = (total * total).mean(dim=1, keepdim=True) if c.row_wise else total * total
        squares += grown
        weight -= c.rate * share * total / (squares.sqrt() + c.eps)
        self.weight.index_copy_(0, rows, weight)
        self.squares.index_copy_(0, rows, squares)

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K], to read on the host."""
        found: Floats = self.weight.index_select(0, self._there(ids)).view(*ids.shape, self.width).cpu().numpy()
        return found

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K], a part after the other."""
        out = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(self.rows, self.width))
        for start in range(0, self.rows, PART):
            out[start : start + PART] = self.weight[start : start + PART].cpu().numpy()
        out.flush()

    def state_dict(self) -> dict[str, Floats]:
        """Copies on the host of the weights and of the sums of squares."""
        return {"weight": self.weight.cpu().numpy().copy(), "squares": self.squares.cpu().numpy().copy()}

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state of the same shape, of whatever table; ValueError where it is not."""
        for name, ours in (("weight", self.weight), ("squares", self.squares)):
            if state[name].shape != tuple(ours.shape):
                raise ValueError(
                    f"{name} is {state[name].shape}; expected {tuple(ours.shape)}: load into the same encoder"
                )
            ours.copy_(torch.from_numpy(np.ascontiguousarray(state[name])))

    def _there(self, ids: NDArray[np.integer]) -> Tensor:
        flat = torch.from_numpy(np.ascontiguousarray(ids).reshape(-1))
        if self.device.type == "cuda":
            flat = flat.pin_memory()
        return flat.to(self.device, torch.int64, non_blocking=True)


def device_named(name: str) -> torch.device:
    """ "cpu", "cuda", "cuda:1", or "auto" (a GPU where there is one). ConfigurationError where it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigurationError(f"train.device is {name!r}; expected cpu, cuda, cuda:NUMBER or auto") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f"train.device is {name!r}, and torch sees {torch.cuda.device_count()} GPUs: set it to auto or cpu, or "
            "install a CUDA build of torch and its driver"
        )
    if device.type not in {"cpu", "cuda"}:
        raise ConfigurationError(f"train.device is {name!r}; expected cpu, cuda, cuda:NUMBER or auto")
    return device
