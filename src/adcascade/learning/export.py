"""Export: a trained model -> a folder that the torch-free Scorer serves from.

    table.npy    float32 [R, K], to be memory-mapped: workers share one copy, rows can be refreshed
    user.onnx    embedded, dense, history, mask of one request -> state_0, state_1, ...
    score.onnx   state_* (leading dimension 1), embedded and dense of n ads -> logit [n]
    model.json   the file format's version, the encoder's fingerprint, sizes (manifest.py)

Embeddings stay outside the graphs: the graphs take gathered vectors.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from adcascade.learning.graph import write_graph
from adcascade.learning.manifest import FORMAT, ModelManifest
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.inputs import Inputs
from adcascade.nn.packed import PackedEmbedding


class UserGraph(nn.Module):
    """The request's side as a function of plain tensors."""

    def __init__(self, model: ScoringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """(embedded, dense, history, mask) -> the state."""
        return self.model.user_state(Inputs(*tensors))


class ScoreGraph(nn.Module):
    """The ad's side as a function of plain tensors."""

    def __init__(self, model: ScoringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(*state, embedded [n, F, K], dense [n, D]) -> logits [n]."""
        *state, embedded, dense = tensors
        return self.model.score(tuple(state), ad_inputs(embedded, dense))


def ad_inputs(embedded: Tensor, dense: Tensor) -> Inputs:
    """Inputs of the ad's side, which has no history: [n, F, K], [n, D]."""
    n, width = embedded.shape[0], embedded.shape[2]
    return Inputs(embedded, dense, embedded.new_zeros((n, 0, 0, width)), torch.zeros((n, 0), dtype=torch.bool))


def export(folder: Path, model: ScoringModel, table: PackedEmbedding, fingerprint: str) -> None:
    """Write the four files into an existing folder; `fingerprint` is the encoder's."""
    model.eval()
    shape = model.shape
    np.save(folder / "table.npy", table.weight)
    user, ads = example_user(shape), example_ads(shape, 3)
    with torch.no_grad():
        state = {f"state_{place}": tensor for place, tensor in enumerate(model.user_state(user))}
    write_graph(folder / "user.onnx", UserGraph(model), user._asdict(), list(state))
    inputs = {**state, "embedded": ads.embedded, "dense": ads.dense}
    write_graph(folder / "score.onnx", ScoreGraph(model), inputs, ["logit"], dynamic=("embedded", "dense"))
    write_manifest(folder, model, fingerprint, states=len(state))


def write_manifest(folder: Path, model: ScoringModel, fingerprint: str, *, states: int) -> None:
    """Write model.json: what `read_manifest` checks before anything else is opened."""
    shape = model.shape
    manifest = ModelManifest(
        format=FORMAT,
        fingerprint=fingerprint,
        method=f"{type(model).__module__}:{type(model).__qualname__}",
        width=shape.width,
        request_fields=shape.request_fields,
        request_numbers=shape.request_numbers,
        ad_fields=shape.ad_fields,
        ad_numbers=shape.ad_numbers,
        sequences=shape.sequences,
        length=shape.length,
        states=states,
    )
    (folder / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def example_user(shape: Shape, seed: int = 0) -> Inputs:
    """The request's side of one sample in random numbers, to trace with and to compare on."""
    random = torch.Generator().manual_seed(seed)
    return Inputs(
        torch.randn((1, shape.request_fields, shape.width), generator=random),
        torch.randn((1, shape.request_numbers), generator=random),
        torch.randn((1, shape.length, shape.sequences, shape.width), generator=random),
        torch.arange(shape.length)[None, :] < (shape.length + 1) // 2,
    )


def example_ads(shape: Shape, n: int, seed: int = 1) -> Inputs:
    """The ad's side of n ads in random numbers."""
    random = torch.Generator().manual_seed(seed)
    embedded = torch.randn((n, shape.ad_fields, shape.width), generator=random)
    return ad_inputs(embedded, torch.randn((n, shape.ad_numbers), generator=random))
