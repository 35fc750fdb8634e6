"""The overview's figures are differences of what /metrics tells; nothing is divided by nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.readings import AUCTIONS, BUDGET, CHARGED, PACING, SPENT, WIN_RATE, Reading
from adcascade.console.counters import Counters, Quantile, Timing, counters_of, quantile
from adcascade.console.pages.overview import along, charts_of, ctr, cvr, per_second, rpm, span_of, stages_of, tiles_of
from adcascade.errors import InputError
from adcascade.server.metrics import SECONDS, Metrics

START = 1_750_000_000_000_000
TIMES = st.lists(st.floats(0.0001, 4.0), min_size=1, max_size=60)


def observed(seconds: list[float], stage: str = "ranking") -> Metrics:
    """Metrics that saw these times of a stage."""

    class Answer:
        stage_us: dict[str, float]

    metrics = Metrics()
    for one in seconds:
        answer = Answer()
        answer.stage_us = {stage: one * 1e6}
        metrics.stages(answer)
    return metrics


def test_counters_are_what_metrics_tells() -> None:
    """Events that were taken, requests for ads, the engine's readings; not what was rejected, nor other routes."""
    metrics = observed([0.001, 0.003])
    for route, status in (("/v2/auctions", 200), ("/openrtb2/bid", 204), ("/metrics", 200)):
        metrics.answered(route, status, 0.001)
    for kind, fate in (
        ("click", "accepted"),
        ("click", "rejected"),
        ("impression", "accepted"),
        ("purchase", "accepted"),
    ):
        metrics.event(kind, fate)
    readings = [
        Reading(AUCTIONS, (), 7), Reading(CHARGED, (), 5e6), Reading(SPENT, (), 40.0), Reading(BUDGET, (), 100.0),
        Reading(PACING, (), -0.1), Reading(WIN_RATE, ("a",), 0.2), Reading(WIN_RATE, ("b",), 0.4),
    ]  # fmt: skip
    told = counters_of(metrics.registry, readings, START)
    assert (told.requests, told.impressions, told.clicks, told.conversions) == (2, 1, 1, 1)
    assert (told.auctions, told.charged, told.spent, told.budget) == (7, 5e6, 40.0, 100.0)
    assert told.due == pytest.approx(50.0)
    assert told.win_rate == pytest.approx(0.3)
    assert told.stages["ranking"].calls == 2
    assert told.stages["ranking"].seconds == pytest.approx(0.004)


@given(before=TIMES, seconds=TIMES, share=st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(before: list[float], seconds: list[float], share: float) -> None:
    """Whatever came before the first look: the estimate is within the bucket that holds the exact quantile."""
    first = counters_of(observed(before).registry, (), START).stages["ranking"]
    last = counters_of(observed(before + seconds).registry, (), START).stages["ranking"]
    found = quantile(first, last, share)
    exact = float(np.quantile(seconds, share, method="inverted_cdf"))
    bounds = (0.0, *SECONDS, float("inf"))
    place = next(k for k, bound in enumerate(bounds) if exact <= bound)
    assert found is not None
    assert bounds[place - 1] - 1e-12 <= found.seconds <= min(bounds[place], SECONDS[-1]) + 1e-12
    assert (found.beyond == "below") == (place == 1)
    assert (found.beyond == "above") == (exact > SECONDS[-1])


def test_no_call_has_no_quantile() -> None:
    """Nor a mean, nor a rate: what is not known is not zero."""
    look = Timing(3.0, 0.1, ((1.0, 3.0), (float("inf"), 3.0)))
    assert quantile(look, look, 0.5) is None
    assert quantile(None, look, 0.5) == Quantile(1.0, "below")
    a, b = Counters(time_us=START), Counters(time_us=START + 1)
    assert (rpm(a, b), ctr(a, b), cvr(a, b)) == (None, None, None)


def test_figures_are_differences() -> None:
    """Two looks ten seconds apart, by hand."""
    a = Counters(time_us=START, requests=10, auctions=10, impressions=100, clicks=10, conversions=1, charged=1e6)
    b = Counters(
        time_us=START + 10_000_000, requests=60, auctions=60, impressions=300, clicks=20, conversions=3, charged=6e6
    )
    assert per_second("requests")(a, b) == 5.0
    assert rpm(a, b) == pytest.approx(100.0)  # 5 for 50 auctions
    assert (ctr(a, b), cvr(a, b)) == (0.05, 0.2)
    tiles = {tile.label: tile.value for tile in tiles_of([a, b], "USD")}
    assert (tiles["Requests a second"], tiles["RPM"], tiles["CTR"]) == ("5", "100.00", "5.00 %")


@given(gaps=st.lists(st.integers(1, 20), min_size=1, max_size=30), least=st.integers(0, 60))
def test_a_ratio_looks_back_far_enough(gaps: list[int], least: int) -> None:
    """Each row against the newest look that is old enough, or the oldest there is; one row a look but the first."""
    looks = [Counters(time_us=START)]
    for gap in gaps:
        looks.append(Counters(time_us=looks[-1].time_us + gap, requests=0))
    rows = along(looks, (lambda a, b: float(b.time_us - a.time_us),), least)
    assert [row.time_us for row in rows] == [look.time_us for look in looks[1:]]
    for place, row in enumerate(rows, 1):
        ages = [looks[place].time_us - look.time_us for look in looks[:place]]
        assert row.values == (float(min((age for age in ages if age >= least), default=max(ages))),)


def test_a_new_process_shows_what_it_knows() -> None:
    """No look, or one: no tile, no stage, charts without rows; and nothing fails."""
    for looks in ([], [Counters(time_us=START)]):
        assert tiles_of(looks, "USD") == ()
        assert stages_of(looks) == ()
        assert all(len(chart.rows) <= 1 for chart in charts_of(looks))


def test_a_span_is_one_of_those() -> None:
    """Another one is refused by name."""
    assert span_of("1h") == "1h"
    with pytest.raises(InputError, match="5m or 15m or 1h"):
        span_of("1y")
