"""Laws of evaluation: batches say what serving says row by row, and a bundle that contradicts itself is refused."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.calibration.stored import StoredCalibration, write_calibration
from adcascade.cascade import evaluate
from adcascade.cascade.evaluate import BundleJudge, numbers_of, served_scores
from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import export, export_pairs
from adcascade.learning.model import Shape
from adcascade.learning.pairs import FILE, PairScorer
from adcascade.learning.scorer import Scorer, State
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2

ROWS = 200


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Samples, one of ten without a label."""
    random = np.random.default_rng(0)
    return pa.table(
        {
            "user": [f"u{n % 31}" for n in range(ROWS)],
            "history_ad": [[f"a{i}" for i in random.integers(0, 20, n % 5)] for n in range(ROWS)],
            "ad": [f"a{n}" for n in random.integers(0, 20, ROWS)],
            "click": pa.array([None if n % 10 == 0 else int(n % 3 == 0) for n in range(ROWS)], pa.int8()),
        }
    )


@pytest.fixture(scope="module")
def bundle(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What evaluation reads of a bundle, the model as it was initialised."""
    root = tmp_path_factory.mktemp("bundle")
    for name in ("features", "ranking", "calibration"):
        (root / name).mkdir()
    features = [
        Feature(name="user", side="user", kind="categorical"),
        Feature(name="history_ad", side="user", kind="sequence", of="ad", length=4),
        Feature(name="ad", side="ad", kind="categorical"),
    ]
    encoder = Encoder.fit(features, [table])
    encoder.save(root / "features")
    torch.manual_seed(0)
    model = DCNv2(Shape.of(encoder, 4))
    export(
        root / "ranking", model, PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=1.0)), encoder.fingerprint
    )
    export_pairs(root / "ranking", model)
    write_calibration(root / "calibration", StoredCalibration())
    return root


def test_a_batch_says_what_serving_says_row_by_row(bundle: Path, table: pa.Table, tmp_path: Path) -> None:
    """Probabilities within 1e-6 and so the metrics; a bundle without the graph of pairs is still evaluated."""
    older = tmp_path / "older"
    shutil.copytree(bundle, older)
    (older / "ranking" / FILE).unlink()
    found, twin = BundleJudge(bundle)(table, "click"), BundleJudge(older)(table, "click")
    assert len(found.happened) == ROWS - ROWS // 10
    np.testing.assert_allclose(found.predicted, twin.predicted, atol=1e-6)
    np.testing.assert_array_equal(found.happened, twin.happened)
    assert numbers_of(*found) == pytest.approx(numbers_of(*twin), abs=1e-5)


def test_few_rows_go_one_by_one(bundle: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tables come: only the first rows of the first, for comparison."""
    users: list[object] = []
    real = Scorer.user

    def counted(scorer: Scorer, request: Batch) -> State:
        users.append(request)
        return real(scorer, request)

    monkeypatch.setattr(Scorer, "user", counted)
    judge = BundleJudge(bundle)
    for start in range(0, ROWS, 50):
        judge(table[start : start + 50], "click")
    assert len(users) == evaluate.COMPARED
    assert len(judge(table[:0], "click").predicted) == 0


def test_a_bundle_whose_graphs_disagree_is_refused(bundle: Path, table: pa.Table, tmp_path: Path) -> None:
    """The graph of pairs of another model: what would be reported is not what serves."""
    mixed = tmp_path / "mixed"
    shutil.copytree(bundle, mixed)
    encoder = Encoder.load(bundle / "features")
    torch.manual_seed(1)
    export_pairs(mixed / "ranking", DCNv2(Shape.of(encoder, 4)))
    with pytest.raises(BundleError, match="apart"):
        BundleJudge(mixed)(table, "click")


def test_served_scores_are_those_of_the_serving_graphs(bundle: Path, table: pa.Table) -> None:
    """Rows that are scored alone do not know of each other: any order, the same numbers."""
    encoder = Encoder.load(bundle / "features")
    features = AdFeatures(encoder)
    scorer = Scorer(bundle / "ranking", features)
    some = table[:20]
    forth = served_scores(encoder, features, scorer, some)
    back = served_scores(encoder, features, scorer, some.take(np.arange(19, -1, -1)))
    np.testing.assert_array_equal(forth, back[::-1])
    both = PairScorer(bundle / "ranking", encoder)
    columns = {name: some[name] for name in some.column_names}
    np.testing.assert_allclose(forth, 1 / (1 + np.exp(-both(encoder.encode(columns, 20)))), atol=1e-6)
