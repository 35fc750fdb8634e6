"""Figures of a run of the market: sums of each policy by tick, and what follows from them.

    rpm      1000 charged / views           welfare   1000 (true clicks' worth) / views
    share    welfare / the oracle's         d_h       (p_h - oracle_h) 1000 H / views, of each of H hours

All policies meet the same page views with the same luck, so that differences are paired by the hour; the mean of d_h is
the difference of the two figures, and its 95 % interval is Student's.
"""

from collections.abc import Mapping, Sequence

import msgspec

from adcascade.metrics.student import interval

MICROS = 1e6
TICKS_PER_HOUR = 6
ORACLE = "oracle"


class Sums(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one policy did; they may be added. truth: true click probabilities of what was shown; money in micros."""

    impressions: int = 0
    clicks: int = 0
    conversions: int = 0
    charged: int = 0
    welfare: float = 0.0
    truth: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a run has got. tick: of the market, with the sums of its `views` by policy; -1: nothing was measured."""

    phase: str
    done: int
    of: int
    tick: int = -1
    views: int = 0
    sums: dict[str, Sums] = {}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A policy in figures. rpm, welfare: per thousand page views, USD; spend: USD; share: of the oracle's welfare."""

    rpm: float
    welfare: float
    true_ctr: float | None
    ctr: float | None
    cvr: float | None
    spend: float
    impressions: int
    clicks: int
    conversions: int
    share: float | None


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """A difference to the oracle, and its 95 % interval over hours; None where there is one hour."""

    mean: float
    low: float | None
    high: float | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found. beside: policy -> figure -> difference to the oracle; cascade: its funnel and predictions."""

    views: int
    hours: int
    policies: dict[str, Figures]
    beside: dict[str, dict[str, Beside]]
    cascade: "Cascade | None" = None


class Cascade(msgspec.Struct, frozen=True, kw_only=True):
    """What only a cascade has: stages as `adcascade simulate` tells them, predictions against what happened."""

    stages: list[dict[str, float | str | None]]  # None: not a number
    prediction: dict[str, float | None]
    overspend_micros: int
    budget_use: float


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Some ticks together. tick: the first."""

    tick: int
    views: int
    sums: dict[str, Sums]


def spans(steps: Sequence[Step], ticks: int) -> list[Span]:
    """The measured steps in spans of so many ticks, counted from the first measured one."""
    measured = [step for step in steps if step.tick >= 0]
    found: list[Span] = []
    for step in measured:
        tick = step.tick - (step.tick - measured[0].tick) % ticks
        if found and found[-1].tick == tick:
            found[-1] = Span(tick=tick, views=found[-1].views + step.views, sums=added(found[-1].sums, step.sums))
        else:
            found.append(Span(tick=tick, views=step.views, sums=step.sums))
    return found


def added(a: Mapping[str, Sums], b: Mapping[str, Sums]) -> dict[str, Sums]:
    """Policy by policy."""
    return {name: a.get(name, Sums()) + one for name, one in b.items()}


def ratio(above: float, below: float) -> float | None:
    """above / below; None where there is nothing to divide by."""
    return above / below if below else None


def per_thousand(micros: float, views: int) -> float:
    """Micros of so many page views, in USD per thousand of them."""
    return micros / MICROS * 1000 / max(views, 1)


def figures_of(one: Sums, views: int, best: Sums | None) -> Figures:
    """A policy's sums in figures. best: the oracle's."""
    return Figures(
        rpm=per_thousand(one.charged, views),
        welfare=per_thousand(one.welfare, views),
        true_ctr=ratio(one.truth, one.impressions),
        ctr=ratio(one.clicks, one.impressions),
        cvr=ratio(one.conversions, one.clicks),
        spend=one.charged / MICROS,
        impressions=one.impressions,
        clicks=one.clicks,
        conversions=one.conversions,
        share=None if best is None else ratio(one.welfare, best.welfare),
    )


def result_of(steps: Sequence[Step], cascade: Cascade | None = None) -> Result:
    """What the measured steps say; also of a run that still goes on."""
    hours = spans(steps, TICKS_PER_HOUR)
    whole: dict[str, Sums] = {}
    for hour in hours:
        whole = added(whole, hour.sums)
    views = sum(hour.views for hour in hours)
    best = whole.get(ORACLE)
    others = [name for name in whole if name != ORACLE and best is not None]
    return Result(
        views=views,
        hours=len(hours),
        policies={name: figures_of(one, views, best) for name, one in whole.items()},
        beside={name: _beside(hours, name, views) for name in others},
        cascade=cascade,
    )


def _beside(hours: Sequence[Span], name: str, views: int) -> dict[str, Beside]:
    """Paired by the hour."""
    scale = views / len(hours)
    found = {}
    for figure, column in (("rpm", "charged"), ("welfare", "welfare")):
        d = [
            (getattr(hour.sums[name], column) - getattr(hour.sums[ORACLE], column)) / MICROS * 1000 / max(scale, 1)
            for hour in hours
        ]
        low, high = interval(d) or (None, None)
        found[figure] = Beside(mean=sum(d) / len(d), low=low, high=high)
    return found


def sentence(result: Result) -> str:
    """What a run says, in words; nothing yet: "".

    The best of the others is named first, by welfare: what the clicks are worth to the advertisers.
    """
    others = sorted(result.beside, key=lambda name: -result.policies[name].welfare)
    if not others:
        return ""
    shares = [f"{name} {100 * (result.policies[name].share or 0.0):.0f} %" for name in others]
    told = f"Of what the oracle's choice is worth to advertisers, this is reached: {_and(shares)}"
    best, gap = others[0], result.beside[others[0]]["welfare"]
    if gap.low is None or gap.high is None:
        return f"{told}. One hour says nothing of chance yet."
    if gap.low <= 0 <= gap.high:
        return f"{told}. Over {result.hours} hours, {best} and the oracle cannot be told apart."
    side = "less" if gap.mean < 0 else "more"
    low, high = sorted((abs(gap.low), abs(gap.high)))
    between = f"95 % interval {low:,.2f} to {high:,.2f}, over {result.hours} hours"
    says = f"{best.capitalize()} brings {abs(gap.mean):,.2f} USD {side} than the oracle per thousand page views"
    return f"{told}. {says} ({between})."


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
