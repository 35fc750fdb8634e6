"""What the study of MBCT compares: maps of the score, trees over features, and trees with something taken away."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from adcascade.calibration.learn import METHODS
from adcascade.calibration.mbct_fit import MbctConfig, fit_trees
from adcascade.metrics import auc, ece, field_error, log_loss, mvce
from adcascade.studies.contract import Role
from adcascade.studies.mbct_world import Floats, Rows

Predict = Callable[[Rows, Rows, int], Floats]  # calibrate on the first, answer for the second, by a seed
BINS = 1000  # of a view of MVCE on simulated rows

SCORE_ONLY = {
    "Platt": "platt",
    "isotonic": "isotonic",
    "histogram": "histogram",
    "beta": "beta",
    "scaling-binning": "scaling_binning",
}
LOOSE = MbctConfig(z=0.0, prior_events=0.0, leaf_events=5.0)


def by_map(method: str) -> Predict:
    """A map of the score alone."""

    def predict(fit: Rows, judge: Rows, seed: int) -> Floats:  # noqa: ARG001  maps need no chance
        return METHODS[method](fit.score, fit.label, np.ones(len(fit.score)))(judge.score)

    return predict


def by_trees(config: MbctConfig, *, beneath: str = "beta", features: bool = True) -> Predict:
    """Trees above a map of the score, as the engine serves them."""

    def predict(fit: Rows, judge: Rows, seed: int) -> Floats:
        under = METHODS[beneath](fit.score, fit.label, np.ones(len(fit.score)))
        used = slice(None) if features else slice(0, 0)
        trees = fit_trees(under(fit.score), fit.label, fit.codes[:, used], config, random=np.random.default_rng(seed))
        return trees(under(judge.score), judge.codes[:, used])

    return predict


def by_constant_leaves(fit: Rows, judge: Rows, seed: int) -> Floats:
    """One tree whose leaf says its mean label to all, as a histogram would, instead of k p."""
    config = MbctConfig(trees=1)
    under = METHODS["beta"](fit.score, fit.label, np.ones(len(fit.score)))
    trees = fit_trees(under(fit.score), fit.label, fit.codes, config, random=np.random.default_rng(seed))
    if not len(trees.roots):
        return np.full(len(judge.score), fit.label.mean())
    leaf = trees.leaves(under(fit.score), fit.codes)[:, 0]
    size = np.bincount(leaf, minlength=len(trees.k))
    mean = (np.bincount(leaf, fit.label, len(trees.k)) + fit.label.mean()) / (size + 1)
    return np.asarray(mean[trees.leaves(under(judge.score), judge.codes)[:, 0]])


ONE = MbctConfig(trees=1)
FULL = MbctConfig()
COMPARED: Mapping[str, tuple[Role, Predict]] = {
    "raw score": ("baseline", by_map("none")),
    **{name: ("baseline", by_map(method)) for name, method in SCORE_ONLY.items()},
    "MBCT": ("method", by_trees(FULL)),
    "MBCT, 5 trees": ("ablation", by_trees(replace(FULL, trees=5))),
    "MBCT, 1 tree": ("ablation", by_trees(ONE)),
    "MBCT, 1 tree, leaf constant": ("ablation", by_constant_leaves),
    "MBCT without features": ("ablation", by_trees(FULL, features=False)),
    "MBCT above the raw score": ("ablation", by_trees(FULL, beneath="none")),
    "MBCT, split by log-loss": ("ablation", by_trees(replace(FULL, loss="log_loss"))),
    "MBCT, split by ECE": ("ablation", by_trees(replace(FULL, loss="ece"))),
    "MBCT, nothing to earn": ("ablation", by_trees(LOOSE)),
}


def measured(judge: Rows, answer: Floats, *, bins: int, views: int) -> dict[str, float]:
    """Metrics of an answer [n]; MVCE by the same views for all answers."""
    random = np.random.default_rng(0)
    found = {
        "auc": auc(judge.label, answer),
        "log_loss": log_loss(judge.label, answer),
        "ece": ece(judge.label, answer, bins=32),
        "mvce": mvce(judge.label, answer, bins=bins, views=views, random=random),
        "field_error": field_error(judge.label, answer, judge.codes),
    }
    if judge.truth is not None:
        found["tce"] = float(np.abs(answer - judge.truth).mean())
    return found
