"""Packing, measured: one step of training with F fields, as one table a field, as packs, and with fused kernels.

    unpacked                    a table and a chain of torch's operators for each field
    packed, torch's operators   two tables (one a width), torch's operators: D-packing alone
    packed and fused            two tables, one kernel to look up and one to learn: K-packing as well

All three start from the same rows and see the same batches. The network over them is F·D - 128 - 1.
"""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from adcascade.bench.rounds import alternate, figure
from adcascade.learning.packing import FieldTables, TableField, packed, unpacked
from adcascade.nn.packed import PackedEmbedding
from adcascade.nn.plain import PlainEmbedding
from adcascade.studies.picasso_world import Ids, fields_of, skewed

UNPACKED, PACKED, FUSED = "unpacked", "packed, torch's operators", "packed and fused"
MOST_COUNTED = 100  # fields of which the unpacked twin's operators are counted: they are hundreds a field
WAYS = (UNPACKED, PACKED, FUSED)


class FieldStep:
    """Training steps on values [B, F]."""

    def __init__(self, fields: Sequence[TableField], way: str, *, seed: int) -> None:
        plan = unpacked(fields) if way == UNPACKED else packed(fields)
        self.tables = FieldTables(plan, PackedEmbedding if way == FUSED else PlainEmbedding, seed=seed)
        torch.manual_seed(seed)
        width = sum(field.config.width for field in fields)
        self.network = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, 1))
        self.optimiser = torch.optim.Adam(self.network.parameters(), fused=True)

    def __call__(self, ids: Ids, label: Tensor) -> float:
        """Learn from a batch; its loss before that."""
        looked = self.tables.gather(ids)
        self.optimiser.zero_grad(set_to_none=True)
        logit = self.network(self.tables.joined(looked)).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(logit, label)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.tables.update(looked)
        return float(loss.detach())

    def embedding_part(self, ids: Ids, gradient: Tensor) -> None:
        """The step of the tables alone, from a gradient [B, W]."""
        looked = self.tables.gather(ids)
        self.tables.joined(looked).backward(gradient)  # type: ignore[no-untyped-call]
        self.tables.update(looked)


def operators(step: FieldStep, ids: Ids) -> dict[str, float]:
    """Of the embeddings and their optimiser in a step: torch's operators (nested ones too), and all calls into C."""
    gradient = torch.ones(step.tables.joined(step.tables.gather(ids)).shape)
    step.embedding_part(ids, gradient)  # what is compiled or made on the first call
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step.embedding_part(ids, gradient)
    calls = min(_calls(step, ids, gradient) for _ in range(3))  # a collection of garbage may come between
    torchs = sum(event.name().startswith("aten::") for event in found.profiler.kineto_results.events())
    return {"operators": float(torchs), "calls": float(calls)}


def _calls(step: FieldStep, ids: Ids, gradient: Tensor) -> int:
    """Of functions written in C, by this thread."""
    calls = 0

    def heard(frame: Any, event: str, argument: Any) -> None:  # noqa: ARG001  the interpreter's signature
        nonlocal calls
        calls += event == "c_call"

    sys.setprofile(heard)
    try:
        step.embedding_part(ids, gradient)
    finally:
        sys.setprofile(None)
    return calls


class Race(NamedTuple):
    """Of each way: its last state, the seconds of each step that was timed, the losses of all; and a batch."""

    steps: dict[str, FieldStep]
    seconds: dict[str, list[float]]
    losses: dict[str, list[float]]
    ids: Ids


def race(count: int, *, values: int, batch: int, rounds: int, seed: int, ways: Sequence[str] = WAYS) -> Race:
    """F = `count` fields: all ways from the same rows, on the same batches, in turns, by CPU time of the thread."""
    fields, random = fields_of(count, values), np.random.default_rng((seed, count))
    batches = [skewed(random, values, (batch, count)) for _ in range(4)]
    label = torch.from_numpy((random.random(batch) < 0.3).astype(np.float32))
    steps = {way: FieldStep(fields, way, seed=seed) for way in ways}
    for way in ways[1:]:
        steps[way].tables.start_like(steps[ways[0]].tables)
    losses: dict[str, list[float]] = {way: [] for way in ways}

    def once(way: str) -> None:
        losses[way].append(steps[way](batches[len(losses[way]) % len(batches)], label))

    seconds = alternate({way: partial(once, way) for way in ways}, rounds=rounds, warm=2)
    return Race(steps, seconds, losses, batches[0])


def packing_runs(count: int, *, values: int, batch: int, rounds: int, seed: int) -> dict[str, dict[str, float]]:
    """All ways at F = `count`: operators, how far losses and rows are from the plain twin's, instances a second."""
    run = race(count, values=values, batch=batch, rounds=rounds, seed=seed)
    twin, plain = np.array(run.losses[UNPACKED]), figure(run.seconds[UNPACKED]).median
    found = {
        way: {
            "ips": batch / figure(seconds).median,
            "times": plain / figure(seconds).median,
            "loss_off": float(np.abs(np.array(run.losses[way]) - twin).max()),
            "rows_off": rows_off(run.steps[way].tables, run.steps[UNPACKED].tables),
        }
        for way, seconds in run.seconds.items()
    }
    counted = [way for way in WAYS if way != UNPACKED or count <= MOST_COUNTED]
    return found | {way: found[way] | operators(run.steps[way], run.ids) for way in counted}


def rows_off(one: FieldTables, other: FieldTables) -> float:
    """The largest difference of a weight."""
    theirs = {column: state["weight"][rows] for state, places in other.by_column() for column, rows in places}
    return max(
        float(np.abs(state["weight"][rows] - theirs[column]).max())
        for state, places in one.by_column()
        for column, rows in places
    )
