"""FuxiCTR's DCN-V2 (parallel) in its own train_step, rebuilt from its layers as its model zoo does: a peer's arm.

Needs `pip install fuxictr`. Width 16, three cross layers beside an MLP of 256-128-64, Adam at 1e-3, one epoch, batches
of 256 (the best of 256, 512, 1024, 4096 here), no regulariser, gradient norm clipped at 10 as shipped; a value seen
once is taken for unseen (better for it than keeping it).
"""

import tempfile
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def dcn_v2(train: Codes, label: NDArray[np.float32], test: Codes, seed: int) -> NDArray[np.float64]:
    """Codes [n, F] and labels [n] -> P(click) of the test codes [m]."""
    vocabularies = [_vocabulary(column) for column in train.T]
    x = _ids(train, vocabularies)
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:  # it makes one for checkpoints, which are not written here
        model = _model([len(words) + 2 for words in vocabularies], folder)
    order = np.random.default_rng(seed).permutation(len(x))
    y = torch.from_numpy(label.astype(np.float32))[:, None]
    model.train()
    for start in range(0, len(x), 256):
        rows = torch.from_numpy(order[start : start + 256])
        model.train_step({**_batch(x[rows]), "y": y[rows]})
    model.eval()
    with torch.no_grad():
        parts = [model({**_batch(part), "y": None})["y_pred"] for part in _ids(test, vocabularies).split(4096)]
    found: NDArray[np.float64] = torch.cat(parts).numpy().ravel().astype(np.float64)
    return found


def _vocabulary(column: NDArray[np.int64]) -> NDArray[np.int64]:
    values, counts = np.unique(column, return_counts=True)
    return values[counts > 1]


def _ids(codes: Codes, vocabularies: list[NDArray[np.int64]]) -> torch.Tensor:
    """0 is padding, then the vocabulary, the last is unseen."""
    columns = []
    for column, words in zip(codes.T, vocabularies, strict=True):
        place = np.minimum(np.searchsorted(words, column), len(words) - 1)
        columns.append(np.where(words[place] == column, place + 1, len(words) + 1))
    return torch.from_numpy(np.stack(columns, axis=1))


def _batch(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {f"f{place}": x[:, place] for place in range(x.shape[1])}


def _model(sizes: list[int], folder: str, width: int = 16) -> Any:
    from fuxictr.features import FeatureMap  # noqa: PLC0415
    from fuxictr.pytorch.layers import CrossNetV2, FeatureEmbedding, MLP_Block  # noqa: PLC0415
    from fuxictr.pytorch.models import BaseModel  # noqa: PLC0415

    fields = FeatureMap("criteo", ".")
    fields.labels = ["y"]
    fields.features = OrderedDict(
        (f"f{place}", {"source": "", "type": "categorical", "vocab_size": size, "padding_idx": 0})
        for place, size in enumerate(sizes)
    )
    fields.num_fields, fields.default_emb_dim = fields.get_num_fields(), width
    fields.input_length = len(sizes) + 1

    class DCNv2(BaseModel):  # type: ignore[misc]
        """The parallel structure of FuxiCTR's model zoo."""

        def __init__(self) -> None:
            super().__init__(
                fields,
                model_id="DCNv2",
                task="binary_classification",
                gpu=-1,
                metrics=["AUC"],
                verbose=0,
                model_root=folder,
            )
            flat = len(sizes) * width
            self.embedding_layer = FeatureEmbedding(fields, width)
            self.crossnet = CrossNetV2(flat, 3)
            self.parallel_dnn = MLP_Block(
                input_dim=flat, output_dim=None, hidden_units=[256, 128, 64], hidden_activations="ReLU",
                output_activation=None, dropout_rates=0, batch_norm=False,
            )  # fmt: skip
            self.fc = torch.nn.Linear(flat + 64, 1)
            self.compile("adam", "binary_crossentropy", 1e-3)
            self.reset_parameters()
            self.model_to_device()

        def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            """P(click) under "y_pred", [B, 1]."""
            e = self.embedding_layer(self.get_inputs(inputs), flatten_emb=True)
            z = self.fc(torch.cat([self.crossnet(e), self.parallel_dnn(e)], dim=-1))
            return {"y_pred": self.output_activation(z)}

    model = DCNv2()
    model._max_gradient_norm, model._batch_index = 10.0, 0  # noqa: SLF001  what its own fit would set
    return model
