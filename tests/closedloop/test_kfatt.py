"""KFAtt in the served cascade: chosen by name, trained from the shop's log, serving without torch."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.world import load_world
from adcascade.money.ledger import Ledger

from .conftest import lived, retrained


def test_kfatt_ranks_the_shop(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle names it, answers carry its probabilities, it ranks better than chance, nobody is overspent."""
    monkeypatch.setenv("ADCASCADE_TRAIN__RANKING", "kfatt")
    manifest = retrained(shop)
    assert manifest.methods["ranking"] == "kfatt"
    assert manifest.metrics["ctr_auc"] > 0.6
    life = lived(shop)
    ranking = [step for _, _, outcome in life.answers for step in outcome.steps if step.name == "ranking"]
    assert ranking
    assert not any(step.cut for step in ranking)
    scores = np.concatenate([step.left.ctr for step in ranking])
    assert np.isfinite(scores).all()
    assert scores.std() > 0
    service = simulated_service(shop, clock_at(load_world(shop).tick + 2))
    try:
        assert Ledger(service.parts.journal).overspend_micros() == 0
    finally:
        service.close()
