"""Conversion, stage 3b: the probability that a click leads to a conversion.

METHODS names the learners; each is "module:class", built as `class(encoder=..., windows in microseconds)`. They import
torch, the stage does not: names are looked up when they are asked for.
"""

from importlib import import_module
from typing import Any

METHODS = {
    "cvr": "adcascade.conversion.learn:ConversionLearner",
    "defuse": "adcascade.conversion.defuse:DefuseLearner",
}

PUBLIC = {
    "CVRConfig": "adcascade.conversion.cvr",
    "CVRModel": "adcascade.conversion.cvr",
    "ConversionLearner": "adcascade.conversion.learn",
    "ConversionStage": "adcascade.conversion.stage",
    "DefuseLearner": "adcascade.conversion.defuse",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in PUBLIC:
        raise AttributeError(f"adcascade.conversion has no {name!r}; it has {', '.join(PUBLIC)}")
    return getattr(import_module(PUBLIC[name]), name)
