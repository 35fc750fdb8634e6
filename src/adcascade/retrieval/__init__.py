"""retrieval: from the whole catalog to some hundred ads. Names are imported when they are asked for.

Serving imports `stage`, which knows no torch; `two_tower` and `nann` learn and import it.
"""

from importlib import import_module

# Learners of this stage by the short name that adcascade.toml uses.
METHODS = {
    "two_tower": "adcascade.retrieval.two_tower:TwoTowerLearner",
    "nann": "adcascade.retrieval.nann:NannLearner",
}

_HOMES = {
    "AdIndex": "index",
    "IndexConfig": "inverted_file",
    "CategoryRule": "rules",
    "ClickPrior": "prior",
    "FlatnessConfig": "flatness",
    "GraphConfig": "graph",
    "KeywordRule": "rules",
    "NannConfig": "nann_model",
    "NannLearner": "nann",
    "NannModel": "nann_model",
    "NeuralConfig": "neural_search",
    "NeuralSearch": "neural_search",
    "ProximityGraph": "graph",
    "RetrievalConfig": "stage",
    "RetrievalStage": "stage",
    "Searcher": "searcher",
    "Towers": "towers",
    "TwoTower": "tower_model",
    "TwoTowerConfig": "tower_model",
    "TwoTowerLearner": "two_tower",
    "WalkConfig": "beam_walk",
}

__all__ = ["METHODS", *_HOMES]  # noqa: PLE0604  the names of _HOMES are texts


def __getattr__(name: str) -> object:
    """Import a public name from its file."""
    if name not in _HOMES:
        raise AttributeError(f"adcascade.retrieval has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
