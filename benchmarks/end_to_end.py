"""From real rows to a bundle, beside FuxiCTR's way from the same rows to fitted weights, and the AUC of both.

Ours: `adcascade import` and `adcascade train` of Criteo's display log below ADCASCADE_DATA (or --data): every cell
checked, a sample set written, the encoder fitted, DCN-V2 by its recipe, calibration, metrics on held-out rows, graphs
exported; by embeddings of width 8, and as the recipe stands (16). FuxiCTR's: its feature processor, its loader, its
`fit` of the same network, given columns whose numbers are cut already, in batches of 256 and with width 8: of what was
tried on the later rows its quickest and its best (--peer-batch and --peer-width ask for others). CPU time of the whole
process; what torch imports at the first step of a process falls to the first arm, and to the first seed of the peer.

AUC is that of the later rows in `valid.parquet`, which neither saw: a ratio counts where our AUC is not the lesser.
Width 8 was chosen on train.parquet alone, by learning from its first 51,200 rows and judging on the others.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch

from adcascade.bench import Bar, Row
from adcascade.bench.found import benchmarks_folder, hot_path
from adcascade.bench.peers import PeerAbsentError
from adcascade.bench.rounds import figure
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.evaluate import evaluate_bundle
from adcascade.cascade.training import Order, train_from_samples
from adcascade.events.importers.base import Options
from adcascade.events.importers.criteo import CRITEO
from adcascade.events.samples import Samples, SampleWriter
from adcascade.metrics import auc
from adcascade.settings import load_settings

LEAST = 4.0
ARMS = {"width 8": "width = 8", "by the recipe": ""}  # lines of the table [train]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Data, seeds, settings of both sides."""
    parser.add_argument("--data", type=Path, help="the folder of public data sets; else ADCASCADE_DATA")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--options", default="", help="further lines of the table [train], separated by ';'")
    parser.add_argument("--peer-batch", type=int, default=256)
    parser.add_argument("--peer-width", type=int, default=8)


def ours(train: Path, test: Path, seed: int, options: str) -> tuple[float, float]:
    """(CPU seconds from the file to the bundle, AUC on the rows of `test` by the bundle's own graphs)."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "adcascade.toml").write_text("[train]\n" + "\n".join(options.split(";")) + "\n")
        start = time.process_time()
        imported(train, root / "rows")
        manifest = train_from_samples(root / "rows", Order(directory=root, now_us=0, until_us=0, seed=seed))
        spent = time.process_time() - start
        bundle = Bundles(load_settings(root).bundles_path).path(manifest.version)
        return spent, evaluate_bundle(bundle, imported(test, root / "later"))["auc"]


def imported(file: Path, folder: Path) -> Samples:
    """A sample set of all rows, as `adcascade import criteo` writes it."""
    log = CRITEO.read([file], Options())
    with SampleWriter(folder, source=CRITEO.name, features=log.features, label=log.label) as writer:
        for table in log.tables:
            writer.write(table)
    return Samples(folder)


class Peer(NamedTuple):
    """What FuxiCTR came to; no seconds and no AUC where it is not installed."""

    fit: float | None = None  # CPU seconds, the median over the seeds
    preparing: float = 0.0  # CPU seconds before
    auc: float = float("nan")  # the mean over the seeds


def peer(quality: ModuleType, train: Path, test: Path, given: argparse.Namespace) -> Peer:
    """FuxiCTR's CPU seconds, and the mean AUC of its probabilities."""
    later, sizes = quality.read(test), {"batch": given.peer_batch, "width": given.peer_width}
    try:
        found, told = quality.fuxictr(quality.read(train), later, given.seeds, **sizes)
    except PeerAbsentError as absent:
        print(absent)
        return Peer()
    mean = float(np.mean([auc(later["click"].to_numpy(), one) for one in found]))
    return Peer(figure(told["fits"]).median, told["preparing"], mean)


def run(given: argparse.Namespace) -> list[Row]:
    """By arm: beside FuxiCTR's fit alone, beside that with its preparing, and the distance of the AUC."""
    torch.set_num_threads(1)
    quality = quality_benchmark()
    folder = quality.data_folder(given.data) / "criteo_display"
    train, test = folder / "train.parquet", folder / "valid.parquet"
    theirs = peer(quality, train, test, given)
    rows = []
    for arm in given.arms:
        lines = f"refit = false;{ARMS[arm]};{given.options}"
        rows += rows_of(arm, [ours(train, test, seed, lines) for seed in given.seeds], theirs, quality.EQUAL)
    return rows


def rows_of(arm: str, found: Sequence[tuple[float, float]], theirs: Peer, equal: float) -> list[Row]:
    """Of (CPU seconds, AUC) by seed. Which AUC counts as equal: not less by more than `equal`."""
    spent, spread = figure([one[0] for one in found])
    mean = float(np.mean([one[1] for one in found]))
    beside = {"fit": theirs.fit, "preparing and fit": None if theirs.fit is None else theirs.fit + theirs.preparing}
    said = f"AUC {mean:.4f}, FuxiCTR {theirs.auc:.4f}; by seed: " + ", ".join(f"{one[1]:.4f}" for one in found)
    rows = [
        Row(
            name=f"import, train, calibrate, bundle, {arm}, beside FuxiCTR's {what}",
            value=spent,
            unit="s CPU",
            spread=spread,
            peer="FuxiCTR",
            peer_value=seconds,
            turned=True,
            bar=Bar(of="ratio", least=LEAST),
            note=said,
        )
        for what, seconds in beside.items()
    ]
    if theirs.fit is not None:
        bar, name = Bar(of="value", least=-equal), f"AUC, {arm}, above FuxiCTR's"
        rows.append(Row(name=name, value=mean - theirs.auc, unit="AUC", bar=bar))
    return rows


def quality_benchmark() -> ModuleType:
    """`criteo_quality.py` beside this file, which knows the data and how to ask FuxiCTR."""
    hot_path("criteo_quality", benchmarks_folder())
    return sys.modules["adcascade_benchmark_criteo_quality"]
