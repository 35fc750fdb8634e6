"""The comparison is what counting by hand gives, on the same impressions for both."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.cascade.shadow.compare import compared, outcomes
from adcascade.cascade.shadow.record import Own, Pair, Shadowed
from adcascade.events.journal import Journal
from adcascade.events.records import Click, Impression
from adcascade.metrics.log_loss import log_loss

START = 1_750_000_000_000_000
HOUR_US = 3_600_000_000


def record(number: int, *predicted: tuple[float, float], scenario: str = "search", **other: object) -> Shadowed:
    """A request with an ad a slot, whose bids are its number and the slot; the shadow would have shown the same."""
    pairs = tuple(
        Pair(bid_id=f"r{number}.{slot}", ad=slot, slot=slot, served=served, shadow=shadow)
        for slot, (served, shadow) in enumerate(predicted)
    )
    places = tuple(range(len(pairs)))
    fields = {
        "id": f"r{number}", "time_us": START + number * HOUR_US // 4, "scenario": scenario, "bundle": "b",
        "shadow": "s", "pairs": pairs, "expected_micros": 10.0, "stage_us": {"ranking": 1000}, "alike": 1.0,
        "own": Own(ads=places, slots=places, expected_micros=12.0, stage_us={"ranking": 3000, "nann": 500}),
    }  # fmt: skip
    return Shadowed(**(fields | other))  # type: ignore[arg-type]


CHANCE = st.floats(0.001, 0.999)
REQUESTS = st.lists(
    st.tuples(st.lists(st.tuples(CHANCE, CHANCE, st.booleans(), st.booleans()), min_size=1, max_size=3), st.booleans()),
    min_size=2, max_size=12,
)  # fmt: skip


@settings(max_examples=60)
@given(requests=REQUESTS)
def test_the_difference_is_the_mean_by_hand_over_what_was_seen(
    requests: list[tuple[list[tuple[float, float, bool, bool]], bool]],
) -> None:
    """Log losses, counts, difference and interval of every part, by loops over impressions."""
    records, seen, clicked, rows = [], set[str](), set[str](), []
    for number, (ads, explored) in enumerate(requests):
        own: dict[str, Any] = {"own": None} if explored else {}
        records.append(record(number, *((served, shadow) for served, shadow, _, _ in ads), **own))
        for slot, (served, shadow, was_seen, was_clicked) in enumerate(ads):
            seen |= {f"r{number}.{slot}"} if was_seen else set()
            clicked |= {f"r{number}.{slot}"} if was_seen and was_clicked else set()
            rows += [(number, served, shadow, was_clicked, explored)] if was_seen else []
    found = compared(records, seen, clicked)
    assert found is not None
    for part, chosen in ((found.whole, rows), (found.chance, [row for row in rows if row[4]])):
        assert part.requests == len({row[0] for row in chosen})
        assert part.served.impressions == part.shadow.impressions == len(chosen)
        assert part.served.clicks == part.shadow.clicks == sum(row[3] for row in chosen)
        if chosen:
            happened = [row[3] for row in chosen]
            assert part.served.log_loss == pytest.approx(log_loss(happened, [row[1] for row in chosen]))
            assert part.shadow.log_loss == pytest.approx(log_loss(happened, [row[2] for row in chosen]))
        apart: dict[int, list[float]] = {}
        for number, served, shadow, was_clicked, _ in chosen:
            loss = [math.log(1 / (p if was_clicked else 1 - p)) for p in (served, shadow)]
            apart.setdefault(number, []).append(loss[1] - loss[0])
        if len(apart) < 2:
            assert part.difference is None
            continue
        n = sum(map(len, apart.values()))
        mean = sum(map(sum, apart.values())) / n
        spread = sum((sum(one) - mean * len(one)) ** 2 for one in apart.values()) / n**2
        assert part.difference is not None
        assert part.difference.value == pytest.approx(mean, abs=1e-9)
        half = part.difference.high - part.difference.value
        assert half == pytest.approx(part.difference.value - part.difference.low)
        assert half >= 1.95 * math.sqrt(spread) - 1e-12


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Over 200 repetitions with two ads a request that are clicked together: nineteen of twenty times."""
    random, held = np.random.default_rng(1), 0
    truth = -(0.3 * math.log(0.25 / 0.3) + 0.7 * math.log(0.75 / 0.7))
    for _ in range(200):
        happened = random.random(150) < 0.3
        records = [record(number, (0.3, 0.25), (0.3, 0.25)) for number in range(150)]
        clicked = {f"r{number}.{slot}" for number in np.flatnonzero(happened) for slot in range(2)}
        found = compared(records, {pair.bid_id for one in records for pair in one.pairs}, clicked)
        assert found is not None
        assert found.whole.difference is not None
        held += found.whole.difference.low <= truth <= found.whole.difference.high
    assert 180 <= held <= 199


def test_scenarios_and_answers_by_another_bundle_are_told_apart() -> None:
    """The bundle that answered most is compared with; the largest scenario first; hours in order, with counts."""
    records = [
        *(record(number, (0.1, 0.2), scenario="home" if number % 3 else "search") for number in range(12)),
        record(12, (0.1, 0.2), bundle="a"), record(13, (0.1, float("nan"))),
    ]  # fmt: skip
    found = compared(records, {f"r{number}.0" for number in range(14)}, {"r1.0", "r2.0"})
    assert found is not None
    assert (found.bundle, found.requests, found.elsewhere, found.whole.served.impressions) == ("b", 13, 1, 12)
    assert [(one.served.scenario, one.served.impressions) for one in found.scenarios] == [("home", 8), ("search", 4)]
    assert [(one.impressions, one.clicks) for one in found.periods] == [(4, 2), (4, 0), (4, 0)]
    assert found.periods[0].aucs == (0.5, 0.5)
    assert found.periods[1].aucs == (None, None)
    assert found.whole.difference is not None
    assert compared([], set(), set()) is None


def test_what_the_shadow_would_have_shown_is_counted_over_requests() -> None:
    """Of two ads shown one is kept in half of the requests; times are means, of a stage of one bundle alone too."""
    same = record(0, (0.1, 0.1), (0.1, 0.1))
    own = Own(ads=(1, 7), slots=(0, 1), expected_micros=8.0, stage_us={"ranking": 1000})
    found = compared([same, record(1, (0.1, 0.1), (0.1, 0.1), own=own), record(2, (0.1, 0.1), own=None)], set(), set())
    assert found is not None
    answers = found.answers
    assert answers is not None
    assert (answers.requests, answers.kept, answers.same) == (2, 0.75, 0.5)
    assert (answers.served_micros, answers.shadow_micros) == (10.0, 10.0)
    assert [(one.stage, one.served, one.shadow) for one in answers.stages] == [
        ("ranking", 1.0, 2.0), ("nann", None, 0.5), ("all stages", 1.0, 2.25),
    ]  # fmt: skip


def test_outcomes_are_those_of_the_newest_part_of_the_log(tmp_path: Path) -> None:
    """Seen and clicked bids, no more than asked for; none where there is no log."""
    assert outcomes(tmp_path / "absent.db") == (set(), set())
    with Journal(tmp_path / "j.db", commit_every_ms=0.1) as journal:
        for k in range(10):
            journal.append([Impression(id=f"i{k}", time_us=START, bid_id=f"b{k}")])
        journal.append([Click(id="c", time_us=START, bid_id="b9")])
    assert outcomes(tmp_path / "j.db") == ({f"b{k}" for k in range(10)}, {"b9"})
    assert outcomes(tmp_path / "j.db", 3) == ({"b8", "b9"}, {"b9"})
