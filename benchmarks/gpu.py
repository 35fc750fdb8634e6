"""Training, batch scoring and the neural walk on a GPU, beside FuxiCTR, TorchRec and the memory's bandwidth.

The same code as on a CPU: `Step` over a DeviceEmbedding, `predict`, and BatchWalk. Where there is no GPU the same runs
on the CPU at small sizes, which shows that it runs and is no GPU's figure. The floor of a step is the time to move what
must be moved: of each row looked up, the weight and its gradient once, and weight and sum of squares read and written.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adcascade.bench import Row
from adcascade.bench.found import loaded
from adcascade.bench.peers import PeerAbsentError, ask_peer
from adcascade.bench.rounds import figure, rates
from adcascade.learning.loop import Step, Training, predict
from adcascade.learning.model import Shape
from adcascade.nn.device import DeviceEmbedding, device_named
from adcascade.nn.packed import TableConfig
from adcascade.retrieval.batch_walk import BatchWalk
from adcascade.retrieval.beam_walk import WalkConfig
from adcascade.retrieval.graph import ProximityGraph
from adcascade.retrieval.nann_model import NannConfig, NannModel

FOLDER = Path(__file__).parent
NO_GPU = "no GPU here: it shows that the code runs, and is no GPU's figure"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes; none: by whether there is a GPU."""
    parser.add_argument("--device", default="auto")
    parser.add_argument("--vocab", type=int, help="rows of a field's table")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--fields", type=int, default=26)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--ads", type=int, help="of the walk")
    parser.add_argument("--requests", type=int, help="walked at once")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the walk's vectors")


def run(given: argparse.Namespace) -> list[Row]:
    """All on one device."""
    device = device_named(given.device)
    small = device.type == "cpu"
    for name, on_cpu, on_gpu in (
        ("vocab", 10_000, 1_000_000), ("batch", 1024, 16_384), ("ads", 5_000, 1_000_000), ("requests", 8, 256)
    ):  # fmt: skip
        if getattr(given, name) is None:
            setattr(given, name, on_cpu if small else on_gpu)
    bandwidth = copied(device, 1 << (24 if small else 28))
    rows = [*training(given, device, bandwidth), scoring(given, device), walking(given, device)]
    said = torch.cuda.get_device_name(device) if device.type == "cuda" else NO_GPU
    return [Row(name="memory", value=bandwidth / 1e9, unit="GB/s", note=said), *rows]


def training(given: argparse.Namespace, device: torch.device, bandwidth: float) -> list[Row]:
    """Samples a second of a step, by model and precision, beside both peers."""
    sizes = loaded("training", FOLDER)
    given.batches = 4
    sizes_said = f"{given.fields} x {given.vocab:,}, batch {given.batch}"
    rows = []
    for model in ("dcn_v2", "din"):
        data = sizes.made(model, given.vocab, given)
        peers = asked(model, data, given, device)
        looked_up = given.fields + 2 * float(data.lengths.mean())
        floor = bandwidth / (looked_up * given.width * 4 * 6)
        for precision in ("float32", "bf16"):
            table = DeviceEmbedding(given.fields * given.vocab, TableConfig(width=given.width), device=device)
            step = Step(
                sizes.model_of(model, given),
                table,
                Training(batch_size=given.batch, precision=precision, device=str(device)),
            )
            batches = sizes.batches_of(data, given.vocab)
            ours = figure(
                rates(timed(lambda i, step=step, batches=batches: step(batches[i % 4]), given.steps), given.batch)
            )
            for peer, value in peers.items() or {"": None}.items():
                rows.append(
                    Row(
                        name=f"{model} {precision}, {sizes_said}, {device.type}",
                        value=ours.median,
                        unit="samples/s",
                        spread=ours.spread,
                        peer=peer,
                        peer_value=value,
                        floor=floor,
                        floor_of="by bandwidth",
                    )
                )
    return rows


def asked(model: str, data: Any, given: argparse.Namespace, device: torch.device) -> dict[str, float]:
    """Samples a second of the peers that are installed."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        held = {"ids": data.ids, "label": data.label} | ({} if data.history is None else {"history": data.history})
        np.savez(file, **held)
        order = {"model": model, "data": str(file), "vocabulary": given.vocab, "width": given.width}
        order |= {"steps": given.steps, "warm": 3, "device": str(device)}
        for name, script in (("FuxiCTR", "fuxictr_step.py"), ("TorchRec", "torchrec_step.py")):
            if name == "TorchRec" and model == "din":
                continue
            try:
                answer = ask_peer(FOLDER / "peers" / script, order)
            except PeerAbsentError:
                continue
            found[name] = figure(rates(answer["seconds"], given.batch)).median
    return found


def scoring(given: argparse.Namespace, device: torch.device) -> Row:
    """Pairs a second that `predict` scores in large batches."""
    sizes = loaded("training", FOLDER)
    given.batches = 1
    table = DeviceEmbedding(given.fields * given.vocab, TableConfig(width=given.width), device=device)
    model = sizes.model_of("dcn_v2", given).to(device)
    batch = sizes.batches_of(sizes.made("dcn_v2", given.vocab, given), given.vocab)[0].batch
    spent = timed(lambda _: predict(model, table, batch, size=given.batch), given.steps)
    ours = figure(rates(spent, given.batch))
    return Row(name=f"batch scoring, dcn_v2, {device.type}", value=ours.median, unit="pairs/s", spread=ours.spread)


def walking(given: argparse.Namespace, device: torch.device) -> Row:
    """Evaluations a millisecond of the neural walks of many requests at once, 64 -> 128 -> 64 -> 1."""
    random = np.random.default_rng(given.seed)
    e = random.standard_normal((given.ads, 64)).astype(np.float32)
    graph = ProximityGraph.build(np.arange(given.ads, dtype=np.int32), e)
    shape = Shape(width=16, request_fields=4, request_numbers=0, ad_fields=4, ad_numbers=0)
    model = NannModel(shape, NannConfig(width=64, attends=False, hidden=(128, 64))).to(device).eval()
    base = torch.randn((given.requests, 128), device=device)
    walk = BatchWalk(graph, torch.from_numpy(e).to(device))

    def search(_: int) -> object:
        return walk.search(lambda found: model.score_vectors((base,), found), given.requests, 100, WalkConfig())

    evaluations = walk.search(lambda found: model.score_vectors((base,), found), given.requests, 100, WalkConfig())
    ours = figure(rates(timed(search, 5), evaluations.evaluations / 1000))
    return Row(
        name=f"neural walk, {given.ads:,} ads, {given.requests} requests at once, {device.type}",
        value=ours.median,
        unit="evaluations/ms",
        spread=ours.spread,
    )


def timed(call: Callable[[int], object], steps: int, warm: int = 3) -> list[float]:
    """Seconds of each call: until the device has finished it, or CPU seconds where there is no GPU."""
    gpu = torch.cuda.is_available()
    clock, spent = time.perf_counter if gpu else time.process_time, []
    for step in range(-warm, steps):
        start = clock()
        call(step + warm)
        if gpu:
            torch.cuda.synchronize()
        if step >= 0:
            spent.append(clock() - start)
    return spent


def copied(device: torch.device, size: int) -> float:
    """Bytes a second that the device's memory reads and writes while copying."""
    source = torch.zeros(size // 4, device=device)
    target = torch.empty_like(source)
    return 2 * size / min(timed(lambda _: target.copy_(source), 10))
