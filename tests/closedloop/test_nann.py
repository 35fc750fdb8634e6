"""The closed loop with retrieval by a neural score: trained from the shop's log, exported, loaded and lived on."""

from pathlib import Path

import pytest

from adcascade.cascade.bundle import Bundles
from adcascade.events.journal import Journal
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

from .conftest import lived, retrained


def test_the_shop_retrieves_by_a_neural_score(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest names the method, its network and graph are in the bundle, and nobody is overspent."""
    monkeypatch.setenv("ADCASCADE_TRAIN__RETRIEVAL", "nann")
    manifest = retrained(shop)
    assert manifest.methods["retrieval"] == "nann"
    settings = load_settings(shop)
    folder = Bundles(settings.bundles_path).path(manifest.version) / "retrieval"
    assert {"network.npz", "graph.npz", "vectors.npy"} <= {file.name for file in folder.iterdir()}
    life = lived(shop)
    outcomes = [outcome for _, answer, outcome in life.answers if outcome.policy == "cascade"]
    assert len(outcomes) > 20
    assert not [cut for outcome in outcomes for cut in outcome.cuts if cut.startswith("retrieval")]
    assert sum(len(outcome.winners) > 0 for outcome in outcomes) > 0.8 * len(outcomes)
    scores = [outcome.steps[0].left.score for outcome in outcomes]
    assert any(score.std() > 0 for score in scores)
    journal = Journal(settings.journal_path)
    try:
        ledger = Ledger(journal)
        assert ledger.overspend_micros() == 0
        assert not ledger.verify()
    finally:
        journal.close()
