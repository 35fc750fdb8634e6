"""What the start of an experiment brings, in sentences: who gets what, and how long it takes to see a difference."""

from collections.abc import Sequence

from adcascade.console.words import number, percent
from adcascade.experiments.experiment import Experiment
from adcascade.experiments.planning import Traffic
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import WORDS, rounded

HOUR_US = 3_600_000_000
MOST_DAYS = 10_000  # more is never


def plan_of(stored: Stored, traffic: Traffic | None, control_s: float) -> tuple[str, ...]:
    """traffic: of the newest part of the log, None where there is none; control_s: between two steps of an adaptive
    one."""
    experiment, shares = stored.experiment, stored.allocations[-1].shares
    unit = experiment.unit
    each = ", ".join(f"{percent(share, 1)} '{arm}'" for arm, share in zip(experiment.arms, shares, strict=True))
    told = [
        "Running servers take it up within a second or two; where an arm cannot be loaded, nothing is divided.",
        f"Chance gives new {unit}s: {each}.",
    ]
    if unit == "user":
        told.append("A user keeps the arm of the first visit; without consent, each request is a unit of its own.")
    if experiment.adaptive:
        told.append(
            f"Every {control_s:g} seconds the shares of new {unit}s follow the probability that an arm converts best; "
            f"none falls below {percent(experiment.floor, 0)}."
        )
    return (*told, days_in_words(experiment, shares, traffic))


def days_in_words(experiment: Experiment, shares: Sequence[float], traffic: Traffic | None) -> str:
    """How long it takes to see a difference of 5 %, or that it is not known."""
    if traffic is None or not traffic.known:
        return "How long it takes to see a difference of 5 % is not known: the log holds too little traffic of late."
    days = ", ".join(f"{_days(traffic.days(name, shares))} in {WORDS[name][1]}" for name in traffic.figures)
    begin = "With these shares a" if experiment.adaptive else "A"
    hours, pace = number(traffic.span_us / HOUR_US), number(rounded(traffic.units_a_day), 0)
    return (
        f"{begin} difference of 5 % would be seen, four times out of five, after about {days}; by the newest "
        f"{number(traffic.requests, 0)} requests, of {hours} hours: about {pace} {experiment.unit}s a day."
    )


def _days(days: float) -> str:
    """In two digits; never more than can be waited for.

    >>> _days(0.26), _days(1.0), _days(12.3), _days(float("inf"))
    ('0.3 days', '1 day', '12 days', 'more days than anybody waits')
    """
    if not days < MOST_DAYS:
        return "more days than anybody waits"
    told = f"{max(days, 0.1):.1f}".removesuffix(".0") if days < 10 else f"{rounded(days):,}"
    return f"{told} {'day' if told == '1' else 'days'}"
