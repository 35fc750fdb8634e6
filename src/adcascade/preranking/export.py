"""Export of a pre-ranker: what any model exports, and its weights, by which it is served (imports torch).

    network.npz    the parameters of PrerankingMLP by name (network.py)

The graphs beside it say the same for ONNX Runtime, whatever runs it (learning/export.py).
"""

from pathlib import Path

from adcascade.learning.export import export
from adcascade.nn.table import EmbeddingTable
from adcascade.preranking.mlp import PrerankingMLP
from adcascade.preranking.network import PrerankingNetwork


def export_student(folder: Path, model: PrerankingMLP, table: EmbeddingTable, fingerprint: str) -> None:
    """Write the files into an existing folder; `fingerprint` is the encoder's."""
    export(folder, model, table, fingerprint)
    network_of(model).save(folder)


def network_of(model: PrerankingMLP) -> PrerankingNetwork:
    """The model's weights, as serving reads them."""
    weights = {name: part.detach().numpy() for name, part in model.state_dict().items()}
    return PrerankingNetwork(weights, model.shape.matches)
