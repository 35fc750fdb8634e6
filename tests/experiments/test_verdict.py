"""The verdict: never more than the intervals allow, and always something."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.experiments.experiment import Allocation, Experiment, Variant
from adcascade.experiments.intervals import NOTHING, Estimate, difference
from adcascade.experiments.results import COUNTS, FIGURES, ArmResult, Results
from adcascade.experiments.verdict import WORDS, rounded, verdict_of

PLAN = Experiment(name="plan", variants=(Variant(name="control"), Variant(name="high")))
EVEN = [Allocation(number=1, from_us=0, shares=(0.5, 0.5))]
CLICKS, BOUGHT, BILLED = FIGURES


def around(value: float, half: float) -> Estimate:
    """With an interval as wide on both sides."""
    return Estimate(value, value - half, value + half)


def arm(name: str, units: int, figures: dict[str, Estimate], base: ArmResult | None = None, **more: int) -> ArmResult:
    """With many events, unless others are given by name."""
    counts = dict.fromkeys(COUNTS, 1000) | {key.replace("_", " "): value for key, value in more.items()}
    gaps = {} if base is None else {name: difference(one, base.estimates[name]) for name, one in figures.items()}
    return ArmResult(
        arm=name, units=units, counts=counts, conversions=100, estimates=figures, differences=gaps, theta=0.1,
        mean_delay_hours=5.0, belief=around(0.1, 0.01), best=0.5,
    )  # fmt: skip


def results(
    figures: dict[str, Estimate], base: dict[str, Estimate] | None = None, units: tuple[int, int] = (5000, 5000)
) -> Results:
    """Two arms of such figures."""
    first = arm("control", units[0], base or dict.fromkeys(FIGURES, around(1.0, 0.01)))
    return Results(experiment="plan", arms=(first, arm("high", units[1], figures, first)), came={1: units})


def figures_of(clicks: float, bought: float, billed: float) -> dict[str, Estimate]:
    """Narrow ones."""
    return {CLICKS: around(clicks, 0.01), BOUGHT: around(bought, 0.01), BILLED: around(billed, 0.01)}


@pytest.mark.parametrize(
    ("figures", "state", "summary"),
    [
        (figures_of(1, 1, 1.2), "better", "'high' is better than 'control': it earns 20.0 % more revenue per request"),
        (figures_of(0.8, 1, 1), "worse", "'high' is worse than 'control': it gets 20.0 % fewer clicks per request"),
        (figures_of(0.8, 1, 1.2), "mixed", "mixed: fewer clicks per request, more revenue per request"),
        (figures_of(1, 1, 1), "same", "No difference between 'high' and 'control' is shown."),
    ],
)
def test_a_verdict_of_each_kind(figures: dict[str, Estimate], state: str, summary: str) -> None:
    """In one sentence, with the state beside it."""
    said = verdict_of(results(figures), PLAN, EVEN)
    assert said.state == state
    assert summary in said.summary


estimates = st.builds(around, st.floats(0.0, 2.0), st.floats(0.0, 1.0))


@given(ours=st.tuples(estimates, estimates, estimates), theirs=st.tuples(estimates, estimates, estimates))
def test_it_never_says_more_than_the_interval(ours: tuple[Estimate, ...], theirs: tuple[Estimate, ...]) -> None:
    """A figure is called higher or lower only where its interval leaves 0 out, and on the right side; the whole is
    better only where nothing is worse."""
    found = results(dict(zip(FIGURES, ours, strict=True)), dict(zip(FIGURES, theirs, strict=True)))
    said = verdict_of(found, PLAN, EVEN)
    gaps = found.arms[1].differences
    higher = {figure for figure, gap in gaps.items() if gap.low > 0}
    lower = {figure for figure, gap in gaps.items() if gap.high < 0}
    text = " ".join(said.sentences)
    for figure, (_, name, less, _) in WORDS.items():
        assert (f"more {name}" in text) == (figure in higher)
        assert (f"{less} {name}" in text) == (figure in lower)
    assert (said.state == "better") == bool(higher and not lower)
    assert (said.state == "worse") == bool(lower and not higher)
    assert (said.state == "mixed") == bool(lower and higher)
    assert ("better" in said.summary) == (said.state == "better")


@given(ours=estimates, units=st.tuples(st.integers(0, 99), st.integers(0, 10_000)), turned=st.booleans())
def test_with_few_units_nothing_is_said_of_the_figures(ours: Estimate, units: tuple[int, int], turned: bool) -> None:
    """Whichever arm is the small one."""
    pair = units[::-1] if turned else units
    found = results(dict.fromkeys(FIGURES, ours), units=pair)
    shares = (0.5, 0.5) if sum(pair) == 0 else tuple((one + 1) / (sum(pair) + 2) for one in pair)
    said = verdict_of(found, PLAN, [Allocation(number=1, from_us=0, shares=shares)])
    assert said.state == "early"
    assert "Not enough yet" in said.summary
    assert "more" not in " ".join(said.sentences)


def test_a_figure_with_few_events_is_not_judged() -> None:
    """The others are; without any, it is too early."""
    first = arm("control", 5000, dict.fromkeys(FIGURES, around(1.0, 0.01)))
    second = arm("high", 5000, figures_of(1, 1, 1.2), first, billed_ads=3)
    said = verdict_of(Results(experiment="plan", arms=(first, second), came={}), PLAN, EVEN)
    assert said.state == "same"
    assert "Revenue per request of 'high': not enough yet; 20 billed ads in each arm are the least." in said.sentences
    nothing = arm("high", 5000, dict.fromkeys(FIGURES, NOTHING), first)
    assert verdict_of(Results(experiment="plan", arms=(first, nothing), came={}), PLAN, EVEN).state == "early"


def test_a_broken_split_says_nothing_else() -> None:
    """However good the figures look."""
    said = verdict_of(results(figures_of(1, 1, 2), units=(5000, 4000)), PLAN, EVEN)
    assert said.state == "broken"
    assert said.summary.startswith("Do not trust this: users did not come")
    assert "4,000 to 'high' where 4,500 were due" in said.summary
    assert not said.sentences


def test_how_many_more_units_it_takes_is_told() -> None:
    """For 5 %, or for 1 % where 5 % would have been seen already."""
    wide = verdict_of(results(dict.fromkeys(FIGURES, around(1.0, 0.1))), PLAN, EVEN).sentences
    assert any("more users to see one of 5 %" in line for line in wide)
    narrow = verdict_of(results(dict.fromkeys(FIGURES, around(1.0, 0.01))), PLAN, EVEN).sentences
    assert any("one of 5 % would have been seen; it would take about" in line for line in narrow)
    none = {**dict.fromkeys(FIGURES, around(1.0, 0.1)), BILLED: Estimate(1.0, -math.inf, math.inf)}
    assert verdict_of(results(none), PLAN, EVEN).state == "same"


def test_conversions_that_are_to_come_are_told() -> None:
    """As many as the delays seen so far leave: 0.1 of 3,000 clicks, 200 having come."""
    first = arm("control", 500, figures_of(1, 1, 1), clicks=1500)
    second = arm("high", 500, figures_of(1, 1, 1), first, clicks=1500)
    said = verdict_of(Results(experiment="plan", arms=(first, second), came={}), PLAN, EVEN).sentences
    assert (
        "Conversions are still to come, by the delays seen so far about 100: 1,000 of 3,000 clicks are younger "
        "than 7 days."
    ) in said


@pytest.mark.parametrize(("settled", "adaptive"), [(1000, True), (1000, False), (19, True)])
def test_which_arm_converts_best_is_told_once_clicks_have_settled(settled: int, adaptive: bool) -> None:
    """And that an adaptive experiment may be stopped; before, the law of delays would speak alone."""
    first = arm("control", 500, figures_of(1, 1, 1), settled_clicks=settled)
    second = msgspec.structs.replace(arm("high", 500, figures_of(1, 1, 1), first), best=0.97)
    plan = msgspec.structs.replace(PLAN, adaptive=adaptive)
    text = " ".join(verdict_of(Results(experiment="plan", arms=(first, second), came={}), plan, EVEN).sentences)
    assert ("'high' converts best with probability 0.970" in text) == (settled >= 20)
    assert ("may be stopped" in text) == (settled >= 20 and adaptive)


def test_three_arms_are_each_told_of() -> None:
    """The best state stands for all, and every arm has its sentence."""
    plan = Experiment(name="plan", variants=(*PLAN.variants, Variant(name="low")))
    first = arm("control", 500, dict.fromkeys(FIGURES, around(1.0, 0.01)))
    arms = (first, arm("high", 500, figures_of(1, 1, 1.2), first), arm("low", 500, figures_of(1, 1, 0.8), first))
    said = verdict_of(Results(experiment="plan", arms=arms, came={}), plan, EVEN)
    assert said.state == "better"
    assert "'high' is better" in said.summary
    assert "'low' is worse" in said.summary


@given(value=st.floats(0, 1e12))
def test_rounding_keeps_two_digits(value: float) -> None:
    """Within 5 %, and a whole number."""
    assert rounded(value) == pytest.approx(value, rel=0.051, abs=0.51)
    assert np.log10(max(rounded(value), 1)) >= 0
