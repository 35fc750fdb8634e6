"""DEFUSE in the served cascade: a CVR head that learned from clicks whose conversions are still open."""

from pathlib import Path

import numpy as np
import pytest

from .conftest import lived, retrained


def test_defuse_teaches_the_conversion_stage(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle names it; every ranked candidate has a probability of conversion near the market's."""
    monkeypatch.setenv("ADCASCADE_TRAIN__CONVERSION", "defuse")
    assert retrained(shop).methods["conversion"] == "defuse"
    life = lived(shop)
    steps = [step for _, _, outcome in life.answers for step in outcome.steps if step.name == "conversion"]
    assert steps
    assert not any(step.cut for step in steps)
    cvr = np.concatenate([step.left.cvr for step in steps])
    assert np.isfinite(cvr).all()
    assert 0.005 < cvr.mean() < 0.3
