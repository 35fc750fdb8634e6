"""A step of training, DCN-V2 and DIN, on ready batches beside FuxiCTR's train_step and the processor's floor.

Both learn the same batches of ids by a power law, with the same sizes: a table per field, width 16; three full cross
layers beside an MLP of 256-128-64, or attention with 64 hidden units over 50 steps before such an MLP. Ours is the
product's `Step`: gather, forward, backward, AdamW of the dense part, Adagrad of the table. FuxiCTR uses Adagrad for
both. Its attention has ReLU where ours has PReLU. Processes take turns; times are CPU time, one thread.

    exact      float32, Adagrad by weight: the peer's maths
    medium     the same, by the products that torch finds quickest ("medium")
    row        float32, row-wise Adagrad
    bf16       products in bf16, row-wise Adagrad
    compiled   like `row`, by torch.compile (half a minute before the first step; not in the default)

The floor counts the multiplications of the dense part alone, at the rate of one large matrix product in this run; for
`bf16` at the rate of that. Where that is the lower rate, the processor has no quick bf16, and float32 is the best.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from adcascade.bench import Bar, Row
from adcascade.bench.peers import PeerAbsentError, ask_peer
from adcascade.bench.rounds import alternate, figure, rates
from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Step, Training
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking import DIN, DCNv2

PEER = Path(__file__).parent / "peers" / "fuxictr_step.py"
ARMS: dict[str, dict[str, Any]] = {
    "exact": {},
    "medium": {"precision": "medium"},
    "row": {"row_wise": True},
    "bf16": {"row_wise": True, "precision": "bf16"},
    "compiled": {"row_wise": True, "compiled": True},
}
HIDDEN, ATTENTION, CROSSES = (256, 128, 64), 64, 3
LARGE = 5_000_000  # rows: from here one round, and no two tables in memory beside each other
# by model and vocabulary: the least ratio of exact maths, and of the best
BARS = {("dcn_v2", 100_000): (2.3, 4.0), ("dcn_v2", 1_000_000): (12.0, 20.0), ("din", 100_000): (None, 3.5)}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--model", nargs="+", choices=("dcn_v2", "din"), default=["dcn_v2", "din"])
    parser.add_argument("--vocab", nargs="+", type=int, default=[100_000, 1_000_000], help="rows of a field's table")
    parser.add_argument("--fields", type=int, default=26)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--length", type=int, default=50, help="most steps of a history, of two sequences")
    parser.add_argument("--batches", type=int, default=4, help="different ones")
    parser.add_argument("--steps", type=int, default=5, help="a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=["exact", "row", "bf16"])


class Data(NamedTuple):
    """N batches, ids by field; 0 is padding."""

    ids: NDArray[np.int64]  # [N, B, F]
    label: NDArray[np.float32]  # [N, B]
    history: NDArray[np.int64] | None  # [N, B, L, 2]
    lengths: NDArray[np.int64]  # [N, B]


def made(model: str, vocabulary: int, given: argparse.Namespace) -> Data:
    """Few ids are frequent and most are rare, and they lie scattered over the table."""
    random = np.random.default_rng(7)

    def drawn(*shape: int) -> NDArray[np.int64]:
        rank = np.minimum((vocabulary * random.random(shape) ** 3).astype(np.int64), vocabulary - 2)
        return (rank * 2_654_435_761) % (vocabulary - 1) + 1

    n, b = given.batches, given.batch
    ids, label = drawn(n, b, given.fields), (random.random((n, b)) < 0.1).astype(np.float32)
    if model != "din":
        return Data(ids, label, None, np.zeros((n, b), np.int64))
    lengths = random.integers(given.length // 4, given.length + 1, (n, b))
    present = np.arange(given.length) < lengths[..., None]
    return Data(ids, label, drawn(n, b, given.length, 2) * present[..., None], lengths)


def batches_of(data: Data, vocabulary: int) -> list[Labelled]:
    """For `Step`: all fields in one table. Fields 0 and 1, the ad's, come last here, as the request's stand first."""
    found = []
    fields = data.ids.shape[2]
    offsets = np.arange(fields) * vocabulary
    for number, label in enumerate(data.label):
        ids = np.roll(data.ids[number] + offsets, -2, axis=1)
        history = np.zeros((len(label), 0, 0), np.int64)
        if data.history is not None:
            steps = data.history[number]
            history = np.where(steps > 0, steps + offsets[:2], 0)
        batch = Batch(
            ids=ids,
            dense=np.zeros((len(label), 0), np.float32),
            history=history,
            history_length=data.lengths[number],
            scenario=np.zeros(len(label), np.int64),
        )
        found.append(Labelled(batch=batch, label=label, weight=np.ones(len(label), np.float32)))
    return found


def model_of(name: str, given: argparse.Namespace) -> ScoringModel:
    """With two fields of the ad's."""
    sequences = {"sequences": 2, "length": given.length, "targets": (0, 1)} if name == "din" else {}
    shape = Shape(
        width=given.width, request_fields=given.fields - 2, request_numbers=0, ad_fields=2, ad_numbers=0, **sequences
    )
    torch.manual_seed(0)
    made: ScoringModel = DIN(shape) if name == "din" else DCNv2(shape)
    return made


def stepping(name: str, vocabulary: int, options: dict[str, Any], given: argparse.Namespace) -> Step:
    """The product's step, with one arm's options."""
    rest = dict(options)
    config = TableConfig(width=given.width, rate=0.01, init_std=1e-4, row_wise=rest.pop("row_wise", False))
    table = PackedEmbedding(given.fields * vocabulary, config)
    return Step(model_of(name, given), table, Training(batch_size=given.batch, **rest))


def products(name: str, data: Data, given: argparse.Namespace) -> float:
    """Multiplications of the dense part for one sample, forward; padding not counted."""
    flat = given.fields * given.width
    if name == "dcn_v2":
        widths = (flat, *HIDDEN)
        return CROSSES * flat**2 + sum(a * b for a, b in zip(widths, HIDDEN, strict=False)) + flat + HIDDEN[-1]
    c = 2 * given.width
    widths = (flat + c, *HIDDEN, 1)
    deep = sum(a * b for a, b in itertools.pairwise(widths))
    return deep + c * ATTENTION + float(data.lengths.mean()) * (2 * c * ATTENTION + ATTENTION)


def product_rate(kind: torch.dtype, given: argparse.Namespace) -> float:
    """Multiplications a second of [B, F K] times [F K, F K], the best of some."""
    flat = given.fields * given.width
    x, w = torch.randn(given.batch, flat).to(kind), torch.randn(flat, flat).to(kind)
    spent = alternate({"product": lambda: x @ w}, rounds=15, warm=3)["product"]
    return given.batch * flat**2 / min(spent)


def turns(name: str, vocabulary: int, data: Data, given: argparse.Namespace) -> dict[str, list[float]]:
    """CPU seconds of each step by arm, and of the peer under "" where it is installed."""
    spent: dict[str, list[float]] = {arm: [] for arm in given.arms} | {"": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        held = {"ids": data.ids, "label": data.label} | ({} if data.history is None else {"history": data.history})
        np.savez(file, **held)
        order = {"model": name, "data": str(file), "vocabulary": vocabulary, "width": given.width, "warm": 2}
        batches, steps, large = batches_of(data, vocabulary), {}, vocabulary * given.fields >= LARGE
        for number in range(1 if large else given.rounds):
            try:
                spent[""] += ask_peer(PEER, order | {"steps": given.steps})["seconds"]
            except PeerAbsentError as absent:
                print(absent)
            for arm in given.arms:
                step = steps.pop(arm, None) or stepping(name, vocabulary, ARMS[arm], given)
                spent[arm] += timed(step, batches, given.steps, warm=0 if number else 3)
                if not large:
                    steps[arm] = step
                del step
    return spent


def timed(step: Step, batches: Sequence[Labelled], steps: int, warm: int) -> list[float]:
    """CPU seconds of each step."""
    spent = []
    step.model.train()
    for number in range(-max(warm, 1), steps):
        start = time.process_time()
        step(batches[number % len(batches)])
        if number >= 0:
            spent.append(time.process_time() - start)
    return spent


def rows_of(name: str, vocabulary: int, given: argparse.Namespace) -> list[Row]:
    """One row an arm."""
    data = made(name, vocabulary, given)
    spent = turns(name, vocabulary, data, given)
    rate = {kind: product_rate(kind, given) for kind in (torch.float32, torch.bfloat16)}
    theirs = figure(rates(spent[""], given.batch)).median if spent[""] else None
    ours = {arm: figure(rates(spent[arm], given.batch)) for arm in given.arms}
    exact, least = BARS.get((name, vocabulary), (None, None))
    best = max(ours, key=lambda arm: ours[arm].median)
    rows = []
    for arm, bar in [*((arm, exact if arm == "exact" else None) for arm in ours), (best, least)]:
        kind = torch.bfloat16 if arm == "bf16" else torch.float32
        rows.append(
            Row(
                name=f"{name}, {given.fields} x {vocabulary:,}, {arm}",
                value=ours[arm].median,
                unit="samples/s",
                spread=ours[arm].spread,
                peer="FuxiCTR",
                peer_value=theirs,
                floor=rate[kind] / products(name, data, given) / 3,
                floor_of=f"products, {2 * rate[kind] / 1e9:.0f} Gflop/s",
                bar=None if bar is None else Bar(of="ratio", least=bar),
            )
        )
    last = msgspec.structs.replace(rows[-1], name=rows[-1].name.replace(best, f"the quickest: {best}"))
    return [*rows[:-1], last]


def run(given: argparse.Namespace) -> list[Row]:
    """DIN at the first vocabulary alone."""
    torch.set_num_threads(1)
    rows = []
    for name in given.model:
        for vocabulary in given.vocab if name == "dcn_v2" else given.vocab[:1]:
            rows += rows_of(name, vocabulary, given)
    return rows
