"""Ranking, stage 3: the probability of a click for each of a few hundred ads.

METHODS names the models; each is "module:class", built as `class(shape)` or `class(shape, config)`.
The models import torch, the stage does not: names are looked up when they are asked for.
"""

from importlib import import_module
from typing import Any

METHODS = {
    "dcn_v2": "adcascade.ranking.dcn_v2:DCNv2",
    "din": "adcascade.ranking.din:DIN",
    "kfatt": "adcascade.ranking.kfatt:KFAtt",
    "kfatt_base": "adcascade.ranking.kfatt:kfatt_base",
    "lr": "adcascade.ranking.lr:LogisticRegression",
    "committee": "adcascade.ranking.committee:Committee",
    "adasparse": "adcascade.ranking.adasparse:AdaSparse",
}

PUBLIC = {
    "AdaSparse": "adcascade.ranking.adasparse",
    "AdaSparseConfig": "adcascade.ranking.adasparse",
    "Committee": "adcascade.ranking.committee",
    "CommitteeConfig": "adcascade.ranking.committee",
    "DCNv2": "adcascade.ranking.dcn_v2",
    "DCNv2Config": "adcascade.ranking.dcn_v2",
    "DIN": "adcascade.ranking.din",
    "DINConfig": "adcascade.ranking.din",
    "KFAtt": "adcascade.ranking.kfatt",
    "KFAttConfig": "adcascade.ranking.kfatt",
    "LogisticRegression": "adcascade.ranking.lr",
    "RankingStage": "adcascade.ranking.stage",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in PUBLIC:
        raise AttributeError(f"adcascade.ranking has no {name!r}; it has {', '.join(PUBLIC)}")
    return getattr(import_module(PUBLIC[name]), name)
