"""Figures of an experiment over time: who gets the new units, what is believed of the arms, how far they are apart."""

import math

from adcascade.console.figures import Figure, Spot
from adcascade.console.words import moment
from adcascade.experiments.intervals import Estimate
from adcascade.experiments.looking_back import Look
from adcascade.experiments.results import Results
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import ENOUGH, WORDS

DRAWN = 60  # allocations of one figure
NOWHERE = (None, None, None)


def allocation_figure(stored: Stored, end_us: int) -> Figure:
    """Each arm's share of new units from the start until the end or now; of many allocations, evenly chosen ones."""
    start_us = next((at for status, at, _ in stored.statuses if status == "running"), stored.created_us)
    end_us = max(end_us, start_us)
    known = [one for one in stored.allocations if one.from_us <= end_us]
    every = -(-len(known) // DRAWN)
    chosen = [*known[:-1:every], known[-1]]
    ends = [*(after.from_us for after in chosen[1:]), end_us]
    rows = tuple(
        Spot(x=at, label=moment(at), values=one.shares, notes=(note,))
        for one, until in zip(chosen, ends, strict=True)
        for at, note in ((max(one.from_us, start_us), one.reason), (until, "until then"))
        if until >= start_us
    )
    return Figure(
        name="allocation", title="Share of new units, by arm", across="day", head="From, UTC", unit="percent",
        series=stored.experiment.arms, rows=rows, note_heads=("Why",),
    )  # fmt: skip


def belief_figure(look: Look) -> Figure:
    """What the clicks say of each arm's conversions per click: mean and 90 % interval of the posterior."""
    rows = tuple(
        Spot(x=at, label=moment(at), values=tuple(end for arm in found.arms for end in _ends(arm.belief)))
        for at, found in look.at
    )
    return Figure(
        name="belief", title="Conversions per click, as believed, with 90 % intervals", across="day", head="By, UTC",
        unit="percent", series=_threes(tuple(arm.arm for arm in look.newest.arms)), rows=rows, banded=True,
    )  # fmt: skip


def difference_figures(look: Look) -> tuple[Figure, ...]:
    """Each arm against the first, in percent of the first's figure; nothing before both have enough units."""
    names = tuple(arm.arm for arm in look.newest.arms[1:])
    found = []
    for place, (figure, (_, name, _, _)) in enumerate(WORDS.items()):
        rows = tuple(Spot(x=at, label=moment(at), values=_apart(results, figure)) for at, results in look.at)
        if any(value is not None for row in rows for value in row.values):
            title = f"{name.capitalize()} against {look.newest.arms[0].arm}, with 95 % intervals"
            found.append(
                Figure(
                    name=f"apart-{place}", title=title, across="day", head="By, UTC", unit="percent",
                    series=_threes(names), rows=rows, banded=True,
                )
            )  # fmt: skip
    return tuple(found)


def _apart(found: Results, figure: str) -> tuple[float | None, ...]:
    base = found.arms[0]
    whole = base.estimates[figure].value
    values: list[float | None] = []
    for arm in found.arms[1:]:
        if min(arm.units, base.units) >= ENOUGH and whole > 0:
            values += [None if end is None else end / whole for end in _ends(arm.differences[figure])]
        else:
            values += NOWHERE
    return tuple(values)


def _ends(one: Estimate) -> tuple[float | None, float | None, float | None]:
    return (one.value, one.low, one.high) if math.isfinite(one.high - one.low) else NOWHERE


def _threes(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(told for name in names for told in (name, f"{name}, low", f"{name}, high"))
