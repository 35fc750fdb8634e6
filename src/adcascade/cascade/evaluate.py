"""Evaluating a bundle on a sample set, without torch: every row is a request that meets one ad, in the ad's slot.

Rows are scored in batches by the graph of pairs (learning/pairs.py), and some of them by the very graphs that serve:
a bundle whose graphs disagree is refused. A bundle that was exported before there were pairs is scored row by row.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.calibration.stage import CalibrationStage
from adcascade.errors import BundleError, DataMissingError
from adcascade.events.samples import Samples
from adcascade.features.ads import AdFeatures
from adcascade.features.encoder import Encoder
from adcascade.learning.pairs import FILE as PAIRS
from adcascade.learning.pairs import PairScorer
from adcascade.learning.scorer import Scorer
from adcascade.metrics import auc, ece, gauc, log_loss, pcoc
from adcascade.metrics.logistic import sigmoid

Floats = NDArray[np.float64]
CHUNK = 16_384
SCENARIOS = 32  # that are judged apart
COMPARED, APART = 32, 1e-4  # rows that are also scored as serving does; how far their probabilities may be apart


def evaluate_bundle(root: Path, samples: Samples, progress: Callable[[int], None] | None = None) -> dict[str, float]:
    """AUC, GAUC where there are users, log-loss, PCOC and ECE of the calibrated click probability.

    root: a bundle's folder. DataMissingError where the samples hold no labelled row.
    """
    judge = BundleJudge(root)
    parts = []
    for table in samples.tables(batch_rows=CHUNK):
        parts.append(judge(table, samples.label))
        if progress is not None:
            progress(len(table))
    return numbers_of_parts(parts, samples)


class Seen(NamedTuple):
    """n rows: what the bundle says, what happened, and to whom."""

    predicted: Floats  # [n]
    happened: Floats  # [n]
    user: NDArray[np.str_]  # [n] "" where unknown


class BundleJudge:
    """The graphs of a bundle's folder, to be called on tables of samples."""

    def __init__(self, root: Path) -> None:
        self._encoder = Encoder.load(root / "features")
        self._features = AdFeatures(self._encoder)
        self._scorer = Scorer(root / "ranking", self._features)
        self._pairs = PairScorer(root / "ranking", self._encoder) if (root / "ranking" / PAIRS).exists() else None
        self._compared = False
        self._calibration = CalibrationStage.load(root / "calibration", self._features)

    def __call__(self, table: pa.Table, label: str) -> Seen:
        """The rows whose label is known."""
        rows = table.filter(table[label].is_valid())
        columns = {name: rows[name] for name in rows.column_names}
        raw = self._served(rows) if self._pairs is None else self._batched(self._pairs, rows)
        return Seen(
            predicted=self._calibration.of_samples(raw, texts_of(rows, "scenario"), columns),
            happened=rows[label].to_numpy().astype(np.float64),
            user=texts_of(rows, "user"),
        )

    def _served(self, rows: pa.Table) -> Floats:
        """Row by row."""
        return served_scores(self._encoder, self._features, self._scorer, rows)

    def _batched(self, pairs: PairScorer, rows: pa.Table) -> Floats:
        """All at once; BundleError where the first rows that are ever seen are served with other scores."""
        columns = {name: rows[name] for name in rows.column_names}
        scores = sigmoid(pairs(self._encoder.encode(columns, len(rows))).astype(np.float64))
        if not self._compared and len(rows):
            apart = np.abs(self._served(rows[:COMPARED]) - scores[:COMPARED]).max()
            if not apart <= APART:
                raise BundleError(
                    f"the bundle's {PAIRS} and the graphs that serve are {apart:.2g} apart in a probability, "
                    f"expected at most {APART:g}; train again"
                )
            self._compared = True
        return scores


def numbers_of_parts(parts: Sequence[Seen], samples: Samples) -> dict[str, float]:
    """The metrics of all parts together. DataMissingError where they hold no row."""
    if not sum(len(part.happened) for part in parts):
        raise DataMissingError(
            f"{samples.folder} holds no row whose {samples.label} is known: there is nothing to evaluate"
        )
    predicted, happened, user = (np.concatenate(column) for column in zip(*parts, strict=True))
    return numbers_of(happened, predicted, user)


def served_scores(encoder: Encoder, features: AdFeatures, scorer: Scorer, table: pa.Table) -> Floats:
    """Probabilities [n] before calibration, as serving computes them: one row at a time."""
    n = len(table)
    columns = {name: table[name] for name in table.column_names}
    features.update(np.arange(n, dtype=np.int32), columns)
    requests = encoder.encode(columns, n, "request")
    logit = np.empty(n)
    for row in range(n):
        state = scorer.user(requests.take(slice(row, row + 1)))
        logit[row] = scorer.score(state, np.array([row], np.int32))[0]
    return sigmoid(logit)


def numbers_of(happened: Floats, predicted: Floats, user: NDArray[np.str_] | None = None) -> dict[str, float]:
    """The metrics of n predictions; what is undefined (AUC where nothing happened) is left out."""
    numbers = {"rows": float(len(happened)), "rate": float(happened.mean())}
    if happened.min() == happened.max():
        return numbers
    numbers |= {
        "auc": auc(happened, predicted),
        "log_loss": log_loss(happened, predicted),
        "pcoc": pcoc(happened, predicted),
        "ece": ece(happened, predicted),
    }
    if user is not None and (user != "").any():
        known = user != ""
        within = gauc(happened[known], predicted[known], user[known])
        numbers |= {} if np.isnan(within) else {"gauc": within}
    return numbers


def numbers_by_scenario(happened: Floats, predicted: Floats, scenario: NDArray[np.str_]) -> dict[str, dict[str, float]]:
    """As `numbers_of`, of the rows of each scenario that has a name, [n] each; the SCENARIOS largest, largest first."""
    names, counts = np.unique(scenario[scenario != ""], return_counts=True)
    largest = names[np.argsort(-counts, kind="stable")[:SCENARIOS]]
    return {str(name): numbers_of(happened[scenario == name], predicted[scenario == name]) for name in largest}


def texts_of(table: pa.Table, name: str) -> NDArray[np.str_]:
    """A text column [n]; empty texts where it is absent or null."""
    if name not in table.column_names:
        return np.full(len(table), "", np.str_)
    return np.array(table[name].cast(pa.string()).fill_null("").to_pylist(), np.str_)
