"""Laws of a teacher's snapshot: it is found again as it was, and a damaged one is named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.cascade.learn_ranking import Trained
from adcascade.cascade.teacher import TeacherSnapshot
from adcascade.errors import BundleError
from adcascade.features import Encoder, Feature
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2

ROWS = pa.table({"user": ["u1", "u2", "u3", None], "ad": ["a1", "a2", "a1", "a9"], "price": [1.0, 2.0, 3.0, 4.0]})
FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
)


def snapshot() -> TeacherSnapshot:
    """A DCN-V2 in random numbers."""
    encoder = Encoder.fit(FEATURES, [ROWS])
    torch.manual_seed(0)
    model = DCNv2(Shape.of(encoder, 4))
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=1.0))
    trained = Trained(encoder=encoder, model=model, table=table, method="dcn_v2")
    return TeacherSnapshot(trained, version="v7", trained_until_us=5)


def test_a_snapshot_is_found_again_as_it_was(tmp_path: Path) -> None:
    """Version, end of its data and every probability."""
    teacher = snapshot()
    teacher.save(tmp_path / "v7")
    found = TeacherSnapshot.load(tmp_path / "v7")
    assert (found.version, found.trained_until_us) == ("v7", 5)
    np.testing.assert_array_equal(found(ROWS), teacher(ROWS))
    assert ((found(ROWS) > 0) & (found(ROWS) < 1)).all()


@pytest.mark.parametrize("name", ["table.npy", "model.npz", "teacher.json"])
def test_a_damaged_snapshot_is_refused(name: str, tmp_path: Path) -> None:
    """Each file, cut in half or gone, says what to do."""
    snapshot().save(tmp_path)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match="train it again"):
        TeacherSnapshot.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BundleError, match="train it again"):
        TeacherSnapshot.load(tmp_path)
