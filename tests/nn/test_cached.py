"""Laws of the cached table: the rows of the packed one to the last bit, within the memory that was allowed."""

import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adcascade.errors import StoreError
from adcascade.nn.cached import INDEX_BYTES, CacheConfig, CachedEmbedding, hot_row_bytes, row_bytes
from adcascade.nn.cold import PART_BYTES, cold_rows
from adcascade.nn.packed import PackedEmbedding, TableConfig

ROWS, WIDTH = 40, 3
ids_of = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=12)


class BesidePacked(RuleBasedStateMachine):
    """Any calls, in any order, on a cached table and on a packed one: the same bits come back."""

    folder: ClassVar[Path]
    cached: CachedEmbedding
    packed: PackedEmbedding

    @initialize(
        hot=st.integers(0, ROWS + 5),
        every=st.integers(1, 4),
        decay=st.sampled_from([1.0, 0.5, 1e-6]),
        row_wise=st.booleans(),
    )
    def begin(self, hot: int, every: int, decay: float, row_wise: bool) -> None:
        """Two tables of one seed."""
        config = TableConfig(width=WIDTH, rate=0.1, init_std=0.1, l2=0.01, row_wise=row_wise, start=0.1)
        cache = CacheConfig(hot_rows=hot, warm_up=every // 2 + 1, flush_every=every, decay=decay)
        self.cached = CachedEmbedding(ROWS, config, cache, self.folder, seed=3)
        self.packed = PackedEmbedding(ROWS, config, seed=3)
        self.random = np.random.default_rng(0)

    @rule(ids=ids_of, share=st.sampled_from([1.0, 0.5]))
    def step(self, ids: list[int], share: float) -> None:
        """Gather and update."""
        rows = np.array(ids)
        np.testing.assert_array_equal(self.cached.gather(rows).detach(), self.packed.gather(rows).detach())
        gradient = torch.from_numpy(self.random.standard_normal((len(ids), WIDTH)).astype(np.float32))
        for table in (self.cached, self.packed):
            table.update(rows, gradient, share=share)

    @rule(ids=ids_of)
    def read(self, ids: list[int]) -> None:
        """Look up."""
        np.testing.assert_array_equal(self.cached.look_up(np.array([ids])), self.packed.look_up(np.array([ids])))

    @rule()
    def save_and_restore(self) -> None:
        """The whole state, there and back into itself."""
        state, twin = self.cached.state_dict(), self.packed.state_dict()
        for name, values in state.items():
            np.testing.assert_array_equal(values, twin[name])
        self.cached.load_state_dict(state)

    @rule(seed=st.integers(0, 99))
    def load_another(self, seed: int) -> None:
        """A state that neither had: nothing of the old one is left in either tier."""
        state = PackedEmbedding(ROWS, self.packed.config, seed=seed).state_dict()
        for table in (self.cached, self.packed):
            table.load_state_dict(state)

    @invariant()
    def the_hot_tier_is_in_order(self) -> None:
        """Each hot row has one slot, each slot one row, and never more than were allowed."""
        if hasattr(self, "cached"):
            hot = self.cached.hot
            assert len(set(hot.tolist())) == len(hot) <= self.cached.cache.hot_rows
            np.testing.assert_array_equal(self.cached._hot_row[self.cached._slot[hot]], hot)
            assert (self.cached._slot >= 0).sum() == len(hot)


def test_a_cached_table_is_a_packed_one(tmp_path: Path) -> None:
    """The machine above, run by Hypothesis."""

    class InFolder(BesidePacked):
        folder = tmp_path

    case = InFolder.TestCase
    case.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
    case("runTest").runTest()


def zipf(rows: int, n: int, seed: int, power: float = 1.05) -> np.ndarray:
    """Ids from 1, the smaller the more frequent."""
    weight = 1 / np.arange(1, rows) ** power
    return 1 + np.random.default_rng(seed).choice(rows - 1, n, p=weight / weight.sum())


def test_the_hot_rows_are_those_that_were_looked_up_most(tmp_path: Path) -> None:
    """Without decay: a brute-force count of all look-ups; and what is counted is what training gathers, no padding."""
    cache = CacheConfig(hot_rows=10, warm_up=2, flush_every=3, decay=1.0)
    table = CachedEmbedding(500, TableConfig(width=2), cache, tmp_path)
    counts = np.zeros(500, int)
    for step in range(8):
        ids = np.append(zipf(500, 300, step), [0, 0])
        counts += np.bincount(ids, minlength=500)
        table.update(ids, torch.ones(len(table.gather(ids)), 2))
        table.look_up(np.arange(500))
    counts[0] = 0
    tenth = np.sort(counts)[-10]
    assert set(np.flatnonzero(counts > tenth)) <= set(table.hot.tolist()) <= set(np.flatnonzero(counts >= tenth))
    assert table.traffic.lookups == 8 * 300


def test_counts_decay_so_that_yesterdays_rows_make_room(tmp_path: Path) -> None:
    """Rows that were frequent for long leave within a few choices after the last look-up; without decay they stay."""
    old, new = np.arange(1, 11), np.arange(11, 21)
    for decay, wanted in ((0.2, new), (1.0, old)):
        table = CachedEmbedding(
            50, TableConfig(width=2), CacheConfig(hot_rows=10, warm_up=1, flush_every=1, decay=decay), tmp_path
        )
        for ids in [old] * 30 + [new] * 3:
            table.update(ids, torch.ones(len(table.gather(ids)), 2))
        assert sorted(table.hot.tolist()) == wanted.tolist()


def test_memory_is_bounded_whatever_the_table(tmp_path: Path) -> None:
    """The hot tier and the index stay within what was allowed, for a file thirty times as large; misses are counted."""
    rows, config, allowed = 30_000, TableConfig(width=64), 1 << 19
    cache = CacheConfig.within(allowed, rows, config)
    table = CachedEmbedding(rows, config, cache, tmp_path)
    assert table._cold.nbytes > 29 * allowed
    missed = 0
    for step in range(6):
        ids = zipf(rows, 2000, step)
        hot = np.isin(ids, table.hot)
        missed += int((~hot).sum()) * 4 * 64 + len(np.setdiff1d(ids, table.hot)) * row_bytes(config)
        table.update(ids, torch.ones(len(table.gather(ids)), 64))
        assert table.resident_bytes <= allowed
    assert table.traffic.cold_bytes == missed
    with pytest.raises(ValueError, match=r"index alone needs 0\.4 MB"):
        CacheConfig.within(INDEX_BYTES * rows - 1, rows, config)
    assert CacheConfig.within(INDEX_BYTES * rows + 7 * hot_row_bytes(config), rows, config).hot_rows == 7


GROWS = """
import sys, resource
from pathlib import Path
import numpy as np
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.nn.packed import TableConfig
table = CachedEmbedding(100, TableConfig(width=32), CacheConfig(hot_rows=10), Path(sys.argv[1]))
table.look_up(np.arange(100))
table.save(sys.argv[1] + "/small.npy")
anonymous = lambda: int(next(l for l in open("/proc/self/status") if l.startswith("RssAnon")).split()[1])
before = anonymous()
table = CachedEmbedding(500_000, TableConfig(width=32), CacheConfig(hot_rows=10), Path(sys.argv[1]))
table.save(sys.argv[1] + "/table.npy")
print(anonymous() - before)
"""


def test_making_and_saving_a_large_table_takes_little_memory(tmp_path: Path) -> None:
    """128 MB of rows: what the process holds for itself grows by the index and a few parts."""
    done = subprocess.run(
        [sys.executable, "-c", GROWS, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) * 1024 < INDEX_BYTES * 500_000 + 3 * PART_BYTES
    saved = np.load(tmp_path / "table.npy", mmap_mode="r")
    twin = PackedEmbedding(500_000, TableConfig(width=32)).weight
    assert saved.shape == twin.shape
    assert (saved[::997] == twin[::997]).all()


def test_one_thread_may_gather_while_another_updates(tmp_path: Path) -> None:
    """Rows wander between the tiers all the time, and a reader of untouched rows never sees another one's."""
    config = TableConfig(width=4, init_std=0.1)
    table = CachedEmbedding(
        200, config, CacheConfig(hot_rows=20, warm_up=1, flush_every=1, decay=0.5), tmp_path, seed=1
    )
    still = np.arange(100, 200)
    wanted = PackedEmbedding(200, config, seed=1).weight[still]
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            wrong.extend([1] * int((table.gather(still).detach().numpy() != wanted).any()))

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(300):
        ids = zipf(100, 50, step)
        table.update(ids, torch.ones(len(table.gather(ids)), 4))
    done.set()
    reader.join()
    assert not wrong


def test_a_disk_without_room_is_said_at_the_start(tmp_path: Path) -> None:
    """Not in the middle of a step; and a folder that is none."""
    with pytest.raises(StoreError, match=r"finds no place in .*nowhere"):
        cold_rows(tmp_path / "nowhere", 10, 4)
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, kept[1]))
    try:
        with pytest.raises(StoreError, match="a table of 160 MB"):
            cold_rows(tmp_path, 10_000_000, 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_another_shape_is_refused(tmp_path: Path) -> None:
    """As by the packed table."""
    table = CachedEmbedding(5, TableConfig(width=2), CacheConfig(hot_rows=2), tmp_path)
    with pytest.raises(ValueError, match="same encoder"):
        table.load_state_dict(PackedEmbedding(6, TableConfig(width=2)).state_dict())
