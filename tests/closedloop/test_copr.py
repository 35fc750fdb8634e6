"""COPR at home: a shop whose pre-ranker learned from the shop's own funnel log, and one that has no such log yet."""

from pathlib import Path

import numpy as np
import pytest
from tests.closedloop.conftest import SMALL, lived, retrained

from adcascade.cascade.log_lists import write_log_lists
from adcascade.cascade.training import LISTS, Order, train_from_log
from adcascade.events.journal import Journal
from adcascade.market.clock import tick_start_us
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings


def test_a_cascade_with_copr_serves(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest names it, the lists lie beside the samples, it cuts every request of the cascade, no overspend."""
    monkeypatch.setenv("ADCASCADE_TRAIN__PRERANKING", "copr")
    monkeypatch.setenv("ADCASCADE_ENGINE__PRERANK", "15")
    manifest = retrained(shop)
    assert manifest.methods["preranking"] == "copr"
    assert (shop / LISTS / "lists.parquet").exists()
    shown, answers = lived(shop)
    assert len(shown) > 0
    steps = [step for _, _, outcome in answers for step in outcome.steps if step.name == "preranking"]
    assert steps
    for step in steps:
        assert not step.cut
        assert len(step.left) == min(15, len(step.entered))
        assert np.all((step.left.ctr > 0) & (step.left.ctr < 1))
        assert np.all(np.diff(step.left.score) <= 0)
    with Journal(load_settings(shop).journal_path) as journal:
        assert Ledger(journal).overspend_micros() == 0
        assert not Ledger(journal).verify()


def test_before_a_cascade_has_served_copr_is_distilled(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of the cold start holds no list: the bundle is whole, and its manifest says what was really used."""
    monkeypatch.setenv("ADCASCADE_TRAIN__PRERANKING", "copr")
    start_us = tick_start_us(SMALL.warm_up)
    manifest = train_from_log(Order(directory=shop, now_us=start_us, until_us=start_us))
    assert manifest.methods["preranking"] == "mlp"


def test_lists_are_bounded_and_replace_older_ones(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than asked for, the newest, also read again; explored requests are among them."""
    settings = load_settings(shop).train
    until_us = tick_start_us(SMALL.second.stop)
    with Journal(load_settings(shop).journal_path) as journal:
        every = write_log_lists(journal, shop / LISTS, settings=settings, until_us=until_us)
        policies = [policy for table in every.tables() for policy in table["policy"].to_pylist()]
        times = [time for table in every.tables() for time in table["time_us"].to_pylist()]
        few = write_log_lists(
            journal, shop / LISTS, settings=settings.model_copy(update={"lists": 50}), until_us=until_us
        )
    assert len(every) == len(policies) > 500
    assert set(policies) == {"cascade", "exploration"}
    assert [time for table in few.tables() for time in table["time_us"].to_pylist()] == times[-50:]
