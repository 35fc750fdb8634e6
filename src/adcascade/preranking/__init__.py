"""Pre-ranking, stage 2: a light model that lets few ads through.

METHODS names what it can learn from: "mlp" the ranker's probabilities (distillation), "copr" the order in which the
ranker put the ads of the log, "click" clicks alone. Each is "module:function", called with a student.Source. The model
and the stage are the same for all. They import torch, the stage does not: names are looked up when they are asked for.
"""

from importlib import import_module
from typing import Any

METHODS = {
    "mlp": "adcascade.preranking.learn:distilled",
    "copr": "adcascade.preranking.copr_learn:aligned",
    "click": "adcascade.preranking.click:clicked",
}

PUBLIC = {
    "ClickLearner": "adcascade.preranking.click",
    "CoprConfig": "adcascade.preranking.copr",
    "CoprLearner": "adcascade.preranking.copr_learn",
    "DistillationConfig": "adcascade.preranking.distillation",
    "DistilledBlocks": "adcascade.preranking.distillation",
    "PrerankingConfig": "adcascade.preranking.mlp",
    "PrerankingLearner": "adcascade.preranking.learn",
    "PrerankingMLP": "adcascade.preranking.mlp",
    "PrerankingStage": "adcascade.preranking.stage",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in PUBLIC:
        raise AttributeError(f"adcascade.preranking has no {name!r}; it has {', '.join(PUBLIC)}")
    return getattr(import_module(PUBLIC[name]), name)
