"""What the console says of a shadow: no more than its numbers do."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cascade.shadow.test_compare import START, record

from adcascade.cascade.calibration_curve import Curve
from adcascade.cascade.shadow.compare import Difference, Part, compared
from adcascade.cascade.shadow.order import Order
from adcascade.cascade.shadow.store import Counts
from adcascade.console.pages.models_shadow import share_of
from adcascade.console.shadow_views import shadow_view, side_rows, verdict
from adcascade.errors import InputError

ORDER = Order(version="s", share=0.05, who="ann", time_us=START)


def part(value: float, low: float, high: float, *, clicks: int = 30) -> Part:
    """Of a thousand impressions whose served log loss is 0.2."""
    curve = Curve(scenario="", impressions=1000, clicks=clicks, log_loss=0.2)
    return Part(requests=400, served=curve, shadow=curve, difference=Difference(value=value, low=low, high=high))


def test_the_verdict_claims_no_more_than_the_interval() -> None:
    """Lower, higher, or not to be told apart; as a share of what serves; without a click nothing."""
    assert verdict(part(-0.0016, -0.0028, -0.0004)) == (
        "On 1,000 impressions of 400 requests the shadow's log loss is 0.80 % lower (95 % interval: 0.20 % to 1.40 %)."
    )
    assert "0.80 % higher (95 % interval: 0.20 % to 1.40 %)" in verdict(part(0.0016, 0.0004, 0.0028))
    assert "cannot be told apart" in verdict(part(-0.0016, -0.004, 0.0008))
    assert "-0.80 % of what serves (95 % interval: -2.00 % to +0.40 %)" in verdict(part(-0.0016, -0.004, 0.0008))
    assert "nothing can be said yet" in verdict(part(-0.0016, -0.004, 0.0008, clicks=0))


def test_both_are_shown_on_the_same_impressions() -> None:
    """Two lines a part with the same counts, the difference beside the shadow; curves in pairs; nothing lost."""
    records = [record(number, (0.1, 0.2), scenario="ab"[number % 2], alike=0.5) for number in range(20)]
    found = compared(records, {f"r{number}.0" for number in range(20)}, {"r3.0", "r4.0"})
    assert found is not None
    rows = side_rows(found)
    assert [(row.part, row.side, row.impressions) for row in rows] == [
        ("all traffic", "served", "20"), ("all traffic", "shadow", "20"), ("a", "served", "10"),
        ("a", "shadow", "10"), ("b", "served", "10"), ("b", "shadow", "10"),
    ]  # fmt: skip
    assert [bool(row.difference) for row in rows] == [False, True] * 3
    view = shadow_view("s", ORDER, Counts(20, 3, 1), found, "USD")
    assert view is not None
    assert view.running
    assert "20 requests answered again, 3 dropped" in view.counts
    assert "1 failed" in view.counts
    told = {one.name: one.value for one in view.answers}
    assert told["Pairs of candidates in the same order by P(click)"] == "50.0 %"
    assert {value for name, value in told.items() if name.startswith("Revenue")} == {"0.01 USD"}
    assert [one.stage for one in view.stages] == ["ranking", "nann", "all stages"]
    assert [one.name for one in view.figures] == [
        *(f"shadow-{place}-{side}" for place in range(3) for side in ("served", "shadow")), "shadow-auc",
    ]  # fmt: skip


def test_a_bundle_that_never_shadowed_has_no_section() -> None:
    """One that did keeps it, and one that was given up says why."""
    assert shadow_view("t", ORDER, Counts(), None) is None
    ended = shadow_view("s", None, Counts(shadowed=1), None)
    assert ended is not None
    assert (ended.running, ended.state) == (False, "It does not shadow now.")
    failed = shadow_view("s", Order(version="s", share=1.0, who="a", time_us=1, trouble="it failed"), Counts(), None)
    assert failed is not None
    assert (failed.running, failed.trouble) == (False, "it failed")


@given(text=st.text(max_size=8) | st.floats().map(str))
def test_a_share_is_typed_in_percent(text: str) -> None:
    """Between nothing and all, with or without its sign; whatever else is refused."""
    with suppress(InputError):
        assert 0 < share_of(text) <= 1
    assert share_of("5 %") == share_of("5") == 0.05
    for none in ("0", "101", "nan", "five", ""):
        with pytest.raises(InputError, match="at most 100"):
            share_of(none)
