"""Laws of calibration trees in serving: read alike offline and online, stored whole, refused where damaged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from adcascade.calibration import CalibrationStage, ServedTrees
from adcascade.calibration.coding import LEAST, MOST, Coder, FieldCodes, fit_codes
from adcascade.calibration.learn import CalibrationLearner
from adcascade.calibration.mbct_fit import MbctConfig
from adcascade.calibration.mbct_stored import FILE, read_trees
from adcascade.contracts import AdRequest, Candidates, Opportunity, Slot
from adcascade.errors import BundleError, ConfigurationError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.features.fields import Fields

FEATURES = (
    Feature(name="device", side="context", kind="categorical"),
    Feature(name="user", side="user", kind="categorical", buckets=100),
    Feature(name="scenario", side="scenario", kind="categorical"),
    Feature(name="brand", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric", bins=4),
)
NAMES = ("brand", "device", "scenario", "price")
N = 20_000


def samples() -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """A table, predictions and labels: on phones, brand "b" is clicked three times as often as predicted."""
    random = np.random.default_rng(0)
    device, brand = random.choice(["phone", "desk"], N), random.choice(["a", "b", "c"], N)
    p = random.uniform(0.05, 0.2, N)
    truth = np.where((device == "phone") & (brand == "b"), 3 * p, p)
    columns = {
        "device": device,
        "user": random.choice(["u", "v"], N),
        "scenario": random.choice(["home", "search"], N),
        "brand": brand,
        "price": random.uniform(1, 9, N),
    }
    return pa.table(columns), p, (random.random(N) < truth).astype(float)


TABLE, PREDICTED, CLICKED = samples()
ENCODER = Encoder.fit(FEATURES, [TABLE])
COLUMNS = {name: TABLE[name] for name in TABLE.column_names}


@pytest.fixture(scope="module")
def learner() -> CalibrationLearner:
    """Trees over four features."""
    learner = CalibrationLearner(method="mbct", fields=Fields(ENCODER, NAMES), least_events=1e9)
    learner.fit_ctr(PREDICTED, CLICKED, rows=Fields(ENCODER, NAMES).of(COLUMNS, N))
    return learner


def ads() -> AdFeatures:
    """The ads a, b, c and one of a brand never seen, as a catalog."""
    features = AdFeatures(ENCODER)
    features.update(np.arange(4), {"brand": ["a", "b", "c", "new"], "price": [2.0, 3.0, None, 1e9]})
    return features


def opportunity(device: str) -> Opportunity:
    """A request from this device."""
    seen: dict[str, object] = {"device": device, "user": "w", "scenario": "home"}
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),), scenario="home")
    batch = ENCODER.encode_one(seen, "request")
    return Opportunity(request=request, seen=seen, features=batch, random=np.random.default_rng(0))


def served(stage: CalibrationStage, device: str, p: float = 0.1) -> Candidates:
    """Four ads of the same probability, and again one that is unknown."""
    ad = np.array([0, 1, 2, 3, 1], np.int32)
    ctr = np.array([p, p, p, p, np.nan], np.float32)
    return stage(opportunity(device), Candidates.of(ad, score=ctr).with_(ctr=ctr, cvr=ctr))


def test_one_score_is_mended_by_device_and_brand(learner: CalibrationLearner, tmp_path: Path) -> None:
    """Served from what was stored: b on phones is raised threefold, and nothing else; unknown stays so."""
    learner.export(tmp_path)
    stage = CalibrationStage.load(tmp_path, ads())
    phone, desk = served(stage, "phone"), served(stage, "desk")
    np.testing.assert_allclose(phone.ctr[:4], [0.1, 0.3, 0.1, 0.1], rtol=0.2)
    np.testing.assert_allclose(desk.ctr[:4], [0.1, 0.1, 0.1, 0.1], rtol=0.2)
    assert np.isnan(phone.ctr[4])
    assert phone.ad.tolist() == [0, 1, 2, 3, 1]


def test_serving_says_what_learning_said(learner: CalibrationLearner, tmp_path: Path) -> None:
    """For every sample, one request and one ad: the stage, `of_samples` and the learner agree within float32."""
    learner.export(tmp_path)
    features = AdFeatures(ENCODER)
    features.update(np.arange(200), {name: column[:200] for name, column in COLUMNS.items()})
    stage = CalibrationStage.load(tmp_path, features)
    rows = Fields(ENCODER, NAMES).of(COLUMNS, N)
    learned = learner.calibrated(PREDICTED, None, rows)
    np.testing.assert_array_equal(stage.of_samples(PREDICTED, np.full(N, ""), COLUMNS), learned)
    for row in range(200):
        seen = {name: TABLE[name][row].as_py() for name in ("device", "user", "scenario")}
        request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),))
        asked = Opportunity(
            request=request,
            seen=seen,
            features=ENCODER.encode_one(seen, "request"),
            random=np.random.default_rng(0),
        )
        ctr = PREDICTED[[row]].astype(np.float32)
        got = stage(asked, Candidates.of(np.array([row], np.int32)).with_(ctr=ctr)).ctr[0]
        assert got == pytest.approx(learner.calibrated(ctr.astype(float), None, rows[[row]])[0], rel=1e-6)


def test_too_few_rows_leave_the_map() -> None:
    """From 200 rows no tree is grown, and what is served is the beta map."""
    learner = CalibrationLearner(method="mbct", fields=Fields(ENCODER, NAMES))
    rows = Fields(ENCODER, NAMES).of(COLUMNS, N)[:200]
    learner.fit_ctr(PREDICTED[:200], CLICKED[:200], rows=rows)
    assert learner.trees is not None
    assert not len(learner.trees.trees.roots)
    np.testing.assert_array_equal(
        learner.calibrated(PREDICTED[:200], None, rows), learner.mapped(PREDICTED[:200], None)
    )


def test_trees_need_features_that_exist() -> None:
    """No fields, or a name that the encoder has no field for, is an error of the configuration."""
    with pytest.raises(ConfigurationError, match="features"):
        CalibrationLearner(method="mbct").fit_ctr([0.5, 0.5], [1.0, 0.0])
    with pytest.raises(ConfigurationError, match="brand"):
        Fields(ENCODER, ["colour"])


def test_a_bundle_of_another_encoder_is_refused(learner: CalibrationLearner, tmp_path: Path) -> None:
    """A field that is absent, or has other values, or no ads at all to look at."""
    learner.export(tmp_path)
    trees = read_trees(tmp_path)
    assert trees is not None
    other = Encoder.fit(FEATURES, [TABLE.slice(0, 1)])
    fewer = Encoder.fit(FEATURES[:2], [TABLE])
    for encoder in (other, fewer):
        with pytest.raises(BundleError, match="train again"):
            ServedTrees(trees, AdFeatures(encoder))
    with pytest.raises(BundleError, match="features of the ads"):
        CalibrationStage.load(tmp_path)


DAMAGE: list[dict[str, Any]] = [
    {"feature": [9]},
    {"left": [0]},
    {"right": [99999]},
    {"roots": [-1]},
    {"k": [0.0]},
    {"k": []},
    {"sets": [[500]]},
    {"edges": [0.5, 0.5]},
    {"fields": []},
]


@pytest.mark.parametrize("damage", DAMAGE, ids="-".join)
def test_a_damaged_file_is_refused(learner: CalibrationLearner, tmp_path: Path, damage: dict[str, Any]) -> None:
    """Whatever could send a sample out of the arrays or round in circles is a BundleError, and so is no JSON."""
    learner.export(tmp_path)
    whole = json.loads((tmp_path / FILE).read_text())
    (name, first), *_ = damage.items()
    whole[name] = first + whole[name][1:] if len(first) == 1 else first
    (tmp_path / FILE).write_text(json.dumps(whole))
    with pytest.raises(BundleError, match=FILE):
        read_trees(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(BundleError, match=FILE):
        read_trees(tmp_path)


def test_only_frequent_values_have_codes() -> None:
    """LEAST rows or more, the MOST frequent, most frequent first; all others share the code 0."""
    counts = [LEAST - 1, LEAST, 3 * LEAST, *[LEAST + 1] * 70]
    values = np.repeat(np.arange(len(counts)), counts)[:, None]
    (one,) = fit_codes(["f"], [100], values)
    assert one.rows[0] == 2
    assert len(one.rows) == MOST
    assert not {0, 1} & set(one.rows)
    coder = Coder([one])
    assert coder.codes == MOST + 1
    assert coder(np.array([[2], [0], [99]])).tolist() == [[1], [0], [0]]
    for rows in ((1, 1), (100,), (-1,)):
        with pytest.raises(ValueError, match="different ones"):
            Coder([FieldCodes(name="f", size=100, rows=rows)])


def test_leaves_respect_the_configured_events() -> None:
    """With a leaf size beyond all clicks there is nothing to split."""
    config = MbctConfig(leaf_events=CLICKED.sum())
    learner = CalibrationLearner(method="mbct", fields=Fields(ENCODER, NAMES), mbct=config)
    learner.fit_ctr(PREDICTED, CLICKED, rows=Fields(ENCODER, NAMES).of(COLUMNS, N))
    assert learner.trees is not None
    assert not len(learner.trees.trees.roots)
