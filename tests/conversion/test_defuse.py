"""DEFUSE in the installation: what it learns from clicks whose conversions are still to come."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from adcascade.conversion.defuse import DefuseLearner, span_us
from adcascade.conversion.learn import ConversionLearner
from adcascade.features import Encoder, Feature

HOUR = 3_600_000_000
FEATURES = (
    Feature(name="position", side="context", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
)
ADS = 6


@dataclass(frozen=True)
class Log:
    """Clicks up to an hour, as the join would write them then, and the true probability of each ad."""

    table: pa.Table
    truth: NDArray[np.float64]  # [ADS]


def log_until(now: int, *, clicks: int = 30_000, seed: int = 0, turn: bool = False) -> Log:
    """Clicks of the `now` hours before; half of the conversions within the hour, half within two days.

    turn: in the last twelve hours the ads change places, so that only fresh clicks know.
    """
    random = np.random.default_rng(seed)
    time = np.sort(random.integers(0, now * HOUR, clicks))
    ad = random.integers(0, ADS, clicks)
    truth = np.linspace(0.1, 0.4, ADS)
    turned = (time >= (now - 12) * HOUR) & turn
    converts = random.random(clicks) < np.where(turned, truth[::-1][ad], truth[ad])
    early = random.random(clicks) < 0.5
    delay = np.where(early, random.integers(0, HOUR, clicks), random.integers(HOUR, 48 * HOUR, clicks))
    bought = converts & (time + delay <= now * HOUR)
    table = pa.table(
        {
            "time_us": time,
            "position": np.zeros(clicks, np.int32),
            "ad": [f"a{one}" for one in ad.tolist()],
            "click": np.ones(clicks, np.float32),
            "click_time_us": time,
            "conversion_time_us": pa.array(time + delay, mask=~bought),
            "conversion": pa.array(bought.astype(np.float32), mask=time > (now - 48) * HOUR),
        }
    )
    return Log(table, truth[::-1] if turn else truth)


def learner_of(log: Log) -> DefuseLearner:
    """Trained on the log."""
    learner = DefuseLearner(encoder=Encoder.fit(FEATURES, [log.table]), observation_us=HOUR, attribution_us=48 * HOUR)
    learner.fit(lambda: [log.table.slice(start, 10_000) for start in range(0, len(log.table), 10_000)])
    return learner


def by_ad(learner: DefuseLearner | ConversionLearner) -> NDArray[np.float64]:
    """What it says of each ad, [ADS]."""
    columns = {"position": ["0"] * ADS, "ad": [f"a{one}" for one in range(ADS)]}
    return learner.predict(learner.encoder.encode(columns, ADS)).astype(np.float64)


def test_fresh_clicks_teach_the_true_rate() -> None:
    """With a third of the clicks still open the rates are those of the world, not those that have been seen."""
    log = log_until(144)
    assert by_ad(learner_of(log)) == pytest.approx(log.truth, rel=0.15)
    assert by_ad(learner_of(log)).mean() == pytest.approx(log.truth.mean(), rel=0.04)


def test_it_knows_of_a_change_before_the_clicks_have_settled() -> None:
    """Twelve hours after the ads changed places the order has begun to turn; settled clicks know nothing of it."""
    log, before = log_until(96, turn=True), log_until(96)
    settled = ConversionLearner(encoder=Encoder.fit(FEATURES, [log.table]))
    settled.fit(lambda: [log.table])
    fresh, unturned = by_ad(learner_of(log)), by_ad(learner_of(before))
    spread = unturned[-1] - unturned[0]
    assert by_ad(settled)[-1] - by_ad(settled)[0] == pytest.approx(0.3, abs=0.05)
    assert fresh[-1] - fresh[0] < spread - 0.03


def test_auxiliary_heads_know_how_late_conversions_are() -> None:
    """f_dp is half of the rate here, and z the share of the fakes among observed negatives."""
    log = log_until(144)
    learner = learner_of(log)
    mean = float(log.truth.mean())
    assert learner.late.rate == pytest.approx(mean / 2, rel=0.1)
    assert learner.fake.rate == pytest.approx((mean / 2) / (1 - mean / 2), rel=0.1)


def test_the_span_is_from_the_first_click_to_the_latest_time_that_anybody_spoke_of() -> None:
    """Impressions, clicks and conversions count for the end; without a click it is nothing."""
    never = pa.nulls(2, pa.int64())
    table = pa.table({"time_us": [1, 2], "click_time_us": [5, None], "conversion_time_us": never})
    assert span_us([table, table]) == (5, 5)
    assert span_us([table.set_column(1, "click_time_us", never)]) == (0, 0)
    assert span_us([]) == (0, 0)


def test_without_times_there_is_nothing_to_learn(tmp_path: Path) -> None:
    """An imported set that knows no click times makes a rate, and serves."""
    table = pa.table({"position": [0], "ad": ["a0"], "click": [1.0], "conversion": [1.0]})
    learner = DefuseLearner(encoder=Encoder.fit(FEATURES, [table]))
    assert learner.fit(lambda: [table]) == []
    learner.export(tmp_path)
    assert (tmp_path / "rate.json").exists()
