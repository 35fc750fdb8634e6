"""Export of the two towers: two graphs over gathered embeddings, the table, and what they were made for.

request_tower.onnx   embedded, dense, history, mask of one request -> vector [1, K]
ad_tower.onnx        embedded, dense of n ads -> vectors [n, K]
table.npy            float32, to be memory-mapped
model.json           learning/manifest.py
"""

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from adcascade.learning.export import ad_inputs, example_ads, example_user, write_manifest
from adcascade.learning.graph import write_graph
from adcascade.nn.inputs import Inputs
from adcascade.nn.packed import PackedEmbedding
from adcascade.retrieval.tower_model import TwoTower


class RequestGraph(nn.Module):
    """The request tower as a function of plain tensors."""

    def __init__(self, model: TwoTower) -> None:
        """Share the model's weights."""
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(embedded, dense, history, mask) -> [1, K]."""
        return self.model.request_vector(Inputs(*tensors))


class AdGraph(nn.Module):
    """The ad tower as a function of plain tensors."""

    def __init__(self, model: TwoTower) -> None:
        """Share the model's weights."""
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(embedded [n, F, K of the table], dense [n, D]) -> [n, K]."""
        return self.model.ad_vector(ad_inputs(*tensors))


def export_towers(folder: Path, model: TwoTower, table: PackedEmbedding, fingerprint: str) -> None:
    """Write the two graphs, the table and model.json into an existing folder."""
    model.eval()
    shape = model.shape
    np.save(folder / "table.npy", table.weight)
    write_graph(folder / "request_tower.onnx", RequestGraph(model), example_user(shape)._asdict(), ["vector"])
    ads = example_ads(shape, 3)
    inputs = {"embedded": ads.embedded, "dense": ads.dense}
    write_graph(folder / "ad_tower.onnx", AdGraph(model), inputs, ["vectors"], dynamic=("embedded", "dense"))
    write_manifest(folder, model, fingerprint, states=1)
