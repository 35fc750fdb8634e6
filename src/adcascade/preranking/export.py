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
    PrerankingNetwork.of(model).save(folder)
