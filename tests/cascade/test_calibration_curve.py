"""The curve of the log is what counting by hand gives, on the newest records alone."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.calibration_curve import BINS, SCENARIOS, Curve, curve_of, curves_of, recent_curves
from adcascade.errors import DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Impression, Record, Winner

START = 1_750_000_000_000_000
SEEN = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


def answer(number: int, predicted: float, scenario: str = "search", bundle: str = "b") -> AuctionRecord:
    """An answer with one winner, whose bid is its number."""
    winner = Winner(
        bid_id=str(number), ad=0, slot=0, creative=0, price_micros=1, billing="click", ctr=predicted,
        slot_ctr=predicted, cvr=0.1,
    )  # fmt: skip
    return AuctionRecord(
        id=f"a{number}", time_us=START + number, user=None, scenario=scenario, seen={}, winners=(winner,), bundle=bundle
    )


def seen(number: int, *, clicked: bool = False) -> list[Record]:
    """An impression of that bid, and perhaps its click."""
    told: list[Record] = [Impression(id=f"i{number}", time_us=START, bid_id=str(number))]
    return [*told, Click(id=f"c{number}", time_us=START, bid_id=str(number))] if clicked else told


def packed(records: list[Record]) -> list[bytes]:
    """As the log keeps them."""
    return [msgspec.msgpack.encode(record) for record in records]


@given(seen=SEEN)
def test_points_hold_every_impression_once(seen: list[tuple[float, bool]]) -> None:
    """Counts add up, predictions rise, and the weighted means are the means of all."""
    predicted, clicked = np.array(seen, np.float64).T
    curve = curve_of("s", predicted, clicked)
    assert sum(one.impressions for one in curve.points) == curve.impressions == len(seen)
    assert sum(one.clicks for one in curve.points) == curve.clicks == sum(one for _, one in seen)
    means = [one.predicted for one in curve.points]
    assert all(a < b + 1e-12 for a, b in pairwise(means))
    assert sum(one.predicted * one.impressions for one in curve.points) == pytest.approx(predicted.sum())
    assert len(curve.points) <= BINS
    apart = sum(abs(one.observed - one.predicted) * one.impressions for one in curve.points) / len(seen)
    assert curve.ece == pytest.approx(apart)


def test_a_curve_of_nothing_is_empty() -> None:
    """No impression: no point; no click: no PCOC and no AUC."""
    assert curve_of("", np.array([]), np.array([])) == Curve(scenario="", impressions=0, clicks=0)
    curve = curve_of("", np.array([0.1, 0.2]), np.zeros(2))
    assert (curve.pcoc, curve.auc) == (None, None)


def test_only_what_was_seen_of_this_bundle_counts() -> None:
    """Not unseen winners, not those of another bundle, not an impression twice, not a promise of nothing."""
    records: list[Record] = [
        answer(1, 0.2), answer(2, 0.4, "browse"), answer(3, 0.9), answer(4, 0.5, bundle="other"),
        answer(5, float("nan")), *seen(1, clicked=True), *seen(1), *seen(2), *seen(4, clicked=True), *seen(5),
        *seen(6, clicked=True),
    ]  # fmt: skip
    found = curves_of(packed(records), "b")
    assert (found.records, found.answers, found.since_us) == (len(records), 4, START + 1)
    whole, *parts = found.curves
    assert (whole.impressions, whole.clicks) == (2, 1)
    assert whole.pcoc == pytest.approx(0.6)
    assert {one.scenario: (one.impressions, one.clicks) for one in parts} == {"search": (1, 1), "browse": (1, 0)}


def test_scenarios_are_bounded() -> None:
    """The largest have a curve of their own; all are in the whole."""
    records = [record for k in range(30) for record in (answer(k, 0.1, f"s{k}"), *seen(k))]
    found = curves_of(packed(records), "b")
    assert len(found.curves) == SCENARIOS + 1
    assert found.curves[0].impressions == 30


def test_the_newest_records_of_a_real_log(tmp_path: Path) -> None:
    """No more than asked for, from the end; the same as all of them where they are fewer."""
    with Journal(tmp_path / "j.db", commit_every_ms=0.1) as journal:
        for k in range(40):
            journal.append([answer(k, 0.25), *seen(k, clicked=k % 4 == 0)])
    whole = recent_curves(tmp_path / "j.db", "b")
    assert (whole.answers, whole.curves[0].clicks, whole.curves[0].pcoc) == (40, 10, 1.0)
    few = recent_curves(tmp_path / "j.db", "b", records=20)
    assert few.records == 20
    assert 0 < few.answers < 40
    with pytest.raises(DataMissingError):
        recent_curves(tmp_path / "absent.db", "b")
