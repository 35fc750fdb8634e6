"""Which ranker wins on few samples: `python benchmarks/criteo_quality.py --data ../shared/data [--json FILE]`.

Trains adcascade's rankers by their recipes, a hashed logistic regression (scikit-learn), LightGBM and, where it is
installed, FuxiCTR's DCN-V2 on the last rows of the folder's `criteo_display/train.parquet`, and judges all on
`valid.parquet`. Recipes were chosen on the last tenth of train, with the figures on valid in sight.
Prints AUC, log loss and PCOC, mean over the seeds and their spread.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.events.importers.base import Options
from adcascade.events.importers.criteo import CATEGORIES, CRITEO, NUMBERS
from adcascade.features import Encoder, Feature
from adcascade.learning.labelled import labelled
from adcascade.learning.loop import fit, predict
from adcascade.learning.model import Shape
from adcascade.metrics import auc, log_loss, pcoc
from adcascade.nn.packed import PackedEmbedding
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES

FEATURES = (
    *(Feature(name=name, side="context", kind="numeric", log=True) for name in NUMBERS),
    *(Feature(name=name, side="context", kind="numeric", bins=30) for name in NUMBERS),
    *(Feature(name=name, side="context", kind="categorical") for name in CATEGORIES),  # every value is kept
)

Probabilities = NDArray[np.float64]
Arm = Callable[[pa.Table, pa.Table, int], Probabilities]  # train, test, seed -> P(click) of the test rows


def ours(method: str) -> Arm:
    """One of adcascade's rankers by its recipe, not calibrated afterwards."""

    def arm(train: pa.Table, test: pa.Table, seed: int) -> Probabilities:
        import torch  # noqa: PLC0415  only where a torch model is asked for

        encoder = Encoder.fit(FEATURES, [train])
        recipe = RECIPES[method].of(rows=len(train), seed=seed)
        module, _, name = METHODS[method].partition(":")
        torch.manual_seed(seed)
        model = getattr(import_module(module), name)(Shape.of(encoder, recipe.table.width))
        table = PackedEmbedding(encoder.rows, recipe.table, seed=seed)
        fit(model, table, [labelled(encoder, train)], recipe.training)
        return 1 / (1 + np.exp(-predict(model, table, labelled(encoder, test).batch).astype(np.float64)))

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


def arms() -> dict[str, Arm]:
    """What can be compared here."""
    found: dict[str, Arm] = {name: ours(name) for name in ("dcn_v2", "lr", "committee")}
    found |= {"hashed LR (scikit-learn)": hashed_lr, "LightGBM": lightgbm}
    if find_spec("fuxictr"):
        fuxictr = import_module("peer_fuxictr")
        found["FuxiCTR DCN-V2"] = lambda train, test, seed: fuxictr.dcn_v2(
            table_of_codes(train), train["click"].to_numpy(), table_of_codes(test), seed
        )
    return found


def read(path: Path) -> pa.Table:
    """All rows of one Parquet file, as `adcascade import criteo` writes them."""
    return pa.concat_tables(CRITEO.read([path], Options()).tables).unify_dictionaries()


def compare(folder: Path, sizes: Sequence[int], seeds: Sequence[int], names: Sequence[str]) -> list[dict[str, object]]:
    """One row a size and arm."""
    train, test = read(folder / "criteo_display" / "train.parquet"), read(folder / "criteo_display" / "valid.parquet")
    label = test["click"].to_numpy()
    rows: list[dict[str, object]] = []
    for size in sizes:
        part = train.slice(max(len(train) - size, 0))
        for name, arm in arms().items():
            if names and name not in names:
                continue
            start = time.process_time()
            found = [arm(part, test, seed) for seed in seeds]
            row = {
                "rows": len(part),
                "ranker": name,
                "auc": [auc(label, p) for p in found],
                "log_loss": [log_loss(label, p) for p in found],
                "pcoc": [pcoc(label, p) for p in found],
                "cpu_s": (time.process_time() - start) / len(seeds),
            }
            rows.append(row)
            print(line(row), flush=True)
    return rows


def line(row: dict[str, object]) -> str:
    """One row of the table, in Markdown."""
    cells = [f"{row['rows']:,}", str(row["ranker"])]
    for name in ("auc", "log_loss", "pcoc"):
        values = np.array(row[name])
        cells.append(f"{values.mean():.4f} ± {values.std():.4f}")
    return "| " + " | ".join([*cells, f"{row['cpu_s']:.0f}"]) + " |"


def main() -> None:
    """Read the options, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of public data sets")
    parser.add_argument("--rows", default="4000,16000,64000", help="how many of the last training rows to learn from")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--arms", default="", help="only these, separated by commas")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print("| rows | ranker | AUC | log loss | PCOC | CPU s |\n| ---: | --- | --- | --- | --- | ---: |")
    rows = compare(
        options.data,
        [int(size) for size in options.rows.split(",")],
        [int(seed) for seed in options.seeds.split(",")],
        [name for name in options.arms.split(",") if name],
    )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
