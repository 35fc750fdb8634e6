"""TeacherSnapshot: a large ranking model, as it was when its data ended. Imports torch.

    teachers/VERSION/
      encoder.json, vocabulary.parquet    the features as it reads them
      table.npy                           float32 [R, K]
      model.npz                           the networks' parameters by name
      teacher.json                        method and the end of its data; written last

It is never served: it scores logged impressions for learning/augmentation.py.
"""

from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.cascade.learn_ranking import Trained, model_class
from adcascade.errors import BundleError
from adcascade.features.encoder import Encoder
from adcascade.learning.loop import predict
from adcascade.learning.model import Shape
from adcascade.metrics.logistic import sigmoid
from adcascade.nn.packed import PackedEmbedding, TableConfig

MANIFEST = "teacher.json"


class TeacherManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What teacher.json says."""

    method: str
    trained_until_us: int


class TeacherSnapshot:
    """A Teacher: click probabilities of logged impressions, in the slot where they were."""

    def __init__(self, trained: Trained, *, version: str, trained_until_us: int) -> None:
        self.trained, self.version, self.trained_until_us = trained, version, trained_until_us

    def __call__(self, impressions: pa.Table) -> NDArray[np.float64]:
        """Probabilities [n] of n rows of the sample table."""
        columns = {name: impressions[name] for name in impressions.column_names}
        batch = self.trained.encoder.encode(columns, len(impressions))
        return sigmoid(predict(self.trained.model, self.trained.table, batch))

    def save(self, folder: Path) -> None:
        """Write it into a new folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.trained.encoder.save(folder)
        self.trained.table.save(str(folder / "table.npy"))
        state = {name: value.numpy() for name, value in self.trained.model.state_dict().items()}
        np.savez(folder / "model.npz", **state)
        manifest = TeacherManifest(method=self.trained.method, trained_until_us=self.trained_until_us)
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))

    @classmethod
    def load(cls, folder: Path) -> "TeacherSnapshot":
        """Read what `save` wrote; its version is the folder's name. BundleError where it is damaged."""
        encoder = Encoder.load(folder)
        try:
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=TeacherManifest)
            weight = np.load(folder / "table.npy")
            with (folder / "model.npz").open("rb") as file, np.load(file) as stored:
                state = {name: torch.from_numpy(stored[name]) for name in stored.files}
        except (OSError, ValueError, EOFError, BadZipFile, msgspec.MsgspecError) as error:
            raise BundleError(f"{folder} holds no readable teacher ({error}); remove it to train it again") from error
        table = PackedEmbedding(len(weight), TableConfig(width=weight.shape[1]))
        table.weight[:] = weight
        model = model_class(manifest.method)(Shape.of(encoder, table.width))
        model.load_state_dict(state)
        trained = Trained(encoder=encoder, model=model, table=table, method=manifest.method)
        return cls(trained, version=folder.name, trained_until_us=manifest.trained_until_us)
