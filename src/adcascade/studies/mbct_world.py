"""Scores that do not know what features know: the worlds of the study of MBCT, simulated and real.

    truth   logit p* = -3 + Σ_f W_f[x_f] + I[x_0, x_1],    W ~ N(0, 0.5²), I ~ N(0, 0.6²); 6 features of 8 values
    score   logit p  = 0.8 (logit p* - I) - 0.3 + N(0, 0.2²)

The score is over-confident by a slope and a level, which any map of the score mends, and blind to how two features act
together, which none can.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adcascade.calibration.coding import Coder, fit_codes
from adcascade.metrics.logistic import sigmoid

Floats = NDArray[np.float64]
FIELDS, VALUES = 6, 8


class Rows(NamedTuple):
    """n judged predictions."""

    codes: NDArray[np.uint8]  # [n, F]
    score: Floats  # [n]
    label: Floats  # [n]
    truth: Floats | None = None  # [n] where it is known


def simulated(seed: int, n: int) -> tuple[Rows, Rows]:
    """Rows to calibrate on and rows to judge on, n each, of one world."""
    random = np.random.default_rng(seed)
    weights = random.normal(0, 0.5, (FIELDS, VALUES))
    pair = random.normal(0, 0.6, (VALUES, VALUES))
    return _drawn(n, weights, pair, random), _drawn(n, weights, pair, random)


def _drawn(n: int, weights: Floats, pair: Floats, random: np.random.Generator) -> Rows:
    x = random.integers(0, VALUES, (n, FIELDS))
    known = -3.0 + weights[np.arange(FIELDS), x].sum(axis=1)
    truth = sigmoid(known + pair[x[:, 0], x[:, 1]])
    score = sigmoid(0.8 * known - 0.3 + random.normal(0, 0.2, n))
    return Rows(x.astype(np.uint8), score, (random.random(n) < truth).astype(np.float64), truth)


Read = tuple[NDArray[np.int64], Floats, Floats]  # values [n, 8], scores [n], labels [n]


def real(file: Path) -> Read:
    """A file of the public score sets; values are counted from 0."""
    table = pq.read_table(file)
    x = np.stack([table[f"x{f}"].to_numpy().astype(np.int64) for f in range(8)], axis=1)
    score, label = (table[name].to_numpy().astype(np.float64) for name in ("prediction", "label"))
    return x - x.min(axis=0), score, label


def taken(read: Read, rows: NDArray[np.int64]) -> Read:
    """Some of its rows."""
    return read[0][rows], read[1][rows], read[2][rows]


def coded(fit: Read, judge: Read) -> tuple[Rows, Rows]:
    """Both parts with the codes of the first: the values that are frequent there."""
    sizes = 1 + np.maximum(fit[0].max(axis=0), judge[0].max(axis=0))
    coder = Coder(fit_codes([f"x{f}" for f in range(len(sizes))], sizes.tolist(), fit[0]))
    return Rows(coder(fit[0]), *fit[1:]), Rows(coder(judge[0]), *judge[1:])
