"""Pre-ranking, stage 2: a light model, taught by the ranker, that lets few ads through.

The model and its learner import torch, the stage does not: names are looked up when they are asked for.
"""

from importlib import import_module
from typing import Any

METHODS = {"mlp": "adcascade.preranking.mlp:PrerankingMLP"}

PUBLIC = {
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
