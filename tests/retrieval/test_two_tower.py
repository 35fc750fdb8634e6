"""Laws of the two towers: the loss, what they learn, and that the exported graphs say the same."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.testing import assert_close

from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder
from adcascade.learning.loop import Training, gather, predict
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.draw_rates import ad_keys
from adcascade.retrieval.tower_export import export_towers
from adcascade.retrieval.tower_model import TwoTower, TwoTowerConfig, in_batch_loss
from adcascade.retrieval.towers import Towers
from adcascade.retrieval.two_tower import TwoTowerLearner

from .conftest import ADS, TASTES, Sample

SMALL = TwoTowerConfig(width=8, hidden=(16,))
QUICK = Training(epochs=6, batch_size=256, rate=5e-3)
WIDTH = TableConfig(width=4, init_std=0.3, rate=0.05)


def loss_of(scores: torch.Tensor, log_rate: torch.Tensor, ads: list[int]) -> torch.Tensor:
    """The loss where column i answers request i."""
    own = torch.arange(len(scores))
    return in_batch_loss(scores, own, log_rate, torch.tensor(ads), torch.ones(len(scores)))


@settings(deadline=None)
@given(batch=st.integers(1, 16), seed=st.integers(0, 2**16))
def test_only_relative_popularity_matters(batch: int, seed: int) -> None:
    """Draw rates q and 10 q give the same loss."""
    random = torch.Generator().manual_seed(seed)
    scores, rate = torch.randn(batch, batch, generator=random), torch.rand(batch, generator=random) + 0.01
    ads = list(range(batch))
    assert_close(loss_of(scores, rate.log(), ads), loss_of(scores, (10 * rate).log(), ads), rtol=1e-4, atol=1e-5)


@given(batch=st.integers(1, 16))
def test_equal_scores_lose_the_log_of_the_batch(batch: int) -> None:
    """Nothing known: the loss is log B."""
    assert float(loss_of(torch.zeros(batch, batch), torch.zeros(batch), list(range(batch)))) == pytest.approx(
        math.log(batch), abs=1e-5
    )


def test_the_clicked_ad_is_no_negative_of_itself() -> None:
    """A second column of the same ad changes nothing, whatever its score."""
    scores = torch.tensor([[1.0, 0.5, 9.0], [0.2, 0.1, 0.3], [0.0, 0.0, 0.0]])
    own, weight = torch.tensor([0]), torch.ones(1)
    repeated = in_batch_loss(scores[:1], own, torch.zeros(3), torch.tensor([7, 8, 7]), weight)
    alone = in_batch_loss(scores[:1, :2], own, torch.zeros(2), torch.tensor([7, 8]), weight)
    assert_close(repeated, alone)


def test_a_batch_without_clicks_teaches_nothing() -> None:
    """The loss is 0 and not NaN."""
    none = torch.empty(0, dtype=torch.int64)
    assert float(in_batch_loss(torch.empty(0, 3), none, torch.zeros(3), torch.arange(3), torch.empty(0))) == 0.0


def test_equal_ads_share_a_key(encoder: Encoder, sample: Sample) -> None:
    """Two samples have the same key just where they show the same ad."""
    table = sample(500, 1)
    batch = encoder.encode({name: table[name] for name in table.column_names}, len(table))
    keys, ads = ad_keys(batch, encoder.ad_fields), np.array(table["ad"].to_pylist())
    np.testing.assert_array_equal(keys[:, None] == keys[None, :], ads[:, None] == ads[None, :])


def learned(encoder: Encoder, tables: list[pa.Table], config: TwoTowerConfig = SMALL) -> TwoTowerLearner:
    """A learner, trained."""
    learner = TwoTowerLearner(encoder, config, training=QUICK, table=WIDTH)
    learner.fit(lambda: tables)
    return learner


@torch.no_grad()
def scores_of(learner: TwoTowerLearner, user: int | None = None) -> NDArray[np.float32]:
    """Scores of all ads for a user, or for nobody, before the blend."""
    columns = ad_columns()
    if user is not None:
        columns |= {"user": [f"u{user}"] * ADS, "history_category": [[f"t{user % TASTES}"] * 2] * ADS}
    learner.model.gain.fill_(1.0)
    return predict(learner.model, learner.table, learner.encoder.encode(columns, ADS))


def ad_columns() -> dict[str, list[object]]:
    """The ad-side columns of the world."""
    return {
        "ad": [f"a{row}" for row in range(ADS)],
        "ad_category": [f"t{row % TASTES}" for row in range(ADS)],
        "price": [0.0] * ADS,
    }


def agreement(learner: TwoTowerLearner) -> float:
    """Share of the ten best ads of each user that are of the user's taste; by chance a quarter."""
    best = [np.argsort(-scores_of(learner, user))[: ADS // TASTES] for user in range(8)]
    return float(np.mean([(ads % TASTES == user % TASTES).mean() for user, ads in enumerate(best)]))


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        TwoTowerConfig(width=8, hidden=(16,), shown=False),
        TwoTowerConfig(width=8, hidden=(16,), target="share"),
    ],
)
def test_taste_is_learned_and_trusted(encoder: Encoder, sample: Sample, config: TwoTowerConfig) -> None:
    """Where users click what they like, the towers bring it up, with either kind of columns and either target."""
    learner = learned(encoder, [sample(6000, 1), sample(6000, 2)], config)
    assert float(learner.model.gain) > 0.5
    assert agreement(learner) > 0.9


def test_noise_is_not_trusted(encoder: Encoder, sample: Sample) -> None:
    """Where clicks come by chance, held-out clicks show it: the towers weigh next to nothing, and know no taste."""
    learner = learned(encoder, [sample(6000, 1, taste=0.0)])
    assert float(learner.model.gain) < 0.25
    assert agreement(learner) < 0.5


def test_rate_does_not_take_exposure_for_liking(encoder: Encoder, sample: Sample) -> None:
    """Ads shown e^4 times as often but liked the same: target "share" ranks them higher, "rate" does not."""
    slopes = {}
    for target in ("rate", "share"):
        config = TwoTowerConfig(width=8, hidden=(16,), target=target)
        scores = scores_of(learned(encoder, [sample(12_000, 1, taste=0.0, popular=4.0)], config))
        slopes[target] = float(scores[: ADS // 2].mean() - scores[ADS // 2 :].mean())
    assert slopes["share"] > 1.0
    assert abs(slopes["rate"]) < 0.6


def test_the_graphs_say_what_the_towers_say(tmp_path: Path, encoder: Encoder, features: AdFeatures) -> None:
    """request_tower.onnx and ad_tower.onnx agree with PyTorch within 1e-5, for one ad, all, repeated ones, none."""
    torch.manual_seed(0)
    model = TwoTower(Shape.of(encoder, 4), SMALL).eval()
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=1.0))
    export_towers(tmp_path, model, table, encoder.fingerprint)
    towers = Towers(tmp_path, features)
    request: dict[str, object] = {"user": "u1", "history_category": ["t1", "t3"]}
    for values in (request, {}):
        one = encoder.encode_one(values)
        columns = {name: [value] for name, value in values.items()}
        sides = gather(table, encoder.encode(columns, 1), model.shape)
        with torch.no_grad():
            expected = model.request_vector(sides.user)[0].numpy()
        np.testing.assert_allclose(towers.request(one), expected, atol=1e-5)
    with torch.no_grad():
        ads = gather(table, encoder.encode(ad_columns(), ADS), model.shape).ads
        expected = model.ad_vector(ads).numpy()
    for rows in ([3], list(range(ADS)), [7, 7, 0], []):
        np.testing.assert_allclose(towers.ads(np.array(rows, np.int32)), expected[rows], atol=1e-5)


def test_towers_of_another_encoder_are_refused(
    tmp_path: Path, encoder: Encoder, features: AdFeatures, sample: Sample
) -> None:
    """BundleError, before a wrong row of the table can be read; a missing graph is one too."""
    learner = TwoTowerLearner(encoder, SMALL, table=WIDTH)
    learner.export(tmp_path)
    other = AdFeatures(Encoder.fit(encoder.features, [sample(50, 9)]))
    with pytest.raises(BundleError, match="encoder"):
        Towers(tmp_path, other)
    (tmp_path / "ad_tower.onnx").unlink()
    with pytest.raises(BundleError, match=r"ad_tower\.onnx"):
        Towers(tmp_path, features)


def test_serving_does_not_import_torch() -> None:
    """The stage and everything it needs live without torch."""
    code = "import sys, adcascade.retrieval as r; r.RetrievalStage, r.METHODS; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
