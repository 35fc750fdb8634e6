"""Export: a trained model -> a folder that the torch-free Scorer serves from.

    table.npy    float32 [R, K], to be memory-mapped: workers share one copy, rows can be refreshed
    user.onnx    embedded, dense, history, mask of one request -> state_0, state_1, ...
    score.onnx   state_* (leading dimension 1), embedded and dense of n ads -> logit [n]
    score_S.onnx the same for requests of scenario number S, cheaper, where the model can be folded
    model.json   the file format's version, the encoder's fingerprint, sizes (manifest.py)
    pairs.onnx   where `export_pairs` is asked for it: both sides of n pairs -> logit [n] (pairs.py)

Embeddings stay outside the graphs: the graphs take gathered vectors.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from adcascade.features.categories import FIRST
from adcascade.learning.graph import write_graph
from adcascade.learning.manifest import FORMAT, ModelManifest
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.pairs import FILE as PAIRS
from adcascade.nn.inputs import Inputs
from adcascade.nn.table import EmbeddingTable

MOST_FOLDED = 64  # scenarios with a graph of their own: each costs a file, and a session in serving


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


class PairGraph(nn.Module):
    """Both sides as a function of plain tensors."""

    def __init__(self, model: ScoringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        """(embedded, dense, history, mask, ad_embedded, ad_dense), n rows each -> logits [n]."""
        return self.model.score(self.model.user_state(Inputs(*tensors[:4])), ad_inputs(*tensors[4:]))


def ad_inputs(embedded: Tensor, dense: Tensor) -> Inputs:
    """Inputs of the ad's side, which has no history: [n, F, K], [n, D]."""
    n, width = embedded.shape[0], embedded.shape[2]
    return Inputs(embedded, dense, embedded.new_zeros((n, 0, 0, width)), torch.zeros((n, 0), dtype=torch.bool))


def export(folder: Path, model: ScoringModel, table: EmbeddingTable, fingerprint: str) -> None:
    """Write the files into an existing folder; `fingerprint` is the encoder's."""
    model.eval().to("cpu")
    shape = model.shape
    table.save(str(folder / "table.npy"))
    user, ads, served = example_user(shape), example_ads(shape, 3), model.for_serving().eval()
    with torch.no_grad():
        state = {f"state_{place}": tensor for place, tensor in enumerate(served.user_state(user))}
    write_graph(folder / "user.onnx", UserGraph(served), user._asdict(), list(state))
    inputs = {**state, "embedded": ads.embedded, "dense": ads.dense}
    folded = foldings(model, table)
    for name, one in {"score": served, **{f"score_{number}": one for number, one in folded.items()}}.items():
        write_graph(folder / f"{name}.onnx", ScoreGraph(one), inputs, ["logit"], dynamic=("embedded", "dense"))
    write_manifest(folder, model, fingerprint, states=len(state), folded=tuple(folded))


def export_pairs(folder: Path, model: ScoringModel) -> None:
    """Write the graph of pairs beside what `export` wrote of the same model."""
    user, ads = example_user(model.shape), example_ads(model.shape, 3)
    inputs = {name: tensor.repeat(3, *[1] * (tensor.dim() - 1)) for name, tensor in user._asdict().items()}
    inputs |= {"ad_embedded": ads.embedded, "ad_dense": ads.dense}
    write_graph(folder / PAIRS, PairGraph(model), inputs, ["logit"], dynamic=tuple(inputs))


def foldings(model: ScoringModel, table: EmbeddingTable) -> dict[int, ScoringModel]:
    """The model's foldings by the number of the scenario, of at most MOST_FOLDED known ones, the frequent first."""
    numbered = enumerate(model.shape.scenarios[:MOST_FOLDED], FIRST)
    found = {number: model.folded(torch.from_numpy(table.look_up(np.array([row]))[0])) for number, row in numbered}
    return {number: one for number, one in found.items() if one is not None}


def write_manifest(
    folder: Path, model: ScoringModel, fingerprint: str, *, states: int, folded: tuple[int, ...] = ()
) -> None:
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
        folded=folded,
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
