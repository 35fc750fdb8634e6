"""Training by several processes of this machine: steps a second, bytes that travel, and the same loss as one process.

DCN-V2 over fields of equal vocabularies, ids drawn by a power law. Every run is a group of fresh processes; runs of
one and of several processes take turns. Beside a training stands torch's DistributedDataParallel on the dense part
alone, by the same processes, on embeddings that are there already: what a training without a table would cost.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from adcascade.bench.rounds import figure
from adcascade.bench.row import Bar, Row
from adcascade.contracts import Batch
from adcascade.learning.distributed.sampling import Position, part
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.step import TogetherStep
from adcascade.learning.distributed.turns import Turn
from adcascade.learning.distributed.world import World
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Training, click_loss, gather
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2

SAME_LOSS = 1e-5
DENSE = "DistributedDataParallel of the dense part alone"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--fields", type=int, default=26, help="categorical fields")
    parser.add_argument("--vocab", type=int, default=10_000, help="rows of each field")
    parser.add_argument("--width", type=int, default=16, help="of an embedding")
    parser.add_argument("--batch", type=int, default=512, help="samples of a step, of all processes together")
    parser.add_argument("--steps", type=int, default=20, help="of a run")
    parser.add_argument("--workers", type=int, default=2, help="processes beside one")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each")
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """Rates, bytes, and the largest difference of the losses."""
    runs: dict[int, list[dict[str, Any]]] = {1: [], given.workers: []}
    for _ in range(given.rounds):
        for size, found in runs.items():
            found.append(group(size, vars(given)))
    one, many = runs[1], runs[given.workers]
    rows = [rate_row(1, given, one)]
    if given.workers > 1:
        rows += [rate_row(given.workers, given, many), bytes_row(given, many)]
    gap = max(np.abs(np.subtract(a["losses"], b["losses"])).max() for a, b in zip(one, many, strict=True))
    same = Bar(of="value", most=SAME_LOSS)
    rows.append(Row(name=f"largest difference of a loss, 1 and {given.workers}", value=float(gap), unit="", bar=same))
    return rows


def rate_row(size: int, given: argparse.Namespace, found: list[dict[str, Any]]) -> Row:
    """Steps a second of the whole batch, ours and torch's."""
    ours, torchs = (figure([given.steps / one[name] for one in found]) for name in ("seconds", "dense_seconds"))
    return Row(
        name=f"{size} process{'es' if size > 1 else ''}, batch {given.batch}",
        value=ours.median,
        unit="steps/s",
        spread=ours.spread,
        peer=DENSE,
        peer_value=torchs.median,
        note="by the wall clock: as many cores as processes, or they wait for each other",
    )


def bytes_row(given: argparse.Namespace, found: list[dict[str, Any]]) -> Row:
    """What one process sends in a step."""
    return Row(
        name=f"sent by one of {given.workers} processes",
        value=statistics.median(one["bytes"] for one in found) / given.steps / 1024,
        unit="KiB a step",
        peer=DENSE,
        peer_value=found[0]["dense_bytes"] / 1024,
        turned=True,
        floor=statistics.median(one["least_bytes"] for one in found) / given.steps / 1024,
        floor_of="dense gradients once around; of each distinct row that lies elsewhere an id, weights, gradient",
    )


def group(size: int, given: dict[str, Any]) -> dict[str, Any]:
    """Start `size` fresh processes of this file; what the first of them measured."""
    with tempfile.TemporaryDirectory() as folder:
        order = {"given": given, "size": size, "store": f"file://{folder}/store"}
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, json.dumps(order | {"rank": rank})],
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for rank in range(size)
        ]
        said = [one.communicate()[0] for one in processes]
    failed = [one.returncode for one in processes if one.returncode]
    if failed:
        raise RuntimeError(f"{len(failed)} of {size} processes ended with {failed}")
    answer: dict[str, Any] = json.loads(said[0].splitlines()[-1])
    return answer


def one_process(order: dict[str, Any]) -> dict[str, Any]:
    """What a process of a group measures: a training, then torch's."""
    given, size = argparse.Namespace(**order["given"]), order["size"]
    dist.init_process_group("gloo", init_method=order["store"], rank=order["rank"], world_size=size)
    world, shape = World.here(), shape_of(given)
    torch.manual_seed(given.seed)
    model = DCNv2(shape)
    config = TableConfig(width=given.width, rate=0.05, start=1e-3)
    rows = 1 + given.fields * given.vocab
    table = ShardedEmbedding(rows, config, world)
    step = TogetherStep(model, table, Training(rate=1e-3), world)
    turns = list(batches(given, world))
    warm, counted = turns[:2], turns[2:]
    losses = [step(turn) for turn in warm]
    world.wait()
    world.bytes_sent, start = 0, time.perf_counter()
    losses += [step(turn) for turn in counted]
    answer = {"losses": losses, "bytes": world.bytes_sent, "seconds": time.perf_counter() - start}
    answer |= dense_alone(DCNv2(shape), PackedEmbedding(rows, config), turns, world)
    dense = sum(one.numel() for one in model.parameters()) * 4
    elsewhere = sum(np.count_nonzero(np.unique(turn.samples.batch.ids) % size != world.rank) for turn in counted)
    around = 2 * dense * (size - 1) // size
    # rows that others ask of this process are about as many as it asks of them
    answer["least_bytes"] = around * given.steps + int(elsewhere) * (8 + 2 * 4 * given.width)
    answer["dense_bytes"] = around
    dist.destroy_process_group()
    return answer


def dense_alone(model: DCNv2, table: PackedEmbedding, turns: list[Turn], world: World) -> dict[str, float]:
    """Seconds of the counted steps by torch's own means, on embeddings gathered beforehand."""
    parallel = DistributedDataParallel(LossOf(model)) if world.size > 1 else LossOf(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    ready = [(gather(table, turn.samples.batch, model.shape), turn.samples) for turn in turns]

    def go(call: Callable[..., torch.Tensor], sides: Any, samples: Labelled) -> None:
        optimiser.zero_grad(set_to_none=True)
        call(sides, samples).backward()
        optimiser.step()

    for sides, samples in ready[:2]:
        go(parallel, sides, samples)
    world.wait()
    start = time.perf_counter()
    for sides, samples in ready[2:]:
        go(parallel, sides, samples)
    return {"dense_seconds": time.perf_counter() - start}


class LossOf(torch.nn.Module):
    """A model's loss as its forward, which is what DistributedDataParallel watches."""

    def __init__(self, model: DCNv2) -> None:
        super().__init__()
        self.model = model

    def forward(self, sides: Any, samples: Labelled) -> torch.Tensor:
        """Of a batch -> ()."""
        return click_loss(self.model, sides, samples)


def shape_of(given: argparse.Namespace) -> Shape:
    """Half of the fields are the request's."""
    half = given.fields // 2
    return Shape(width=given.width, request_fields=half, request_numbers=0, ad_fields=given.fields - half, ad_numbers=0)


def batches(given: argparse.Namespace, world: World) -> Iterator[Turn]:
    """This process's part of the same batches in every world, two to warm up and those that count."""
    random = np.random.default_rng(given.seed)
    offsets = 1 + np.arange(given.fields) * given.vocab
    for _ in range(given.steps + 2):
        ids = (random.random((given.batch, given.fields)) ** 3 * given.vocab).astype(np.int64) + offsets
        label = (random.random(given.batch) < 0.3).astype(np.float32)
        own = part(given.batch, world.rank, world.size)
        none = np.zeros((given.batch, 0, 0), np.int64)
        whole = Labelled(
            batch=Batch(
                ids=ids,
                dense=np.zeros((given.batch, 0), np.float32),
                history=none,
                history_length=np.zeros(given.batch, np.int64),
                scenario=np.zeros(given.batch, np.int64),
            ),
            label=label,
            weight=np.ones(given.batch, np.float32),
        )
        samples = whole.take(own)
        yield Turn(samples, len(samples) / given.batch, given.batch, Position())


if __name__ == "__main__":
    print(json.dumps(one_process(json.loads(sys.argv[1]))))
