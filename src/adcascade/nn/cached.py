"""CachedEmbedding: a table larger than memory, its frequent rows in memory and the others in a mapped file.

PICASSO's HybridHash (arXiv 2204.04903). Two tiers:

    hot    weights [k, K] and sums of squares [k, S] in memory: the k rows that were looked up most
    cold   one file, float32 [R, K + S]: a row's weights and sums side by side, so that a miss touches one page

Each look-up of a gathered row counts 1; with every choice of the hot rows an older count is worth `decay` less, which
is done by making the newer ones worth more. Only rows whose count has passed the smallest count of a hot row can
become hot, so a choice looks at those and the hot ones, never at all R. A hot row is read and learned in memory
alone: what the file holds of it is stale until the row leaves or the table is saved.

The law is PackedEmbedding's, by the same kernels: after the same calls the rows are the same to the last bit.
One thread may gather while another one updates.

Letters in shapes: R rows, K width, S width of the sums (1 or K), k hot rows.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from adcascade.nn.cold import cold_rows, parts, save_rows
from adcascade.nn.packed import TableConfig, learn_rows, sum_by_row
from adcascade.nn.table import Floats, Ids

Places = NDArray[np.int32]
INDEX_BYTES = 12  # of memory per row, hot or cold: its slot, its count, scratch
MOST_WORTH = 1e20  # of one look-up, before all counts are scaled down


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """How many rows are hot, and when they are chosen."""

    hot_rows: int  # k
    warm_up: int = 100  # updates before the first choice
    flush_every: int = 200  # updates between two choices
    decay: float = 0.9  # what a count is worth after a choice, of what it was worth before

    @classmethod
    def within(cls, memory_bytes: float, rows: int, config: TableConfig) -> "CacheConfig":
        """As many hot rows as the memory holds beside the index of all R rows; ValueError where that alone is more."""
        left = memory_bytes - INDEX_BYTES * rows
        if left < 0:
            raise ValueError(
                f"{memory_bytes / 1e6:,.1f} MB of memory for {rows:,} rows; their index alone needs "
                f"{INDEX_BYTES * rows / 1e6:,.1f} MB: allow more"
            )
        return cls(hot_rows=min(int(left // hot_row_bytes(config)), rows - 1))


@dataclass(slots=True)
class Traffic:
    """What was looked up for training: ids other than padding, how many were hot, bytes that came from the file."""

    lookups: int = 0
    hits: int = 0
    cold_bytes: int = 0
    moved: int = 0  # rows that became hot

    @property
    def hit_ratio(self) -> float:
        """hits / lookups; 0 before any."""
        return self.hits / self.lookups if self.lookups else 0.0


def row_bytes(config: TableConfig) -> int:
    """Weights and sums of one row."""
    return 4 * (config.width + (1 if config.row_wise else config.width))


def hot_row_bytes(config: TableConfig) -> int:
    """Of memory for one hot row: weights, sums, its number, whether it has changed."""
    return row_bytes(config) + 9


class CachedEmbedding:
    """Keeps `EmbeddingTable`. The file lies unnamed in `folder` and is gone when the table is."""

    def __init__(self, rows: int, config: TableConfig, cache: CacheConfig, folder: Path, *, seed: int = 0) -> None:
        self.config, self.cache, self.traffic = config, cache, Traffic()
        self._rows, k = rows, max(min(cache.hot_rows, rows - 1), 0)
        sums = 1 if config.row_wise else config.width
        self._cold = cold_rows(folder, rows, config.width + sums)
        self._weight, self._squares = self._cold[:, : config.width], self._cold[:, config.width :]
        self._begin(seed)
        self._hot_weight, self._hot_squares = np.zeros((k, config.width), np.float32), np.zeros((k, sums), np.float32)
        self._hot_row, self._dirty = np.full(k, -1, np.int64), np.zeros(k, np.bool_)
        self._slot, self._place = np.full(rows, -1, np.int32), np.full(rows, -1, np.int32)
        self._counts, self._worth, self._least = np.zeros(rows, np.float32), 1.0, 0.0
        self._risen: list[Ids] = []  # cold rows whose count has passed `_least` since the last choice
        self._updates = 0
        self._lock = threading.Lock()

    def _begin(self, seed: int) -> None:
        """The same first weights as PackedEmbedding's, drawn part by part."""
        random, c = np.random.default_rng(seed), self.config
        for part in parts(*self._weight.shape):
            drawn = random.standard_normal((part.stop - part.start, c.width), np.float32)
            self._weight[part] = drawn * np.float32(c.init_std)
        self._weight[0] = 0
        if c.start:
            self._squares[:] = c.start

    @property
    def width(self) -> int:
        """K."""
        return self.config.width

    @property
    def rows(self) -> int:
        """R."""
        return self._rows

    @property
    def resident_bytes(self) -> int:
        """Memory that the table holds for good: the hot tier and the index; not the file's pages."""
        held = (self._hot_weight, self._hot_squares, self._hot_row, self._dirty, self._slot, self._place, self._counts)
        return sum(one.nbytes for one in held)

    @property
    def hot(self) -> Ids:
        """Numbers of the hot rows."""
        return self._hot_row[self._hot_row >= 0]

    def gather(self, ids: Ids) -> Tensor:
        """The rows of `ids`, any shape [...] -> a leaf [..., K] whose gradient `update` takes; counted."""
        with self._lock:
            flat = ids.ravel()
            risen = np.empty(len(flat), np.int64)
            n = _count(flat, self._counts, (self._worth, self._least), self._slot, risen)
            self._risen.append(risen[:n].copy())
            found, asked, missed = self._read(flat)
            self.traffic.lookups += asked
            self.traffic.hits += asked - missed
            self.traffic.cold_bytes += 4 * self.width * missed
        return torch.from_numpy(found.reshape(*ids.shape, self.width)).requires_grad_()

    def look_up(self, ids: Ids) -> Floats:
        """The rows of `ids`, any shape [...] -> [..., K], to read; not counted."""
        with self._lock:
            return self._read(ids.ravel())[0].reshape(*ids.shape, self.width)

    def _read(self, flat: Ids) -> tuple[Floats, int, int]:
        found = np.empty((len(flat), self.width), np.float32)
        asked, missed = _read(flat, self._slot, self._hot_weight, self._weight, found)
        return found, asked, missed

    def update(self, ids: Ids, gradient: Tensor | None, *, share: float = 1.0) -> None:
        """One step, at `share` of the rate, from the gradient [..., K] of what `gather(ids)` returned.

        A gradient of None (nothing was used) changes nothing.
        """
        if gradient is None or ids.size == 0:
            return
        given = gradient.reshape(-1, self.width).contiguous().numpy()
        with self._lock:
            rows, total = sum_by_row(ids.ravel(), given, self._place)
            slots = self._slot[rows].astype(np.int64)
            hot, cold = slots >= 0, slots < 0
            learn_rows(self.config, (self._hot_weight, self._hot_squares), slots[hot], total[hot], share)
            self._dirty[slots[hot]] = True
            self._learn_cold(rows[cold], total[cold], share)
            self._updates += 1
            since = self._updates - self.cache.warm_up
            if since >= 0 and since % self.cache.flush_every == 0:
                self._choose()

    def _learn_cold(self, rows: Ids, total: Floats, share: float) -> None:
        """Cold rows are learned in memory, laid out as hot ones are: the kernel is the same, and so are the bits."""
        weight, squares = self._weight[rows], self._squares[rows]
        learn_rows(self.config, (weight, squares), np.arange(len(rows)), total, share)
        self._weight[rows], self._squares[rows] = weight, squares
        self.traffic.cold_bytes += row_bytes(self.config) * len(rows)

    def _choose(self) -> None:
        """The rows with the highest counts become, or stay, hot."""
        k = len(self._hot_row)
        stood = np.concatenate((self.hot, *self._risen))
        self._risen = []
        if k == 0 or not len(stood):
            return
        if len(stood) > k:
            stood = stood[np.argpartition(-self._counts[stood], k - 1)[:k]]
        slots = self._slot[stood]
        free = np.ones(k, np.bool_)
        free[slots[slots >= 0]] = False
        self._write_back(free & self._dirty)
        leaving = np.flatnonzero(free & (self._hot_row >= 0))
        self._slot[self._hot_row[leaving]] = -1
        self._hot_row[leaving] = -1
        self._load(stood[slots < 0], np.flatnonzero(free))
        self._least = float(self._counts[stood].min()) if len(stood) == k else 0.0
        self._age()

    def _load(self, rows: Ids, free: Ids) -> None:
        """Bring cold rows into free slots."""
        places = free[: len(rows)]
        self._hot_weight[places], self._hot_squares[places] = self._weight[rows], self._squares[rows]
        self._hot_row[places], self._slot[rows], self._dirty[places] = rows, places, False
        self.traffic.moved += len(rows)

    def _age(self) -> None:
        """A look-up is worth more from now on; before that grows out of float32 all counts are scaled."""
        self._worth /= self.cache.decay
        if self._worth > MOST_WORTH:
            scale = np.float32(self._worth)
            self._counts /= scale
            self._worth, self._least = 1.0, float(np.float32(self._least) / scale)

    def _write_back(self, which: NDArray[np.bool_]) -> None:
        """Bring the file up to date with these slots."""
        rows = self._hot_row[which]
        self._weight[rows], self._squares[rows] = self._hot_weight[which], self._hot_squares[which]
        self._dirty[which] = False

    def write_back(self) -> None:
        """Bring the file up to date with memory."""
        with self._lock:
            self._write_back(self._dirty.copy())

    def save(self, file: str) -> None:
        """Write all rows as a .npy file of float32 [R, K], part by part."""
        self.write_back()
        save_rows(file, self._weight)

    def state_dict(self) -> dict[str, Floats]:
        """Copies, in memory, of the weights [R, K] and of the sums of squares [R, S]."""
        self.write_back()
        return {"weight": self._weight.copy(), "squares": self._squares.copy()}

    def load_state_dict(self, state: dict[str, Floats]) -> None:
        """Continue from a state of the same shape; ValueError where it is not. What is hot stays hot."""
        for name, ours in (("weight", self._weight), ("squares", self._squares)):
            if state[name].shape != ours.shape:
                raise ValueError(f"{name} is {state[name].shape}; expected {ours.shape}: load into the same encoder")
            ours[:] = state[name]
        held = self._hot_row >= 0
        self._hot_weight[held], self._hot_squares[held] = self._weight[self.hot], self._squares[self.hot]
        self._dirty[:] = False


@njit(cache=True, nogil=True)
def _read(ids: Ids, slot: Places, hot: Floats, cold: Floats, found: Floats) -> tuple[int, int]:
    """Fill `found` [n, K] from wherever each row lives; how many were no padding, and how many of those were cold."""
    asked, missed = 0, 0
    for i in range(len(ids)):
        row = ids[i]
        if row == 0:
            found[i] = 0
            continue
        asked += 1
        at = slot[row]
        if at >= 0:
            found[i] = hot[at]
        else:
            found[i] = cold[row]
            missed += 1
    return asked, missed


@njit(cache=True, nogil=True)
def _count(ids: Ids, counts: Floats, worth_and_least: tuple[float, float], slot: Places, risen: Ids) -> int:
    """Count each look-up; into `risen` go the cold rows whose count passes `least` by it; how many those are."""
    worth, least = np.float32(worth_and_least[0]), np.float32(worth_and_least[1])
    n = 0
    for i in range(len(ids)):
        row = ids[i]
        if row == 0:
            continue
        before = counts[row]
        counts[row] = before + worth
        if slot[row] < 0 and before <= least < counts[row]:
            risen[n] = row
            n += 1
    return n
