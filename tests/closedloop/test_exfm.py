"""A shop whose ranker learns beside a teacher: supervise, train, serve."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from adcascade.cascade.supervise import SAMPLES, TEACHERS, supervise
from adcascade.cascade.teacher import TeacherSnapshot
from adcascade.cascade.training import Order, train_from_log, train_from_samples
from adcascade.closedloop.world import load_world
from adcascade.errors import BundleError, ConfigurationError, DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.samples import Samples
from adcascade.learning.supervision import AGE, STORE, TEACHER, SupervisionStore
from adcascade.market.clock import tick_start_us
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

from .conftest import lived, retrained

CHOSEN = {
    "WARM_UP_S": "25200",
    "REFRESH_S": "14400",
    "TEACHER": "dcn_v2",
    "WIDTH": "8",
    "ALPHA": "1",
    "BETA": "10",
    "ADAPTER": "true",
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teacher every four hours, and a ranker that learns beside it."""
    monkeypatch.setenv("ADCASCADE_TRAIN__SUPERVISION", "true")
    for name, value in CHOSEN.items():
        monkeypatch.setenv(f"ADCASCADE_SUPERVISION__{name}", value)


def order_of(directory: Path) -> Order:
    """Now, in the shop's own time."""
    now_us = tick_start_us(load_world(directory).tick)
    return Order(directory=directory, now_us=now_us, until_us=now_us)


def test_a_ranker_learns_beside_its_teacher_and_serves_as_ever(shop: Path) -> None:
    """Two students share the teachers' calls; every prediction is of an older teacher; the bundle serves one head."""
    report = supervise(order_of(shop), ("ranking", "challenger"))
    assert report.scored == report.union == report.asked // 2 > 0
    assert report.trained == report.periods > 1
    manifest = retrained(shop)
    assert manifest.methods["ranking"] == "dcn_v2"
    assert manifest.methods["supervision"] == "dcn_v2, auxiliary head, student adapter"
    rows = Samples(shop / "samples").table([TEACHER, AGE, "time_us"])
    known = rows[TEACHER].is_valid().to_numpy()
    assert manifest.metrics["supervised"] == pytest.approx(known.mean())
    assert known.sum() == report.union
    window_days = load_settings(shop).train.click_window_s / 86400
    assert rows[AGE].drop_null().to_numpy().min() >= window_days - 1e-6
    graph = onnx.load(load_settings(shop).bundles_path / manifest.version / "ranking" / "score.onnx").graph
    assert [one.name for one in graph.output] == ["logit"]

    found = lived(shop)
    assert len(found.shown) > 0
    assert not [outcome.cuts for _, _, outcome in found.answers if outcome.cuts]
    with Journal(load_settings(shop).journal_path) as journal:
        assert Ledger(journal).overspend_micros() == 0


def test_supervising_again_costs_nothing_and_a_snapshot_is_found_again(shop: Path) -> None:
    """No teacher is trained twice, no impression scored twice; a loaded teacher says what was stored."""
    first = supervise(order_of(shop))
    again = supervise(order_of(shop), ("challenger",))
    assert (again.trained, again.scored, again.union) == (0, 0, first.union)
    folder = shop / "supervision"
    teachers = [TeacherSnapshot.load(one) for one in sorted((folder / TEACHERS).iterdir())]
    samples = Samples(folder / SAMPLES)
    rows = samples.between(teachers[-1].trained_until_us, 2**62).table()
    with SupervisionStore(folder / STORE) as store:
        assert store.calls() == first.scored
        stored = store.as_of(rows["logged_bid"].to_pylist())
        mine = stored.age_days == np.nanmin(stored.age_days)
    np.testing.assert_allclose(teachers[-1](rows)[-1], stored.probability[-1], atol=1e-6)
    assert mine.any()
    (folder / TEACHERS / teachers[0].version / "model.npz").write_bytes(b"cut")
    with pytest.raises(BundleError, match="remove it"):
        supervise(order_of(shop))


def test_what_cannot_be_supervised_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No store, an imported set, a log too short, a model without a hidden vector: each has its sentence."""
    with pytest.raises(DataMissingError, match="adcascade supervise"):
        train_from_log(order_of(shop))
    with pytest.raises(ConfigurationError, match="imported"):
        train_from_samples(shop / "samples", order_of(shop))
    supervise(order_of(shop))
    monkeypatch.setenv("ADCASCADE_TRAIN__RANKING", "lr")
    with pytest.raises(ConfigurationError, match="hidden vector"):
        train_from_log(order_of(shop))
    shutil.rmtree(shop / "supervision")
    monkeypatch.setenv("ADCASCADE_SUPERVISION__WARM_UP_S", "864000")
    with pytest.raises(DataMissingError, match="warm_up_s"):
        supervise(order_of(shop))
