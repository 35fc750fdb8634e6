"""Laws of the graph of pairs: in a batch each sample is scored as the graphs that serve score it alone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning import pairs
from adcascade.learning.export import export, export_pairs, write_manifest
from adcascade.learning.loop import predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.pairs import PairScorer
from adcascade.learning.scorer import Scorer
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.adasparse import AdaSparse
from adcascade.ranking.din import DIN
from adcascade.ranking.lr import LogisticRegression

MODELS = [DIN, AdaSparse]  # DCN-V2 is that of tests/cascade/test_evaluate.py
ROWS = 37


@pytest.fixture(scope="module")
def samples() -> pa.Table:
    """Requests that all differ, each with its ad; some values are missing."""
    random = np.random.default_rng(3)
    return pa.table(
        {
            "user": [None if n % 7 == 0 else f"u{n % 9}" for n in range(ROWS)],
            "scenario": [("home", None)[n % 2] for n in range(ROWS)],
            "page": [f"c{n % 4}" for n in range(ROWS)],
            "age": [None if n % 5 == 0 else float(n) for n in range(ROWS)],
            "history_ad": [[f"a{i}" for i in random.integers(0, 20, n % 6)] for n in range(ROWS)],
            "ad": [f"a{n % 20}" for n in range(ROWS)],
            "category": [f"c{n % 3}" for n in range(ROWS)],
            "price": random.normal(size=ROWS),
        }
    )


@pytest.fixture(scope="module")
def matching(samples: pa.Table) -> Encoder:
    """With a history, a scenario, numbers of both sides, and a match."""
    return Encoder.fit(
        [
            Feature(name="user", side="user", kind="categorical"),
            Feature(name="scenario", side="scenario", kind="categorical"),
            Feature(name="page", side="context", kind="categorical"),
            Feature(name="age", side="user", kind="numeric"),
            Feature(name="history_ad", side="user", kind="sequence", of="ad", length=4),
            Feature(name="ad", side="ad", kind="categorical"),
            Feature(name="category", side="ad", kind="categorical"),
            Feature(name="price", side="ad", kind="numeric"),
            Feature(name="met", side="pair", kind="match", left="page", right="category"),
        ],
        [samples],
    )


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_batch_is_scored_as_each_row_alone(
    make: type[ScoringModel], matching: Encoder, samples: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin is the Scorer, one request and one ad at a time; and torch. Parts of a batch change nothing."""
    torch.manual_seed(0)
    model = make(Shape.of(matching, 4))
    table = PackedEmbedding(matching.rows, TableConfig(width=4, init_std=1.0))
    export(tmp_path, model, table, matching.fingerprint)
    export_pairs(tmp_path, model)
    columns = {name: samples[name] for name in samples.column_names}
    batch = matching.encode(columns, ROWS)
    monkeypatch.setattr(pairs, "PART", 16)
    scorer = PairScorer(tmp_path, matching)
    found = scorer(batch)
    np.testing.assert_allclose(found, predict(model, table, batch), atol=2e-5)
    ads = AdFeatures(matching)
    ads.update(np.arange(ROWS), columns)
    serving, requests = Scorer(tmp_path, ads), matching.encode(columns, ROWS, "request")
    alone = [
        serving.score(serving.user(requests.take(slice(row, row + 1))), np.array([row], np.int32))[0]
        for row in range(ROWS)
    ]
    np.testing.assert_allclose(found, alone, atol=2e-5)
    assert np.ptp(found) > 1e-3
    assert scorer(batch.take(slice(0, 0))).shape == (0,)


def test_a_damaged_graph_and_another_encoder_are_refused(matching: Encoder, samples: pa.Table, tmp_path: Path) -> None:
    """As the Scorer refuses them."""
    model = LogisticRegression(Shape.of(matching, 1))
    PackedEmbedding(matching.rows, TableConfig(width=1)).save(str(tmp_path / "table.npy"))
    write_manifest(tmp_path, model, matching.fingerprint, states=1)
    export_pairs(tmp_path, model)
    with pytest.raises(BundleError, match="encoder"):
        PairScorer(tmp_path, Encoder.fit(matching.features, [samples.slice(0, 5)]))
    for name in (pairs.FILE, "table.npy"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BundleError, match="export the model again"):
            PairScorer(tmp_path, matching)
        (tmp_path / name).write_bytes(whole)
