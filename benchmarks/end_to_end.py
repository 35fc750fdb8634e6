"""From real rows to a bundle, beside FuxiCTR's way from the same rows to fitted weights, and the AUC of both.

Ours: `adcascade import` and `adcascade train` of Criteo's display log below ADCASCADE_DATA (or --data): every cell
checked, a sample set written, the encoder fitted, DCN-V2 by its recipe, calibration, metrics on held-out rows, graphs
exported; with and without `train.refit`, which learns a second time on all rows. FuxiCTR's: its feature processor, its
loader, its `fit` of the same network, given columns whose numbers are cut already. CPU time of the whole process.

AUC is that of the later rows in `valid.parquet`, which neither saw.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Data and rounds."""
    parser.add_argument("--data", type=Path, help="the folder of public data sets; else ADCASCADE_DATA")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--options", default="", help="further lines of the table [train], separated by ';'")


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


def peer(quality: ModuleType, train: Path, test: Path, seeds: list[int]) -> dict[str, tuple[float | None, float]]:
    """FuxiCTR's CPU seconds without and with preparing, and the mean AUC of its probabilities."""
    later = quality.read(test)
    try:
        found, told = quality.fuxictr(quality.read(train), later, seeds)
    except PeerAbsentError as absent:
        print(absent)
        return {"fit": (None, float("nan"))}
    mean = float(np.mean([auc(later["click"].to_numpy(), one) for one in found]))
    fit = figure(told["fits"]).median
    return {"fit": (fit, mean), "preparing and fit": (fit + told["preparing"], mean)}


def run(given: argparse.Namespace) -> list[Row]:
    """Ours without and with refitting, each beside FuxiCTR's fit alone and with its preparing."""
    torch.set_num_threads(1)
    quality = quality_benchmark()
    folder = quality.data_folder(given.data) / "criteo_display"
    train, test = folder / "train.parquet", folder / "valid.parquet"
    theirs = peer(quality, train, test, given.seeds)
    rows = []
    for refit in (False, True):
        found = [ours(train, test, seed, f"refit = {str(refit).lower()};{given.options}") for seed in given.seeds]
        spent, spread = figure([one[0] for one in found])
        said = f"AUC {np.mean([one[1] for one in found]):.4f}"
        name = "import, train, calibrate, bundle" + (", with train.refit" if refit else "")
        for what, (seconds, auc_theirs) in theirs.items():
            rows.append(
                Row(
                    name=f"{name}, beside FuxiCTR's {what}",
                    value=spent,
                    unit="s CPU",
                    spread=spread,
                    peer="FuxiCTR",
                    peer_value=seconds,
                    turned=True,
                    bar=None if refit else Bar(of="ratio", least=LEAST),
                    note=f"{said}; FuxiCTR {auc_theirs:.4f}",
                )
            )
    return rows


def quality_benchmark() -> ModuleType:
    """`criteo_quality.py` beside this file, which knows the data and how to ask FuxiCTR."""
    hot_path("criteo_quality", benchmarks_folder())
    return sys.modules["adcascade_benchmark_criteo_quality"]
