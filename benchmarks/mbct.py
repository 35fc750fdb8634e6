"""MBCT at size: growing calibration trees beside LightGBM with as many leaves, and applying them to one request's ads.

    python benchmarks/mbct.py [--rows 1000000] [--features 8] [--trees 10] [--repeat 3]

Both start from the same coded rows and end with trees, LightGBM's own binning included; one thread each; times are CPU
time. Nothing is pruned here, so that both grow all their leaves.
"""

import argparse
import platform
import time
from collections.abc import Callable

import lightgbm
import numpy as np

from adcascade.calibration.maps import sigmoid
from adcascade.calibration.mbct import LEAF, Trees
from adcascade.calibration.mbct_fit import MbctConfig, fit_trees

DEPTH = 4
ADS = 100  # of one request


def rows_of(n: int, features: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes [n, F] of up to 48 values, scores [n], labels [n] whose truth the scores know in part."""
    sizes = np.resize([4, 8, 24, 48], features)
    codes = (random.random((n, features)) * sizes).astype(np.uint8)
    weights = random.normal(0, 0.4, (features, sizes.max()))
    pair = random.normal(0, 0.5, (sizes.max(), sizes.max()))
    known = -3.0 + weights[np.arange(features), codes].sum(axis=1)
    truth = sigmoid(known + pair[codes[:, 0], codes[:, -1]])
    return codes, sigmoid(0.8 * known - 0.3), (random.random(n) < truth).astype(np.float64)


def seconds_of(work: Callable[[], object]) -> float:
    """CPU seconds of the process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def lightgbm_grown(codes: np.ndarray, p: np.ndarray, y: np.ndarray, trees: int) -> lightgbm.Booster:
    """Boosted from the same scores, with the score as one more feature."""
    data = lightgbm.Dataset(
        np.column_stack([codes, p]),
        label=y,
        init_score=np.log(p / (1 - p)),
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


def report(n: int, features: int, trees: int, repeat: int) -> None:
    """Print both times and their ratio, run by run."""
    random = np.random.default_rng(0)
    codes, p, y = rows_of(n, features, random)
    config = MbctConfig(trees=trees, depth=DEPTH, z=0.0)
    fit_trees(p[:1000], y[:1000], codes[:1000], config, random=random)  # compiles
    grown: list[Trees] = []
    booster: list[lightgbm.Booster] = []
    ratios = []
    for _ in range(repeat):
        mine = seconds_of(lambda: grown.append(fit_trees(p, y, codes, config, random=random)))
        theirs = seconds_of(lambda: booster.append(lightgbm_grown(codes, p, y, trees)))
        ratios.append(mine / theirs)
        print(f"MBCT {mine:6.2f} s   LightGBM {theirs:6.2f} s   ratio {ratios[-1]:.2f}")
    leaves = int((grown[-1].feature == LEAF).sum())
    others = sum(tree["num_leaves"] for tree in booster[-1].dump_model()["tree_info"])
    print(f"median ratio {np.median(ratios):.2f} (bar 2); leaves: MBCT {leaves}, LightGBM {others}")
    few = [slice(start, start + ADS) for start in range(0, 1000 * ADS, ADS)]
    spent = seconds_of(lambda: [grown[-1](p[part], codes[part]) for part in few if part.stop <= n])
    print(f"applying {trees} trees to {ADS} ads: {spent / sum(part.stop <= n for part in few) * 1e6:.0f} us")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--trees", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, lightgbm {lightgbm.__version__}, numpy {np.__version__}")
    print(f"{given.rows:,} rows, {given.features} features, {given.trees} trees of depth {DEPTH}, 1 thread\n")
    report(given.rows, given.features, given.trees, given.repeat)


if __name__ == "__main__":
    main()
