"""Results of an experiment as lines of a table, and the words around them: what they are of, and how to take them."""

import math
from collections.abc import Callable

import msgspec

from adcascade.console.words import UNKNOWN, moment, money, number, percent
from adcascade.experiments.intervals import Estimate
from adcascade.experiments.looking_back import Look
from adcascade.experiments.planning import RELATIVE
from adcascade.experiments.power import units_for
from adcascade.experiments.results import FIGURES, ArmResult, Results
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import EVENTS, WORDS, rounded

PER = 1000  # requests that revenue is told for
MONEY = "billed micros per request"


class Cell(msgspec.Struct, frozen=True):
    """A figure, and below it the ends of its interval."""

    value: str
    ends: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the results: a figure of every arm. strong: some arm differs from the first."""

    name: str
    cells: tuple[Cell, ...]
    strong: bool = False


def count_lines(found: Results) -> tuple[Line, ...]:
    """How much came to each arm."""
    counts = ("requests", "impressions", "clicks", "settled clicks", "settled conversions", "billed ads")
    return (
        Line(name="Units", cells=tuple(Cell(number(arm.units, 0)) for arm in found.arms)),
        *(
            Line(name=count.capitalize(), cells=tuple(Cell(number(arm.counts[count], 0)) for arm in found.arms))
            for count in counts
        ),
        Line(name="Conversions seen", cells=tuple(Cell(number(arm.conversions, 0)) for arm in found.arms)),
    )


def figure_lines(found: Results, currency: str) -> tuple[Line, ...]:
    """Every figure of every arm with its interval, and below it the difference to the first arm's."""
    base, lines = found.arms[0], list[Line]()
    for figure in FIGURES:
        name = f"Revenue of {PER:,} requests, {currency}" if figure == MONEY else figure.capitalize()
        cells = tuple(_estimate(arm.estimates[figure], figure) for arm in found.arms)
        gaps = tuple(_gap(arm, base, figure) for arm in found.arms[1:])
        strong = any(shown_of(arm, figure) for arm in found.arms[1:])
        lines += [
            Line(name=name, cells=cells),
            Line(name=f"less {base.arm}'s, in percent of it", cells=(Cell(""), *gaps), strong=strong),
        ]
    came = any(arm.conversions for arm in found.arms)
    late = tuple(_cell(arm.belief, _rate) if came else Cell(UNKNOWN) for arm in found.arms)
    delays = (arm.mean_delay_hours for arm in found.arms)
    return (
        *lines,
        Line(name="Conversions per click, delay corrected (90 %)", cells=late),
        Line(name="Mean delay of conversions, hours",
             cells=tuple(Cell(number(one if math.isfinite(one) else None)) for one in delays)),
        Line(name="Converts best with probability",
             cells=tuple(Cell(percent(arm.best if came else None, 0)) for arm in found.arms)),
    )  # fmt: skip


def shown_of(arm: ArmResult, figure: str) -> int:
    """1 or -1 where the interval of the difference leaves 0 out; else 0."""
    gap = arm.differences[figure]
    return 0 if not gap.known else int(gap.low > 0) - int(gap.high < 0)


def _gap(arm: ArmResult, base: ArmResult, figure: str) -> Cell:
    gap, whole = arm.differences[figure], base.estimates[figure].value
    if not gap.known or not whole > 0 or not math.isfinite(gap.high - gap.low):
        return Cell(UNKNOWN)
    value, low, high = (f"{100 * end / whole:+,.1f} %" for end in (gap.value, gap.low, gap.high))
    return Cell(f"{value}, {('lower', 'not shown', 'higher')[shown_of(arm, figure) + 1]}", f"{low} to {high}")


def _estimate(one: Estimate, figure: str) -> Cell:
    if figure == MONEY:
        return _cell(one, lambda value: money(value * PER))
    return _cell(one, _rate if FIGURES[figure][2] else number)


def _cell(one: Estimate, words: Callable[[float], str]) -> Cell:
    if not one.known:
        return Cell(UNKNOWN)
    return Cell(words(one.value), f"{words(one.low)} to {words(one.high)}" if math.isfinite(one.high - one.low) else "")


def _rate(value: float) -> str:
    return percent(value, 2)


def looked_words(look: Look, unit: str) -> str:
    """What the figures are of."""
    records = f"{number(look.records, 0)} records of the log"
    if look.whole:
        return f"From {records}, all since {moment(look.since_us)} UTC, up to {moment(look.at[-1][0])} UTC."
    return (
        f"From the newest {records} only, since {moment(look.since_us)} UTC: {unit}s before are left out, arm by arm "
        "alike. `adcascade experiment results` reads all."
    )


def caution_of(stored: Stored, found: Results) -> str:
    """What looking often does, and the size that was to be waited for."""
    base, shares = found.arms[0], stored.allocations[-1].shares
    sizes = [
        f"about {rounded(size):,} {stored.experiment.unit}s to see {RELATIVE:.0%} of {name}".replace("%", " %")
        for figure, (_, name, _, events) in WORDS.items()
        if base.counts[events] >= EVENTS
        and math.isfinite(size := units_for(base.estimates[figure], base.units, shares, RELATIVE))
    ]
    planned = f" By the figures so far that is {', '.join(sizes)}." if sizes else ""
    return (
        "These intervals are for one look. Of experiments without any difference, more than one in twenty shows one "
        f"sooner or later to whoever looks every day: decide at a size that was fixed beforehand.{planned}"
    )
