"""The small market's cascade with AdaSparse: trained, folded, served without torch, and solvent."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.cascade.bundle import Bundles
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.world import load_world
from adcascade.features.encoder import Encoder
from adcascade.learning.manifest import read_manifest
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

from .conftest import lived, retrained


def test_the_cascade_ranks_with_a_folded_network_for_each_scenario(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifests name it and the folded scenarios; requests of these and of others are answered; no overspend."""
    monkeypatch.setenv("ADCASCADE_TRAIN__RANKING", "adasparse")
    monkeypatch.setattr("adcascade.learning.export.MOST_FOLDED", 3)
    manifest = retrained(shop)
    assert manifest.methods["ranking"] == "adasparse"
    assert manifest.metrics["ctr_auc"] > 0.6
    root = Bundles(load_settings(shop).bundles_path).path(manifest.version)
    encoder = Encoder.load(root / "features")
    ranking = read_manifest(root / "ranking", encoder.fingerprint)
    assert ranking.method == "adcascade.ranking.adasparse:AdaSparse"
    assert ranking.folded == (2, 3, 4)
    answered: dict[bool, list[bool]] = {True: [], False: []}  # by whether the scenario is folded
    for request, answer, outcome in lived(shop).answers:
        number = int(encoder.encode_one({"scenario": request.scenario}).scenario[0])
        answered[number in ranking.folded].append(bool(answer.winners))
        assert np.isfinite(outcome.ranked.ctr).all()
        assert all(not cut.startswith("ranking") for cut in outcome.cuts)
    assert all(np.mean(won) > 0.9 for won in answered.values())
    service = simulated_service(shop, clock_at(load_world(shop).tick))
    assert Ledger(service.parts.journal).overspend_micros() == 0
    service.close()
