"""The verdict on an experiment in words: what its results allow to say, and no more.

    broken    units did not come as chance was told to send them (sample_ratio.py): nothing else is said
    early     fewer than ENOUGH units in an arm, or too few events of every figure
    better    some figure is higher than the base's, by an interval without 0, and none lower
    worse     the other way round
    mixed     one is higher, another lower
    same      no difference is shown, which is not to say that there is none

Differences are told in percent of the base's figure, their ends too.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Literal

import msgspec

from adcascade.experiments.experiment import Allocation, Experiment
from adcascade.experiments.power import growth
from adcascade.experiments.results import ArmResult, Results
from adcascade.experiments.sample_ratio import SampleRatio, sample_ratio
from adcascade.experiments.thompson import STOP

State = Literal["broken", "early", "better", "worse", "mixed", "same"]

ENOUGH = 100  # units of an arm
EVENTS = 20  # of a figure, in each arm
WORTH_SEEING = (0.05, 0.01)  # relative differences, of which the first that is not excluded yet is told
HOUR_US = 3_600_000_000
WORDS = {  # figure -> verb, what there is more of, less of it, the events that it rests on
    "clicks per request": ("gets", "clicks per request", "fewer", "clicks"),
    "conversions per click": ("gets", "conversions per click", "fewer", "settled clicks"),
    "billed micros per request": ("earns", "revenue per request", "less", "billed ads"),
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """summary: one sentence; sentences: figure by figure, and what is still to come."""

    state: State
    summary: str
    sentences: tuple[str, ...] = ()


def verdict_of(found: Results, experiment: Experiment, allocations: Sequence[Allocation]) -> Verdict:
    """What may be said. allocations: of the experiment, all there ever were."""
    ratio = sample_ratio(found.came, allocations)
    if ratio is not None and ratio.broken:
        return Verdict(state="broken", summary=_broken(ratio, experiment))
    noun, base = f"{experiment.unit}s", found.arms[0]
    judged = [(arm, state_of(arm, base)) for arm in found.arms[1:]]
    sentences = [line for arm, state in judged if state != "early" for line in _figures(arm, base, noun)]
    sentences += [*_late(found.arms, experiment), *_best(found.arms, experiment)]
    told = [(_summary(arm, base, state, noun), state) for arm, state in judged]
    order: tuple[State, ...] = ("better", "mixed", "worse", "same", "early")
    return Verdict(
        state=next(state for state in order if state in {one for _, one in told}),
        summary=" ".join(dict.fromkeys(one for one, _ in told)),
        sentences=tuple(sentences),
    )


def state_of(arm: ArmResult, base: ArmResult) -> State:
    """Of one arm beside the first."""
    ways = {_way(arm, base, figure) for figure in WORDS}
    if min(arm.units, base.units) < ENOUGH or ways == {None}:
        return "early"
    if {1, -1} <= ways:
        return "mixed"
    return "better" if 1 in ways else "worse" if -1 in ways else "same"


def _way(arm: ArmResult, base: ArmResult, figure: str) -> int | None:
    """1: higher than the base's; -1: lower; 0: not told apart; None: too little is known."""
    gap, events = arm.differences[figure], WORDS[figure][3]
    if not gap.known or min(arm.counts[events], base.counts[events]) < EVENTS:
        return None
    return 1 if gap.low > 0 else -1 if gap.high < 0 else 0


def _summary(arm: ArmResult, base: ArmResult, state: State, noun: str) -> str:
    if state == "early":
        fewest = min((arm, base), key=lambda one: one.units)
        if fewest.units < ENOUGH:
            return f"Not enough yet: {fewest.units:,} {noun} in '{fewest.arm}', and {ENOUGH} are the least."
        return f"Not enough yet: '{arm.arm}' or '{base.arm}' has fewer than {EVENTS} clicks and billed ads."
    if state == "same":
        return f"No difference between '{arm.arm}' and '{base.arm}' is shown."
    if state == "mixed":
        parts = [_short(figure, way) for figure in WORDS if (way := _way(arm, base, figure))]
        return f"'{arm.arm}' against '{base.arm}' is mixed: {', '.join(parts)}."
    figure = next(one for one in reversed(WORDS) if _way(arm, base, one))
    return f"'{arm.arm}' is {state} than '{base.arm}': it {_difference(arm, base, figure)}."


def _figures(arm: ArmResult, base: ArmResult, noun: str) -> Iterator[str]:
    for figure, (_, name, _, events) in WORDS.items():
        way = _way(arm, base, figure)
        if way is None:
            yield f"{name.capitalize()} of '{arm.arm}': not enough yet; {EVENTS} {events} in each arm are the least."
        elif way:
            yield f"'{arm.arm}' {_difference(arm, base, figure)}."
        else:
            between = f"no difference between '{arm.arm}' and '{base.arm}' is shown"
            yield f"{name.capitalize()}: {between}{_interval(arm, base, figure)}{_size(arm, base, figure, noun)}."


def _short(figure: str, way: int) -> str:
    _, name, less, _ = WORDS[figure]
    return f"{'more' if way > 0 else less} {name}"


def _base(arm: ArmResult, base: ArmResult, figure: str) -> float | None:
    """What differences are told in percent of; None where that is next to nothing."""
    gap, whole = arm.differences[figure], base.estimates[figure].value
    return whole if isfinite(gap.high - gap.low) and whole > 1e-6 * max(abs(gap.low), abs(gap.high)) else None


def _difference(arm: ArmResult, base: ArmResult, figure: str) -> str:
    """What is shown: "earns 4.1 % more revenue per request than 'control' (95 % interval 1.2 to 7.0 %)"."""
    verb, name, less, _ = WORDS[figure]
    gap, whole = arm.differences[figure], _base(arm, base, figure)
    way = 1 if gap.low > 0 else -1
    more = f"{'more' if way > 0 else less} {name} than '{base.arm}'"
    if whole is None:
        return f"{verb} {more}"
    low, high = sorted((way * gap.low / whole, way * gap.high / whole))
    return f"{verb} {_percent(way * gap.value / whole)} % {more} (95 % interval {_percent(low)} to {_percent(high)} %)"


def _interval(arm: ArmResult, base: ArmResult, figure: str) -> str:
    gap, whole = arm.differences[figure], _base(arm, base, figure)
    return "" if whole is None else f" (95 % interval {_percent(gap.low / whole)} to {_percent(gap.high / whole)} %)"


def _size(arm: ArmResult, base: ArmResult, figure: str, noun: str) -> str:
    """What it would take to see one."""
    gap, whole = arm.differences[figure], _base(arm, base, figure)
    seen = ""
    for worth in WORTH_SEEING if whole is not None else ():
        more = (growth(gap, worth * (whole or 0.0)) - 1) * (arm.units + base.units)
        if more > 0:
            return f"{seen}; it would take about {rounded(more):,} more {noun} to see one of {_whole(worth)}"
        seen = f"; one of {_whole(worth)} would have been seen"
    return seen


def _late(arms: Sequence[ArmResult], experiment: Experiment) -> Iterator[str]:
    """Conversions that are still to come."""
    clicks = sum(arm.counts["clicks"] for arm in arms)
    young = clicks - sum(arm.counts["settled clicks"] for arm in arms)
    if not young:
        return
    expected = sum(max(0.0, arm.theta * arm.counts["clicks"] - arm.conversions) for arm in arms if arm.conversions)
    told = f", by the delays seen so far about {expected:,.0f}" if any(arm.conversions for arm in arms) else ""
    window = _span(experiment.window_us)
    yield f"Conversions are still to come{told}: {young:,} of {clicks:,} clicks are younger than {window}."


def _best(arms: Sequence[ArmResult], experiment: Experiment) -> Iterator[str]:
    """Where some clicks have had all their time: before, the delay law alone would speak."""
    first = max(arms, key=lambda arm: arm.best)
    known = min(arm.counts["settled clicks"] for arm in arms) >= EVENTS and any(arm.conversions for arm in arms)
    if known and first.best > STOP:
        ends = ": the experiment may be stopped" if experiment.adaptive else ""
        chance = "more than 0.999" if first.best > 0.999 else f"{first.best:.3f}"
        yield f"By all clicks, late ones estimated, '{first.arm}' converts best with probability {chance}{ends}."


def _broken(ratio: SampleRatio, experiment: Experiment) -> str:
    came = ", ".join(
        f"{units:,} to '{arm}' where {expected:,.0f} were due"
        for arm, units, expected in zip(experiment.arms, ratio.units, ratio.expected, strict=True)
    )
    chance = f"less often than 1 in {rounded(1 / ratio.p):,} times" if ratio.p > 1e-9 else "practically never"
    return (
        f"Do not trust this: {experiment.unit}s did not come to the arms by their shares ({came}; by chance {chance})."
    )


def rounded(value: float) -> int:
    """Two digits: more would promise too much.

    >>> rounded(3217.0), rounded(12.6), rounded(987654.0)
    (3200, 13, 990000)
    """
    whole = round(value)
    return whole if whole < 100 else round(whole, 2 - len(str(whole)))


def _whole(share: float) -> str:
    return f"{share * 100:.0f} %"


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def _span(window_us: int) -> str:
    hours = window_us / HOUR_US
    if hours < 48:
        return f"{hours:g} hours" if hours != 1 else "an hour"
    return f"{hours / 24:g} days"
