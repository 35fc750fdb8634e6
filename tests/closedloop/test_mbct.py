"""MBCT in the served cascade: trained from the shop's log, loaded with the bundle, asked for every request."""

import json
from pathlib import Path

import numpy as np
import pytest

from adcascade.calibration.mbct_fit import MbctConfig
from adcascade.calibration.mbct_stored import FILE
from adcascade.cascade import learn_ranking
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.evaluate import evaluate_bundle
from adcascade.closedloop.world import load_world
from adcascade.events.journal import Journal
from adcascade.events.samples import Samples
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

from .conftest import lived, retrained


def step_of(outcome: Outcome, name: str) -> Step:
    """What a stage of this request did."""
    return next(step for step in outcome.steps if step.name == name)


def test_a_shop_calibrates_by_trees(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manifest names them, they turn pairs of ads around, bidding ranks by what they say, nobody is overspent.

    A shop this small has too few clicks for a split that is beyond doubt, so doubtful ones are allowed here.
    """
    monkeypatch.setenv("ADCASCADE_TRAIN__CALIBRATION", "mbct")
    monkeypatch.setenv("ADCASCADE_TRAIN__HOLDOUT", "0.4")
    monkeypatch.setenv("ADCASCADE_TRAIN__CALIBRATION_LEAF_EVENTS", "5")
    monkeypatch.setattr(learn_ranking, "MbctConfig", lambda leaf_events: MbctConfig(leaf_events=leaf_events, z=1.0))
    manifest = retrained(shop)
    assert manifest.methods["calibration"] == "mbct"
    settings = load_settings(shop)
    folder = settings.bundles_path / manifest.version
    trees = json.loads((folder / "calibration" / FILE).read_text())
    assert [one["name"] for one in trees["fields"]] == list(settings.train.calibration_features)
    assert trees["roots"]
    assert np.isfinite(list(evaluate_bundle(folder, Samples(shop / "samples")).values())).all()

    turned = 0
    answers = lived(shop).answers
    for _, answer, outcome in answers:
        calibration, bidding = step_of(outcome, "calibration"), step_of(outcome, "bidding")
        assert not calibration.cut
        before, after = calibration.entered.ctr, calibration.left.ctr
        assert ((after > 0) & (after < 1)).all()
        np.testing.assert_array_equal(calibration.entered.ad, calibration.left.ad)
        order = np.argsort(before)
        turned += int((np.diff(after[order]) < 0).sum())
        assert (np.diff(bidding.left.ecpm) <= 0).all()
        assert all(served.price_micros > 0 for served in answer.winners)
    assert any(answer.winners for _, answer, _ in answers)
    assert turned > 0
    assert load_world(shop).tick > 0
    with Journal(settings.journal_path) as journal:
        assert Ledger(journal).overspend_micros() == 0
