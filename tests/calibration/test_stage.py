"""Laws of the calibration stage."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adcascade.calibration import CalibrationStage, Platt, TargetMaps
from adcascade.calibration.learn import CalibrationLearner
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot, Stage


def opportunity(scenario: str = "") -> Opportunity:
    """A request of this scenario."""
    batch = Batch(
        ids=np.zeros((1, 0), np.int64),
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 1), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),), scenario=scenario)
    return Opportunity(request=request, seen={}, features=batch, random=np.random.default_rng(0))


def candidates() -> Candidates:
    """Three ads, the last with unknown probabilities."""
    p = np.array([0.5, 0.2, np.nan], np.float32)
    return Candidates.of(np.arange(3, dtype=np.int32), score=np.array([3, 2, 1], np.float32)).with_(ctr=p, cvr=p)


def test_each_probability_and_scenario_has_its_map() -> None:
    """ctr by the scenario's map where it has one, by the common one elsewhere; cvr by its own; order stays."""
    stage = CalibrationStage(
        ctr=TargetMaps(everywhere=Platt(1.0, 1.0), scenarios={"home": Platt(1.0, 0.0)}),
        cvr=TargetMaps(everywhere=Platt(1.0, -1.0)),
    )
    assert isinstance(stage, Stage)
    entered = candidates()
    home, other = stage(opportunity("home"), entered), stage(opportunity("search"), entered)
    np.testing.assert_allclose(home.ctr, entered.ctr, rtol=1e-6)
    np.testing.assert_allclose(other.ctr[:2], [np.e / (1 + np.e), 0.25 * np.e / (1 + 0.25 * np.e)], rtol=1e-5)
    assert other.cvr[0] == pytest.approx(1 / (1 + np.e))
    assert np.isnan(other.ctr[2])
    assert other.ad.tolist() == [0, 1, 2]
    assert other.score.tolist() == [3, 2, 1]
    assert other.ctr.dtype == np.float32


def test_it_loads_what_the_learner_exports(tmp_path: Path) -> None:
    """Learned twice too high, served right."""
    random = np.random.default_rng(5)
    p = random.uniform(0.1, 0.9, 20_000)
    learner = CalibrationLearner()
    learner.fit_ctr(p, (random.random(20_000) < p / 2).astype(float))
    learner.export(tmp_path)
    calibrated = CalibrationStage.load(tmp_path)(opportunity(), candidates())
    np.testing.assert_allclose(calibrated.ctr[:2], [0.25, 0.1], atol=0.05)
    np.testing.assert_array_equal(calibrated.cvr, candidates().cvr)


def test_serving_imports_neither_torch_nor_scikit_learn() -> None:
    """The fronts of the rooms that only serve are free of what only learns."""
    code = (
        "import sys, adcascade.calibration, adcascade.auction, adcascade.bidding, adcascade.creative\n"
        "print([name for name in ('torch', 'sklearn') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
