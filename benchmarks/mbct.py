"""MBCT at size: growing calibration trees, their error, and mapping one request's ads, beside LightGBM.

Both start from the same coded rows and scores and end with trees of as many leaves, LightGBM's own binning included.
Nothing is pruned, so that both grow all their leaves. One thread, CPU time. The calibration error is the ECE, over a
hundred equal crowds, of rows that neither has seen.
"""

import argparse
from collections.abc import Callable

import lightgbm
import numpy as np

from adcascade.bench.rounds import alternate, figure
from adcascade.bench.row import Bar, Row
from adcascade.calibration.maps import sigmoid
from adcascade.calibration.mbct import LEAF, Trees
from adcascade.calibration.mbct_fit import MbctConfig, fit_trees
from adcascade.metrics import ece

DEPTH = 4
ADS = 100  # of one request
REQUESTS = 300  # a round


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--trees", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)


def rows_of(n: int, features: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes [n, F] of up to 48 values, scores [n], labels [n] whose truth the scores know in part."""
    sizes = np.resize([4, 8, 24, 48], features)
    codes = (random.random((n, features)) * sizes).astype(np.uint8)
    weights = random.normal(0, 0.4, (features, sizes.max()))
    pair = random.normal(0, 0.5, (sizes.max(), sizes.max()))
    known = -3.0 + weights[np.arange(features), codes].sum(axis=1)
    truth = sigmoid(known + pair[codes[:, 0], codes[:, -1]])
    return codes, sigmoid(0.8 * known - 0.3), (random.random(n) < truth).astype(np.float64)


def logits(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p))."""
    return np.log(p / (1 - p))


def lightgbm_grown(codes: np.ndarray, p: np.ndarray, y: np.ndarray, trees: int) -> lightgbm.Booster:
    """Boosted from the same scores, with the score as one more feature."""
    data = lightgbm.Dataset(
        np.column_stack([codes, p]),
        label=y,
        init_score=logits(p),
        categorical_feature=list(range(codes.shape[1])),
        params={"max_bin": 100, "verbose": -1, "num_threads": 1},
    )
    params = {
        "objective": "binary",
        "num_leaves": 2**DEPTH,
        "learning_rate": 1.0,
        "num_threads": 1,
        "verbose": -1,
        "force_row_wise": True,
    }
    return lightgbm.train(params, data, num_boost_round=trees)


def run(given: argparse.Namespace) -> list[Row]:
    """Fit, error, mapping."""
    random = np.random.default_rng(given.seed)
    learned = slice(0, given.rows)
    codes, p, y = rows_of(given.rows + given.rows // 5, given.features, random)
    config = MbctConfig(trees=given.trees, depth=DEPTH, z=0.0)
    fit_trees(p[:1000], y[:1000], codes[:1000], config, random=random)  # compiles
    grown: list[Trees] = []
    boosted: list[lightgbm.Booster] = []
    spent = alternate(
        {
            "mbct": lambda: grown.append(fit_trees(p[learned], y[learned], codes[learned], config, random=random)),
            "lightgbm": lambda: boosted.append(lightgbm_grown(codes[learned], p[learned], y[learned], given.trees)),
        },
        rounds=given.rounds,
        warm=0,
    )
    leaves = int((grown[-1].feature == LEAF).sum())
    others = sum(tree["num_leaves"] for tree in boosted[-1].dump_model()["tree_info"])
    fit = timed(
        f"fit, {given.rows:,} rows, {given.trees} trees",
        spent,
        "s",
        1.0,
        bar=Bar(of="ratio", least=0.5),
        note=f"{leaves} leaves, LightGBM {others}",
    )
    unseen = slice(given.rows, None)
    return [
        fit,
        *error_rows(grown[-1], boosted[-1], p[unseen], y[unseen], codes[unseen]),
        mapping(grown[-1], boosted[-1], p, codes),
    ]


def error_rows(trees: Trees, booster: lightgbm.Booster, p: np.ndarray, y: np.ndarray, codes: np.ndarray) -> list[Row]:
    """Calibration error and log loss on rows that neither has seen."""
    ours = trees(p, codes)
    theirs = sigmoid(booster.predict(np.column_stack([codes, p]), raw_score=True) + logits(p))

    def loss(q: np.ndarray) -> float:
        return float(-np.mean(y * np.log(q) + (1 - y) * np.log1p(-q)))

    measures: dict[str, Callable[[np.ndarray], float]] = {
        "calibration error": lambda q: float(ece(y, q, bins=100)),
        "log loss": loss,
    }
    return [
        Row(
            name=f"{name} of unseen rows",
            value=measure(ours),
            unit="",
            peer="LightGBM",
            peer_value=measure(theirs),
            turned=True,
            note=f"of the scores themselves {measure(p):.4g}",
        )
        for name, measure in measures.items()
    ]


def mapping(trees: Trees, booster: lightgbm.Booster, p: np.ndarray, codes: np.ndarray) -> Row:
    """Microseconds for the ads of one request."""
    parts = [slice(start, start + ADS) for start in range(0, min(REQUESTS * ADS, len(p)), ADS)]
    both = [np.column_stack([codes[part], p[part]]) for part in parts]
    spent = alternate(
        {
            "mbct": lambda: [trees(p[part], codes[part]) for part in parts],
            "lightgbm": lambda: [booster.predict(one, raw_score=True, num_threads=1) for one in both],
        },
        rounds=7,
    )
    return timed(f"mapping {ADS} ads of a request", spent, "us", 1e6 / len(parts))


def timed(
    name: str, spent: dict[str, list[float]], unit: str, scale: float, *, bar: Bar | None = None, note: str = ""
) -> Row:
    """The seconds of both, times `scale`."""
    ours, other = (figure([scale * second for second in spent[one]]) for one in ("mbct", "lightgbm"))
    return Row(
        name=name,
        value=ours.median,
        spread=ours.spread,
        unit=unit,
        peer="LightGBM",
        peer_value=other.median,
        turned=True,
        bar=bar,
        note=note,
    )
