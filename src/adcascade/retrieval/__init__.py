"""retrieval: from the whole catalog to some hundred ads. Names are imported when they are asked for.

Serving imports `stage`, which knows no torch; `two_tower` learns and imports it.
"""

from importlib import import_module

# Learners of this stage by the short name that adcascade.toml uses.
METHODS = {"two_tower": "adcascade.retrieval.two_tower:TwoTowerLearner"}

_HOMES = {
    "AdIndex": "index",
    "IndexConfig": "index",
    "CategoryRule": "rules",
    "ClickPrior": "prior",
    "KeywordRule": "rules",
    "RetrievalConfig": "stage",
    "RetrievalStage": "stage",
    "Towers": "towers",
    "TwoTower": "tower_model",
    "TwoTowerConfig": "tower_model",
    "TwoTowerLearner": "two_tower",
}

__all__ = ["METHODS", *_HOMES]  # noqa: PLE0604  the names of _HOMES are texts


def __getattr__(name: str) -> object:
    """Import a public name from its file."""
    if name not in _HOMES:
        raise AttributeError(f"adcascade.retrieval has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
