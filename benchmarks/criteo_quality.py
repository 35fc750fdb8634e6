"""Quality on real clicks: precision and row-wise Adagrad against exact float32, and rankers beside other libraries.

Trains on the last rows of `criteo_display/train.parquet` below ADCASCADE_DATA (or --data), judges on `valid.parquet`.
Arms: DCN-V2 by its recipe (`dcn_v2`), the same with `medium` or `bf16` products or `row`-wise Adagrad, other rankers by
name, and by name "hashed LR", "LightGBM", "FuxiCTR" (its own fit in the peers' environment). Recipes were chosen on the
last tenth of train, with the figures on valid in sight. A row's value is the mean AUC over the seeds, its spread their
standard deviation as a share; the rows of differences compare runs of equal seeds.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from adcascade.bench import Bar, Row
from adcascade.bench.peers import PeerAbsentError, ask_peer
from adcascade.errors import DataMissingError
from adcascade.events.importers.base import Options
from adcascade.events.importers.criteo import CATEGORIES, CRITEO, NUMBERS
from adcascade.features import Encoder, Feature
from adcascade.learning.labelled import labelled
from adcascade.learning.loop import fit, predict
from adcascade.learning.model import Shape
from adcascade.metrics import auc, log_loss, pcoc
from adcascade.metrics.logistic import sigmoid
from adcascade.nn.packed import PackedEmbedding
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES

FEATURES = (
    *(Feature(name=name, side="context", kind="numeric", log=True) for name in NUMBERS),
    *(Feature(name=name, side="context", kind="numeric", bins=30) for name in NUMBERS),
    *(Feature(name=name, side="context", kind="categorical") for name in CATEGORIES),  # every value is kept
)

FIT = Path(__file__).parent / "peers" / "fuxictr_fit.py"
Probabilities = NDArray[np.float64]
Arm = Callable[[pa.Table, pa.Table, int], Probabilities]  # train, test, seed -> P(click) of the test rows


def ours(method: str, *, row_wise: bool = False, **training: Any) -> Arm:
    """One of adcascade's rankers by its recipe, not calibrated afterwards."""

    def arm(train: pa.Table, test: pa.Table, seed: int) -> Probabilities:
        encoder = Encoder.fit(FEATURES, [train])
        recipe = RECIPES[method].of(rows=len(train), seed=seed)
        module, _, name = METHODS[method].partition(":")
        torch.manual_seed(seed)
        model = getattr(import_module(module), name)(Shape.of(encoder, recipe.table.width))
        table = PackedEmbedding(encoder.rows, replace(recipe.table, row_wise=row_wise), seed=seed)
        fit(model, table, [labelled(encoder, train)], replace(recipe.training, **training))
        return sigmoid(predict(model, table, labelled(encoder, test).batch))

    return arm


def hashed_lr(train: pa.Table, test: pa.Table, seed: int) -> Probabilities:
    """Logistic regression over 2^18 hashed values, numbers cut on a log scale; C = 0.1, best of 0.02 to 0.5."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    def rows(table: pa.Table) -> csr_matrix:
        values = table_of_codes(table)
        columns = np.stack([_mix(values[:, place], place) for place in range(values.shape[1])], axis=1)
        ends = np.arange(0, columns.size + 1, columns.shape[1])
        return csr_matrix((np.ones(columns.size), columns.ravel(), ends), shape=(len(table), 1 << 18))

    model = LogisticRegression(C=0.1, max_iter=200, random_state=seed).fit(rows(train), train["click"].to_numpy())
    found: Probabilities = model.predict_proba(rows(test))[:, 1]
    return found


def table_of_codes(table: pa.Table) -> NDArray[np.int64]:
    """Columns as whole numbers, [n, 39]: numbers cut at floor(log(1 + x)^2), missing -2, categories as they are."""
    columns = []
    for name in (*NUMBERS, *CATEGORIES):
        column = table[name]
        if name in NUMBERS:
            x = column.cast(pa.float64()).to_numpy()
            code = np.floor(np.log1p(np.maximum(x, 0)) ** 2)  # finer cuts are worse for the linear baseline
            columns.append(np.where(np.isnan(x), -2, np.where(x < 0, -1, code)).astype(np.int64))
        else:
            words = column.combine_chunks()
            words = words.dictionary_decode() if pa.types.is_dictionary(words.type) else words
            columns.append(words.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False))
    return np.stack(columns, axis=1)


def _mix(value: NDArray[np.int64], place: int) -> NDArray[np.int64]:
    mixed = (value.astype(np.uint64) + np.uint64(place) * np.uint64(1 << 32)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(46)).astype(np.int64)


def lightgbm(train: pa.Table, test: pa.Table, seed: int) -> Probabilities:
    """150 trees of 31 leaves at 0.05 over the plain numbers and the category ids (best of a small grid)."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415

    model = LGBMClassifier(
        num_leaves=31,
        n_estimators=150,
        learning_rate=0.05,
        min_child_samples=50,
        random_state=seed,
        n_jobs=1,
        verbose=-1,
    )
    model.fit(table_of_codes(train), train["click"].to_numpy())
    return np.asarray(model.booster_.predict(table_of_codes(test)), np.float64)


ARMS: dict[str, Arm] = {
    **{name: ours(name) for name in ("dcn_v2", "lr", "committee")},
    "row": ours("dcn_v2", row_wise=True),
    "medium": ours("dcn_v2", precision="medium"),
    "bf16": ours("dcn_v2", precision="bf16"),
    "hashed LR": hashed_lr,
    "LightGBM": lightgbm,
}
EQUAL = 5e-4  # of the AUC


def read(path: Path) -> pa.Table:
    """All rows of one Parquet file, as `adcascade import criteo` writes them."""
    return pa.concat_tables(CRITEO.read([path], Options()).tables).unify_dictionaries()


def write_codes(table: pa.Table, file: Path) -> list[str]:
    """The columns as text, and the label `y`, for a peer; the names of the columns."""
    codes = table_of_codes(table)
    names = [*NUMBERS, *CATEGORIES]
    columns = {name: pa.array(codes[:, place]).cast(pa.string()) for place, name in enumerate(names)}
    pq.write_table(pa.table({**columns, "y": table["click"].cast(pa.float64())}), file)
    return names


def fuxictr(
    train: pa.Table, test: pa.Table, seeds: Sequence[int], *, batch: int = 256, width: int = 16
) -> tuple[list[Probabilities], dict[str, Any]]:
    """P(click) of the test rows by seed, from FuxiCTR's own fit with its best batch here, and its CPU seconds."""
    with tempfile.TemporaryDirectory() as name:
        files = {part: Path(name) / f"{part}.parquet" for part in ("train", "test")}
        write_codes(test, files["test"])
        columns = write_codes(train, files["train"])
        order = {part: str(file) for part, file in files.items()} | {"columns": columns, "seeds": list(seeds)}
        out = Path(name) / "found.npy"
        told = ask_peer(FIT, order | {"batch": batch, "width": width, "rate": 1e-3, "out": str(out)})
        return list(np.load(out).astype(np.float64)), told


def data_folder(given: Path | None) -> Path:
    """Of the public sets. DataMissingError where nobody says where they are, or Criteo is not among them."""
    folder = given or (Path(os.environ["ADCASCADE_DATA"]) if "ADCASCADE_DATA" in os.environ else None)
    if folder is None or not (folder / "criteo_display").is_dir():
        raise DataMissingError(f"no criteo_display in {folder}: give --data, or set ADCASCADE_DATA")
    return folder


def add_options(parser: argparse.ArgumentParser) -> None:
    """Rows, seeds, arms."""
    parser.add_argument("--data", type=Path, help="the folder of public data sets; else ADCASCADE_DATA")
    parser.add_argument("--rows", nargs="+", type=int, default=[32_000], help="how many of the last training rows")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=[*ARMS, "FuxiCTR"], default=["dcn_v2", "row", "bf16"])


def run(given: argparse.Namespace) -> list[Row]:
    """One row an arm, then the differences to exact float32."""
    torch.set_num_threads(1)
    folder = data_folder(given.data) / "criteo_display"
    train, test = read(folder / "train.parquet"), read(folder / "valid.parquet")
    rows: list[Row] = []
    for size in given.rows:
        part = train.slice(max(len(train) - size, 0))
        found: dict[str, list[float]] = {}
        for name in given.arms:
            start = time.process_time()
            try:
                probabilities, told = judged(name, part, test, given.seeds)
            except PeerAbsentError as absent:
                print(absent)
                continue
            seconds = told.get("preparing", time.process_time() - start) + sum(told.get("fits", ()))
            rows.append(row_of(f"{name}, {len(part):,} rows", test, probabilities, seconds / len(given.seeds)))
            found[name] = [auc(test["click"].to_numpy(), p) for p in probabilities]
        rows += differences(found, len(part))
    return rows


def judged(
    name: str, train: pa.Table, test: pa.Table, seeds: Sequence[int]
) -> tuple[list[Probabilities], dict[str, Any]]:
    """Predictions of an arm by seed, and what a peer told of its time."""
    if name == "FuxiCTR":
        return fuxictr(train, test, seeds)
    return [ARMS[name](train, test, seed) for seed in seeds], {}


def row_of(name: str, test: pa.Table, found: Sequence[Probabilities], seconds: float) -> Row:
    """Mean AUC, with the other metrics in the note."""
    label = test["click"].to_numpy()
    values = np.array([[auc(label, p), log_loss(label, p), pcoc(label, p)] for p in found])
    (mean, loss, ratio), spread = values.mean(axis=0), values[:, 0].std()
    said = f"AUC {mean:.4f} ± {spread:.4f}, log loss {loss:.4f}, PCOC {ratio:.3f}; {seconds:.0f} s CPU a seed"
    return Row(name=name, value=float(mean), unit="AUC", spread=float(spread / mean), note=said)


def differences(found: dict[str, list[float]], rows: int) -> list[Row]:
    """How far the mean AUC of each variant of DCN-V2 is from that of exact float32."""
    exact = found.get("dcn_v2")
    return [
        Row(
            name=f"{name} against dcn_v2, {rows:,} rows",
            value=float(abs(np.mean(np.subtract(found[name], exact)))),
            unit="AUC apart",
            bar=Bar(of="value", most=EQUAL),
            note="by seed: " + ", ".join(f"{one:+.5f}" for one in np.subtract(found[name], exact)),
        )
        for name in ("row", "medium", "bf16")
        if exact and name in found
    ]
