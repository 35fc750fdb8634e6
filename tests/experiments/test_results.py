"""From the log to results: events count once, forgetting loses nothing, and the figures are those that were made."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.records import AuctionRecord, Click, Conversion, Exposure, Impression, Record, Winner
from adcascade.experiments.experiment import Allocation, Experiment, Variant
from adcascade.experiments.outcomes import HOUR_US, Outcomes
from adcascade.experiments.results import Counting, Results, results_of
from adcascade.experiments.steering import Steering
from adcascade.experiments.verdict import verdict_of

WINDOW_US = 48 * HOUR_US
PLAN = Experiment(
    name="plan", variants=(Variant(name="a"), Variant(name="b")), adaptive=True, floor=0.05, window_us=WINDOW_US
)
visits = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 400),  # hour
        st.booleans(),
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 100)),  # hours to the conversion
    ),
    max_size=40,
)


def visit(number: int, arm: str, time_us: int, user: str) -> AuctionRecord:
    """One request with one ad, billed by click for 500 micros."""
    winner = Winner(
        bid_id=f"{number}.0",
        ad=1,
        slot=0,
        creative=0,
        price_micros=500,
        billing="click",
        ctr=0.1,
        slot_ctr=0.1,
        cvr=0.1,
    )
    exposure = Exposure(experiment="plan", arm=arm, unit=user, share=0.5, allocation=1, pinned=True)
    return AuctionRecord(
        id=str(number), time_us=time_us, user=user, scenario="", seen={}, winners=(winner,), exposure=exposure
    )


def log_of(rows: list[tuple[str, int, bool, bool, int | None]]) -> list[Record]:
    """The records of such visits, in order of time."""
    log: list[Record] = []
    for number, (arm, hour, seen, clicked, later) in enumerate(rows):
        at, bid = hour * HOUR_US, f"{number}.0"
        log.append(visit(number, arm, at, f"{arm}{number % 7}"))
        log += [Impression(id=f"i{number}", time_us=at, bid_id=bid)] * seen
        log += [Click(id=f"c{number}", time_us=at + 60_000_000, bid_id=bid)] * clicked
        if later is not None:
            log.append(Conversion(id=f"b{number}", time_us=at + 60_000_000 + later * HOUR_US, bid_id=bid))
    return sorted(log, key=lambda record: record.time_us)


@given(rows=visits)
def test_counts_are_those_of_the_log(rows: list[tuple[str, int, bool, bool, int | None]]) -> None:
    """Requests, clicks, what is billed, conversions within the window of clicks whose window has closed."""
    now_us = 420 * HOUR_US
    found = results_of(PLAN, (r for r in log_of(rows) if r.time_us <= now_us), now_us)
    for arm in found.arms:
        mine = [row for row in rows if row[0] == arm.arm]
        clicked = [row for row in mine if row[3]]
        settled = [row for row in clicked if row[1] * HOUR_US + 60_000_000 + WINDOW_US <= now_us]
        assert arm.counts["requests"] == len(mine)
        assert arm.counts["clicks"] == len(clicked)
        assert arm.counts["billed micros"] == 500 * len(clicked)
        assert arm.counts["settled clicks"] == len(settled)
        assert arm.counts["settled conversions"] == sum(row[4] is not None and row[4] <= 48 for row in settled)


@given(rows=visits)
def test_an_event_told_twice_counts_once(rows: list[tuple[str, int, bool, bool, int | None]]) -> None:
    """And what is of no experiment, or of another, is passed over."""
    log = log_of(rows)
    other = AuctionRecord(id="o", time_us=0, user=None, scenario="", seen={}, winners=())
    twice = [other, *(record for r in log for record in ([r] if isinstance(r, AuctionRecord) else [r, r]))]
    now_us = 500 * HOUR_US
    assert results_of(PLAN, log, now_us).arms[0].counts == results_of(PLAN, twice, now_us).arms[0].counts


@given(rows=visits, cut=st.integers(0, 500))
def test_what_is_forgotten_is_not_lost(rows: list[tuple[str, int, bool, bool, int | None]], cut: int) -> None:
    """Forgetting on the way leaves clicks, conversions and delays as they were at the end."""
    log, now_us = log_of(rows), 600 * HOUR_US
    whole, forgetful = Outcomes(PLAN), Outcomes(PLAN)
    whole.take(log)
    early = [record for record in log if record.time_us <= cut * HOUR_US]
    forgetful.take(early)
    forgetful.forget(cut * HOUR_US)
    forgetful.take(log[len(early) :])
    forgetful.forget(now_us)
    assert len(forgetful.bids) <= len(whole.bids)
    ours, theirs = forgetful.cohorts(now_us), whole.cohorts(now_us)
    for name in ("units", "converted", "delays"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name))


def world(requests: int, seed: int) -> Iterator[tuple[int, Record]]:
    """Arm b converts 30 % of clicks after 12 hours in the mean, arm a 15 % after half an hour; every ad is clicked."""
    random = np.random.default_rng(seed)
    log: list[Record] = []
    for number in range(requests):
        arm, at = "ab"[number % 2], number * HOUR_US // 60
        log += [visit(number, arm, at, f"u{number}"), Click(id=f"c{number}", time_us=at, bid_id=f"{number}.0")]
        rate, hours = (0.15, 0.5) if arm == "a" else (0.3, 12.0)
        if random.random() < rate:
            later = round(random.exponential(hours) * HOUR_US)
            log.append(Conversion(id=f"b{number}", time_us=at + later, bid_id=f"{number}.0"))
    yield from enumerate(sorted(log, key=lambda record: record.time_us), 1)


def test_steering_finds_the_slow_arm_while_it_still_looks_worse() -> None:
    """Half a day: in every world b has fewer conversions than a, and in most of them the traffic to come goes to b."""
    now_us, chosen = 12 * HOUR_US, []
    for seed in range(6):
        steering = Steering(PLAN)
        steering.follow((seq, r) for seq, r in world(1000, seed) if r.time_us <= now_us)
        seen = steering.outcomes.cohorts(now_us).seen
        shares = steering.shares(now_us)
        assert seen[1] < seen[0]
        assert min(shares) >= 0.05
        assert sum(shares) == pytest.approx(1.0)
        chosen.append(shares[1] > 0.8)
    assert sum(chosen) >= 4


def test_the_results_of_a_known_world_are_right() -> None:
    """1,000 clicks an arm, all settled: both rates within their intervals, b better, and said so."""
    records = [record for _, record in world(2000, 4)]
    found = results_of(PLAN, records, 200 * HOUR_US)
    a, b = (arm.estimates["conversions per click"] for arm in found.arms)
    assert a.low <= 0.15 <= a.high
    assert b.low <= 0.3 <= b.high
    assert found.arms[1].differences["conversions per click"].low > 0
    assert found.arms[1].best > 0.95
    said = verdict_of(found, PLAN, [Allocation(number=1, from_us=0, shares=(0.5, 0.5))])
    assert said.state == "better"
    assert any("more conversions per click than 'a'" in sentence for sentence in said.sentences)
    assert any("may be stopped" in sentence for sentence in said.sentences)


@settings(max_examples=25)
@given(rows=visits, cut=st.integers(0, 500))
def test_results_on_the_way_change_nothing(rows: list[tuple[str, int, bool, bool, int | None]], cut: int) -> None:
    """Whoever asks between records gets what the log was until then, and the same at the end as who never asked."""
    log, now_us = log_of(rows), 600 * HOUR_US
    early = [record for record in log if record.time_us <= cut * HOUR_US]
    asking = Counting(PLAN)
    asking.take(early)
    between = asking.results(cut * HOUR_US)
    assert encoded(between) == encoded(results_of(PLAN, early, cut * HOUR_US))
    asking.take(log[len(early) :])
    assert encoded(asking.results(now_us)) == encoded(results_of(PLAN, log, now_us))


def encoded(found: Results) -> bytes:
    """To be compared: what is not known is equal to itself."""
    return msgspec.json.encode(found)


@settings(max_examples=50)
@given(rows=visits)
def test_units_are_counted_once_by_arm(rows: list[tuple[str, int, bool, bool, int | None]]) -> None:
    """Of an allocation as of the arms."""
    found = results_of(PLAN, log_of(rows), 600 * HOUR_US)
    assert sum(map(sum, found.came.values())) == sum(arm.units for arm in found.arms)
    for place, arm in enumerate(found.arms):
        assert sum(units[place] for units in found.came.values()) == arm.units
        assert arm.units == len({number % 7 for number, row in enumerate(rows) if row[0] == arm.arm})
