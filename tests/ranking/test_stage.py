"""Laws of the ranking stage."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from adcascade.contracts import AdRequest, Candidates, Opportunity, Stage
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import export
from adcascade.learning.model import Shape
from adcascade.learning.scorer import Scorer
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.lr import LogisticRegression
from adcascade.ranking.stage import RankingStage


def test_the_best_are_kept_best_first_with_their_probability(tmp_path: Path) -> None:
    """ctr = score = sigmoid of the model's logit; `keep` ads remain in falling order; nothing else changes."""
    features = [
        Feature(name="user", side="user", kind="categorical"),
        Feature(name="ad", side="ad", kind="categorical"),
    ]
    names = [f"a{i}" for i in range(9)]
    encoder = Encoder.fit(features, [pa.table({"user": ["u"] * 9, "ad": names})])
    table = PackedEmbedding(encoder.rows, TableConfig(width=1, init_std=1.0))
    export(tmp_path, LogisticRegression(Shape.of(encoder, 1)), table, encoder.fingerprint)
    ads = AdFeatures(encoder)
    ads.update(np.arange(9), {"ad": names})
    seen = {"user": "u"}
    opportunity = Opportunity(
        request=AdRequest(id="1", time_us=0, slots=()),
        seen=seen,
        features=encoder.encode_one(seen),
        random=np.random.default_rng(0),
    )
    stage = RankingStage(Scorer(tmp_path, ads), keep=4)
    assert isinstance(stage, Stage)
    answer = stage(opportunity, Candidates.of(np.arange(9, dtype=np.int32)))
    user_row = encoder.encode_one(seen).ids[0, 0]
    logit = table.weight[user_row, 0] + table.weight[encoder.encode({"ad": names}, 9, "ad").ids[:, 0], 0]
    expected = 1 / (1 + np.exp(-logit))
    np.testing.assert_array_equal(answer.ad, np.argsort(-expected)[:4])
    np.testing.assert_allclose(answer.ctr, np.sort(expected)[::-1][:4], rtol=1e-5)
    np.testing.assert_array_equal(answer.score, answer.ctr)
    assert np.isnan(answer.cvr).all()
