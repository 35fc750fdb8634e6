"""Encoding of text columns: a fitted vocabulary and a hash, beside Arrow's own kernels, in values a CPU-second.

A million values follow Zipf's law over a vocabulary of words of one length; two in a hundred are unseen, one is null.
pyarrow's index_in gets the same words as its value set; dictionary_encode finds its words itself, an easier task. The
floor is reading every byte of the column once.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import alternate, figure, rates
from adcascade.features import tables

BAR = Bar(of="ratio", least=1.3)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--values", type=int, default=1_000_000, help="values of the column")
    parser.add_argument("--words", type=int, nargs="+", default=[1000, 100_000, 1_000_000], help="vocabulary sizes")
    parser.add_argument("--lengths", type=int, nargs="+", default=[8, 16], help="bytes a word")
    parser.add_argument("--exponent", type=float, default=1.05, help="of Zipf's law")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """A row a vocabulary, one of the hash, one of the same column encoded as a dictionary of its values."""
    rows: list[Row] = []
    for length in given.lengths:
        for size in given.words:
            rows += _vocabulary(given, size, length)
    return rows


def _vocabulary(given: argparse.Namespace, size: int, length: int) -> list[Row]:
    random = np.random.default_rng(given.seed)
    words, values = drawn(random, size, length, given.values, given.exponent)
    value_set, out = pa.array(words), np.empty(len(values), np.int64)
    table = tables.build(words)
    judge(table, words, values, out)
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: tables.look_up(table, values, out),
        "index_in": lambda: pc.index_in(values, value_set=value_set),
        "dictionary_encode": values.dictionary_encode,
        "hash": lambda: tables.hash_rows(100_000, values, out),
        "floor": lambda: _sum(tables.buffers(values).data),
    }
    spent = alternate(calls, rounds=given.rounds)
    found = {name: figure(rates(seconds, len(values) / 1e6)) for name, seconds in spent.items()}
    floor: dict[str, Any] = {"floor": found["floor"].median, "floor_of": "reading the bytes"}
    name = f"{size:,} words of {length} bytes"
    common: dict[str, Any] = {
        "value": found["ours"].median,
        "spread": found["ours"].spread,
        "unit": "M values/CPU-s",
        **floor,
    }
    best = Row(
        name=f"vocabulary, {name}", peer="pyarrow index_in", peer_value=found["index_in"].median, bar=BAR, **common
    )
    easier = found["dictionary_encode"].median
    rows = [
        best,
        Row(name=f"vocabulary, {name}", peer="pyarrow dictionary_encode", peer_value=easier, bar=BAR, **common),
    ]
    if size == max(given.words):
        hashed = found["hash"]
        rows.append(
            Row(name=f"hash, {name}", value=hashed.median, spread=hashed.spread, unit="M values/CPU-s", **floor)
        )
    return rows


def drawn(
    random: np.random.Generator, size: int, length: int, count: int, exponent: float
) -> tuple[list[str], pa.Array]:
    """The vocabulary, most frequent first, and a column: 97 % words of it, 2 % strangers, 1 % null."""
    numbers = random.permutation(size + size // 10 + 10)
    texts = [f"{number * 2654435761 % 2**40:x}".rjust(length, "k")[-length:] for number in numbers]
    texts = list(dict.fromkeys(texts))
    words, strangers = texts[:size], texts[size:] or ["stranger"]
    weight = 1 / np.arange(1, len(words) + 1) ** exponent
    place = random.choice(len(words), count, p=weight / weight.sum())
    kind = random.random(count)
    values = [words[at] for at in place]
    for at in np.flatnonzero(kind < 0.02):
        values[at] = strangers[at % len(strangers)]
    return words, pa.array(values, pa.string(), mask=kind > 0.99)


def judge(table: tables.Table, words: Sequence[str], values: pa.Array, out: NDArray[np.int64]) -> None:
    """RuntimeError where our rows are not those that index_in finds."""
    tables.look_up(table, values, out)
    known = pc.index_in(values, value_set=pa.array(words)).fill_null(-1).to_numpy() + 2
    expected = np.where(values.is_valid().to_numpy(zero_copy_only=False), known, 0)
    if not np.array_equal(out, expected):
        raise RuntimeError("the rows are not those that pyarrow's index_in finds")


@njit(cache=True)
def _sum(data: NDArray[np.uint8]) -> int:
    total = 0
    for value in data:
        total += value
    return total
