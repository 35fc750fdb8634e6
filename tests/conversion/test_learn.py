"""Laws of the CVR head: what it learns from, how large it is, and what its stage says."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.contracts import AdRequest, Candidates, Opportunity, Slot, Stage
from adcascade.conversion.cvr import CVRConfig, CVRModel
from adcascade.conversion.learn import ConversionLearner, matured_clicks, offset
from adcascade.conversion.stage import RATE_FILE, ConversionStage
from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import example_ads, example_user
from adcascade.learning.model import Shape

FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="history_ad", side="user", kind="sequence", of="ad", length=3),
    Feature(name="position", side="context", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
)
ADS, USERS = 30, 15


@dataclass(frozen=True)
class World:
    """A log of clicks, some converted, with the true probability of each row."""

    log: pa.Table
    encoder: Encoder
    ads: AdFeatures
    truth: NDArray[np.float64]


def ad_columns(rows: NDArray[np.integer]) -> dict[str, list[object]]:
    """The ad side of these rows."""
    return {"ad": [f"a{row}" for row in rows.tolist()], "price": [float(row % 7) for row in rows.tolist()]}


def world(rows: int, dial: float, seed: int = 0, base: float = -1.5) -> World:
    """Conversions that depend on user and ad as strongly as the dial says; all rows are clicks that have matured."""
    random = np.random.default_rng(seed)
    user, ad = random.integers(0, USERS, rows), random.integers(0, ADS, rows)
    effect = np.random.default_rng(99).normal(0, 1, (2, 50))
    truth = 1 / (1 + np.exp(-(base + dial * (effect[0][user] + effect[1][ad]))))
    log = pa.table(
        {
            "user": [f"u{u}" for u in user.tolist()],
            "history_ad": [[f"a{u % ADS}"] for u in user.tolist()],
            "position": random.integers(0, 3, rows).astype(np.int32),
            **ad_columns(ad),
            "click": np.ones(rows, np.float32),
            "conversion": (random.random(rows) < truth).astype(np.float32),
        }
    )
    encoder = Encoder.fit(FEATURES, [log])
    ads = AdFeatures(encoder)
    ads.update(np.arange(ADS), ad_columns(np.arange(ADS)))
    return World(log, encoder, ads, truth)


def learned(made: World, least_for_tower: int = 300) -> ConversionLearner:
    """Trained on this world."""
    learner = ConversionLearner(encoder=made.encoder, least_for_tower=least_for_tower)
    learner.fit(lambda: [made.log])
    return learner


def predicted(learner: ConversionLearner, made: World) -> NDArray[np.float64]:
    """What it says of the rows of a world."""
    columns = {name: made.log[name] for name in made.log.column_names}
    return learner.predict(made.encoder.encode(columns, len(made.log))).astype(np.float64)


def opportunity(encoder: Encoder) -> Opportunity:
    """A request of user 3."""
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),), user="u3")
    features = encoder.encode_one({"user": "u3", "history_ad": ["a3"], "position": "0"}, "request")
    return Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))


def test_only_matured_clicks_teach() -> None:
    """Not clicked, not yet matured, or unknown: left out; without the columns nothing is left."""
    table = pa.table({"click": [1.0, 1.0, 0.0, None, 1.0], "conversion": [1.0, None, None, 1.0, 0.0], "x": range(5)})
    assert matured_clicks(table)["x"].to_pylist() == [0, 4]
    assert len(matured_clicks(table.drop_columns(["conversion"]))) == 0
    assert len(matured_clicks(table.drop_columns(["click"]))) == 0


@pytest.mark.parametrize("tower", [200, 10**9])
def test_signal_is_learned_when_the_dial_is_up(tower: int) -> None:
    """On rows never seen it explains more than half of what can be explained, as regression and as tower."""
    made, fresh = world(12_000, 1.0), world(4000, 1.0, seed=1)
    learner = learned(made, least_for_tower=tower)
    assert learner.model is not None
    assert (learner.model.tower is None) == (tower == 10**9)
    p = predicted(learner, World(fresh.log, made.encoder, made.ads, fresh.truth))
    assert np.mean((p - fresh.truth) ** 2) < 0.5 * np.var(fresh.truth)
    assert p.sum() == pytest.approx(fresh.truth.sum(), rel=0.05)


@given(logits=st.lists(st.floats(-20, 20), min_size=1, max_size=30), share=st.floats(0.001, 0.999))
def test_the_offset_makes_predictions_add_up(logits: list[float], share: float) -> None:
    """sum sigmoid(z + d) is what was wanted, whatever the logits."""
    z, wanted = np.array(logits), share * len(logits)
    d = offset(z, wanted)
    assert np.sum(1 / (1 + np.exp(-(z + d)))) == pytest.approx(wanted, rel=1e-6)


def test_it_predicts_as_many_conversions_as_it_learned() -> None:
    """On its own clicks PCOC is 1."""
    made = world(3000, 1.0)
    made = World(
        made.log.set_column(2, "position", pa.array(np.zeros(3000, np.int32))), made.encoder, made.ads, made.truth
    )
    assert predicted(learned(made), made).sum() == pytest.approx(made.log["conversion"].to_numpy().sum(), rel=1e-4)


def test_noise_is_not_learned_when_the_dial_is_zero() -> None:
    """Where all clicks are alike it stays near the base rate: a hundredth of the variance that signal would give."""
    made, fresh = world(12_000, 0.0), world(4000, 0.0, seed=1)
    p = predicted(learned(made), World(fresh.log, made.encoder, made.ads, fresh.truth))
    assert p.mean() == pytest.approx(fresh.truth.mean(), rel=0.1)
    assert np.std(p) < 0.05


@pytest.mark.parametrize("rows", [0, 40])
def test_too_few_conversions_make_a_rate(rows: int, tmp_path: Path) -> None:
    """Below 50 conversions there is no model: one rate, near the observed and never 0, for all ads and in the stage."""
    made = world(max(rows, 1), 0.0, base=-1.0)
    learner = ConversionLearner(encoder=made.encoder)
    assert learner.fit(lambda: [made.log.slice(0, rows)]) == []
    learner.export(tmp_path)
    stage = ConversionStage.load(tmp_path, made.ads)
    cvr = stage(opportunity(made.encoder), Candidates.of(np.arange(5, dtype=np.int32))).cvr
    assert cvr.tolist() == pytest.approx([learner.rate] * 5)
    assert 0 < learner.rate == pytest.approx((learner.conversions + 1) / (rows + 100))


def test_unmatured_and_unclicked_rows_change_nothing() -> None:
    """The same matured clicks among others teach the same model."""
    made = world(3000, 1.0)
    noise = made.log.slice(0, 500)
    index = made.log.column_names.index
    unknown = noise.set_column(index("conversion"), "conversion", pa.nulls(500, pa.float32()))
    unclicked = noise.set_column(index("click"), "click", pa.array(np.zeros(500, np.float32)))
    alone, among = (ConversionLearner(encoder=made.encoder) for _ in range(2))
    assert alone.fit(lambda: [made.log]) == among.fit(lambda: [unknown, made.log, unclicked])
    assert (alone.clicks, alone.conversions) == (among.clicks, among.conversions)


def test_a_model_that_learned_nothing_says_the_base_rate() -> None:
    """Before training, without embeddings, the linear head is the bias."""
    shape = Shape(width=4, request_fields=2, request_numbers=1, ad_fields=2, ad_numbers=1)
    model = CVRModel(shape, CVRConfig(hidden=(), base_logit=-3.0)).eval()
    user, ads = example_user(shape), example_ads(shape, 5)
    zero = type(user)(user.embedded * 0, user.dense, user.history, user.mask)
    with torch.no_grad():
        logits = model.score(model.user_state(zero), type(ads)(ads.embedded * 0, *ads[1:]))
    torch.testing.assert_close(logits, torch.full((5,), -3.0))


@pytest.mark.parametrize("tower", [50, 10**9])
def test_what_is_exported_serves_as_torch_says(tower: int, tmp_path: Path) -> None:
    """ONNX Runtime and torch agree within 1e-5, with and without a tower; order and score are left alone."""
    made = world(2000, 1.0)
    learner = learned(made, least_for_tower=tower)
    learner.export(tmp_path)
    stage = ConversionStage.load(tmp_path, made.ads)
    assert isinstance(stage, Stage)
    entered = Candidates.of(np.arange(ADS, dtype=np.int32)[::-1].copy(), score=np.arange(ADS, dtype=np.float32))
    left = stage(opportunity(made.encoder), entered)
    request = {"user": ["u3"] * ADS, "history_ad": [["a3"]] * ADS, "position": ["0"] * ADS}
    batch = made.encoder.encode({**request, **ad_columns(entered.ad)}, ADS)
    np.testing.assert_allclose(left.cvr, learner.predict(batch), atol=1e-5)
    np.testing.assert_array_equal(left.ad, entered.ad)
    np.testing.assert_array_equal(left.score, entered.score)


def test_a_damaged_or_empty_folder_is_named(tmp_path: Path) -> None:
    """Neither rate nor model: a BundleError that says what to do."""
    made = world(10, 0.0)
    with pytest.raises(BundleError):
        ConversionStage.load(tmp_path, made.ads)
    (tmp_path / RATE_FILE).write_bytes(b"{")
    with pytest.raises(BundleError, match="build the bundle again"):
        ConversionStage.load(tmp_path, made.ads)
