"""Alarms: they ring with a fault and are silent without it, over many simulated days."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from adcascade.cascade.alarms import NAMES, Board, Finding, Limits, Situation, findings
from adcascade.cascade.watch import BUCKET_US, KEPT, OTHER, SCENARIOS, Sums, Watch

DAYS = 60
MINUTES = 24 * 60
HOUR, QUARTER = 60, 15
FAULT_AT = 720
LIMITS = Limits()


def rolling(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Sums of the last `length` minutes, [M]."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    sums: NDArray[np.float64] = total[ends] - total[np.maximum(ends - length, 0)]
    return sums


def day(
    seed: int, *, clicks: float = 1.0, seen: float = 1.0, traffic: float = 600
) -> Iterator[tuple[int, list[Finding]]]:
    """Minute by minute, what is found on a day of traffic that swells and falls; from FAULT_AT on rates change."""
    chance = np.random.default_rng(seed)
    wave = 1 + 0.6 * np.sin(np.arange(MINUTES) / MINUTES * 2 * np.pi)
    bids = chance.poisson(traffic * wave)
    fault = np.arange(MINUTES) >= FAULT_AT
    looks = chance.binomial(bids, 0.5 * np.where(fault, seen, 1.0))
    predicted = looks * 0.03
    came = chance.poisson(predicted * np.where(fault, clicks, 1.0))
    hour = [rolling(x.astype(np.float64), HOUR) for x in (predicted, came)]
    whole = [rolling(x.astype(np.float64), MINUTES) for x in (predicted, came)]
    recent = [rolling(x.astype(np.float64), QUARTER) for x in (bids, looks)]
    longer = [rolling(x.astype(np.float64), 7 * QUARTER) for x in (bids, looks)]
    for minute in range(MINUTES):
        now = Situation(
            calibration={"home": Sums(predicted=float(hour[0][minute]), clicks=int(hour[1][minute]))},
            day={"home": Sums(predicted=float(whole[0][minute]), clicks=int(whole[1][minute]))},
            recent={"home": Sums(bids=int(recent[0][minute]), seen=int(recent[1][minute]))},
            earlier={
                "home": Sums(
                    bids=int(longer[0][minute] - recent[0][minute]), seen=int(longer[1][minute] - recent[1][minute])
                )
            },
        )
        yield minute, findings(now, LIMITS)


def first(seed: int, name: str, *, clicks: float = 1.0, seen: float = 1.0, traffic: float = 600) -> int:
    """The minute at which an alarm of this name is up first; MINUTES where it never is."""
    return next(
        (m for m, found in day(seed, clicks=clicks, seen=seen, traffic=traffic) if name in [f.name for f in found]),
        MINUTES,
    )


def test_days_without_a_fault_are_silent() -> None:
    """Of 60 days of much or little traffic, 86,400 minutes judged, at most one rings at all."""
    rang = sum(any(found for _, found in day(seed, traffic=60 if seed % 2 else 600)) for seed in range(DAYS))
    assert rang <= 1


@pytest.mark.parametrize(("clicks", "within"), [(0.3, 30), (0.5, 60), (2.0, 30)])
def test_a_drift_of_clicks_rings_in_time_and_not_before(clicks: float, within: int) -> None:
    """On each of 30 days from minute 720 on clicks come more or less often than predicted: it rings, with a remedy."""
    minutes = [first(1000 + seed, "calibration", clicks=clicks) for seed in range(30)]
    assert min(minutes) >= FAULT_AT
    assert max(minutes) <= FAULT_AT + within


def test_a_drift_in_a_scenario_with_little_traffic_is_found_by_the_day() -> None:
    """Some twenty expected clicks an hour are too few for an hour's verdict at half the clicks; the day's comes."""
    minutes = [first(3000 + seed, "calibration", clicks=0.3, traffic=120) for seed in range(10)]
    assert min(minutes) >= FAULT_AT
    assert max(minutes) < MINUTES


def test_a_collapse_of_the_win_rate_rings_in_time_and_not_before() -> None:
    """Answered ads are seen at half their rate from minute 720 on: within twenty minutes on each of 30 days."""
    minutes = [first(2000 + seed, "win-rate", seen=0.45) for seed in range(30)]
    assert min(minutes) >= FAULT_AT
    assert max(minutes) <= FAULT_AT + 20


NONE: dict[str, Sums] = {}


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"ahead": 0.11}, "overspend"),
        ({"behind": 0.31}, "underspend"),
        ({"asked": 100, "shed": 6}, "overload"),
        ({"trouble": "no space left"}, "journal"),
        ({"lost": 1}, "lost"),
        ({"differences": 1}, "ledger"),
        ({"absent": ("shard 2/3 at 10.0.0.7:8090 is away: refused",)}, "shards"),
    ],
)
def test_each_fault_has_its_alarm_and_its_remedy(fault: dict[str, Any], name: str) -> None:
    """One fault, one alarm of its name, beyond its threshold, with a sentence and what to do."""
    (found,) = findings(Situation(calibration=NONE, day=NONE, recent=NONE, earlier=NONE, **fault), LIMITS)
    assert found.name == name
    assert found.name in NAMES
    assert found.value > found.threshold
    assert found.sentence
    assert found.remedy


def test_just_within_the_limits_nothing_is_found() -> None:
    """Thresholds are not exceeded by being reached."""
    calm = Situation(calibration=NONE, day=NONE, recent=NONE, earlier=NONE, ahead=0.1, behind=0.3, asked=100, shed=5)
    assert findings(calm, LIMITS) == []


def test_a_few_counts_never_ring() -> None:
    """No click of fifteen expected is chance, and so is nobody seen of a handful."""
    few = Situation(
        calibration=NONE,
        day={"a": Sums(predicted=15.0)},
        recent={"a": Sums(bids=30)},
        earlier={"a": Sums(bids=100, seen=50)},
    )
    assert findings(few, LIMITS) == []


def test_a_board_remembers_since_when_and_forgets_after_a_while() -> None:
    """An alarm keeps the time of its rise; it stays up for the hold after it was found last, then it is gone."""
    board = Board(hold_us=10)
    finding = Finding("journal", "", 1.0, 0.0, "s", "r")
    board.look([finding], 100)
    board.look([finding._replace(value=2.0)], 105)
    assert [(alarm.since_us, alarm.finding.value) for alarm in board.up] == [(100, 2.0)]
    board.look([], 115)
    assert board.up
    board.look([], 116)
    assert not board.up


def test_a_watch_adds_up_by_learned_scenario_and_forgets() -> None:
    """A window holds what lies in it; names nobody learned count as other; a day later all is forgotten."""
    watch = Watch()
    watch.learned("home")
    for scenario in ("home", "invented", "invented too"):
        watch.answered(scenario, 2, 0)
        watch.seen(scenario, 0.25, 0)
    watch.seen("home", float("nan"), 0)
    watch.clicked("home", BUCKET_US)
    watch.event(0, BUCKET_US)
    both = watch.window(BUCKET_US, 2 * BUCKET_US)
    assert both["home"] == Sums(bids=2, seen=2, predicted=0.25, clicks=1)
    assert both[OTHER] == Sums(bids=4, seen=2, predicted=0.5, events=1, lag_us=BUCKET_US)
    assert watch.window(BUCKET_US, BUCKET_US)["home"] == Sums(clicks=1)
    assert watch.window(BUCKET_US, BUCKET_US, before_us=BUCKET_US)["home"].bids == 2
    for minute in range(2, KEPT + 3):
        watch.answered("home", 1, minute * BUCKET_US)
    assert watch.window((KEPT + 2) * BUCKET_US, 3 * KEPT * BUCKET_US)["home"] == Sums(bids=KEPT)


def test_a_watch_tells_apart_a_bounded_number_of_names() -> None:
    """However many names are learned."""
    watch = Watch()
    for number in range(3 * SCENARIOS):
        watch.learned(f"s{number}")
        watch.answered(f"s{number}", 1, 0)
    assert len(watch.window(0, BUCKET_US)) == SCENARIOS + 1
