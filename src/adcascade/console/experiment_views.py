"""Views of experiments: what the store, the log and this process say, as tables and words; no HTTP, no file."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from adcascade.console.table import Asked, Column, Table, page_of
from adcascade.console.words import UNKNOWN, moment, money, number, percent
from adcascade.experiments.experiment import Experiment, Variant
from adcascade.experiments.intervals import Estimate
from adcascade.experiments.looking_back import Look
from adcascade.experiments.planning import RELATIVE
from adcascade.experiments.power import units_for
from adcascade.experiments.results import FIGURES, ArmResult, Results
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import EVENTS, WORDS, Verdict, rounded
from adcascade.settings import Settings

Tone = Literal["good", "bad", ""]

COLUMNS = (
    Column(name="name", label="Experiment"),
    Column(name="since", label="Since, UTC"),
    Column(name="arms", label="Arms: shares of new units", sortable=False),
    Column(name="kind", label="Kind"),
    Column(name="verdict", label="So far", sortable=False),
)
TONES: dict[str, Tone] = {"running": "good", "in trouble": "bad"}
VERDICT_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "broken": "bad"}
PER = 1000  # requests that revenue is told for
MONEY = "billed micros per request"
DAY_US = 86_400_000_000


class HereArm(msgspec.Struct, frozen=True):
    """An arm in this process. requests: since the process took the experiment up."""

    arm: str
    requests: int
    share: float = msgspec.field(name="share of new units")


class Here(msgspec.Struct, frozen=True):
    """What this process says (cascade/split.py)."""

    running: str = ""
    trouble: str = ""
    arms: tuple[HereArm, ...] = ()


class ExperimentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list. looked: there may be results."""

    name: str
    state: str
    tone: Tone
    since: str
    arms: str
    kind: str
    looked: bool


class SoFar(msgspec.Struct, frozen=True, kw_only=True):
    """The last cell of a line, asked for by itself."""

    units: str
    summary: str
    tone: Tone


class ArmRow(msgspec.Struct, frozen=True, kw_only=True):
    """An arm: what it changes, in words, and the share of the units to come."""

    arm: str
    share: str
    changes: tuple[str, ...]
    bundle: str  # "": no other than the one that serves


class Cell(msgspec.Struct, frozen=True):
    """A figure, and below it the ends of its interval."""

    value: str
    ends: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the results: a figure of every arm. strong: some arm differs from the first."""

    name: str
    cells: tuple[Cell, ...]
    strong: bool = False


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on in this process."""

    name: str
    state: str
    tone: Tone
    trouble: str
    arms: tuple[HereArm, ...]

    @property
    def waits(self) -> bool:
        """Whether there is something to wait for."""
        return self.state in {"running", "waiting", "in trouble"}


def here_of(told: Mapping[str, object]) -> Here:
    """From what a backend says of its experiment."""
    return msgspec.convert(told, Here)


def state_of(stored: Stored, here: Here) -> str:
    """In a word; a running experiment may wait for this process to take it up, or be kept from it."""
    if stored.status != "running":
        return stored.status
    if here.trouble:
        return "in trouble"
    return "running" if here.running == stored.experiment.name and here.arms else "waiting"


def live_of(stored: Stored, here: Here) -> Live:
    """Of one experiment."""
    state = state_of(stored, here)
    own = here.running == stored.experiment.name and stored.status == "running"
    return Live(
        name=stored.experiment.name, state=state, tone=TONES.get(state, ""),
        trouble=here.trouble if state == "in trouble" else "", arms=here.arms if own else (),
    )  # fmt: skip


# ---- the list


def kind_of(experiment: Experiment) -> str:
    """Fixed or adaptive, and who is a unit."""
    how = f"adaptive, floor {percent(experiment.floor, 0)}" if experiment.adaptive else "fixed"
    return f"{experiment.unit}s, {how}"


def shares_of(stored: Stored) -> str:
    """Every arm with its share of the units to come."""
    pairs = zip(stored.experiment.arms, stored.allocations[-1].shares, strict=True)
    return ", ".join(f"{arm} {percent(share, 0)}" for arm, share in pairs)


def row_of(stored: Stored, here: Here) -> ExperimentRow:
    """As a line."""
    state = state_of(stored, here)
    return ExperimentRow(
        name=stored.experiment.name, state=state, tone=TONES.get(state, ""), since=moment(stored.statuses[-1][1]),
        arms=shares_of(stored), kind=kind_of(stored.experiment), looked=ran(stored),
    )  # fmt: skip


def ran(stored: Stored) -> bool:
    """Whether it ever had traffic."""
    return any(status == "running" for status, _, _ in stored.statuses)


def table_of(found: Sequence[Stored], asked: Asked, here: Here) -> Table:
    """All experiments."""

    def value(stored: Stored, column: str) -> str | float:
        match column:
            case "since":
                return stored.statuses[-1][1]
            case "kind":
                return kind_of(stored.experiment)
            case _:
                return stored.experiment.name

    def words(stored: Stored) -> str:
        return f"{stored.experiment.name} {state_of(stored, here)} {shares_of(stored)} {kind_of(stored.experiment)}"

    page, cursor, total = page_of(found, asked, value, lambda stored: stored.experiment.name, words)
    rows: list[msgspec.Struct] = [row_of(stored, here) for stored in page]
    return Table(
        name="experiments", caption="Experiments", columns=COLUMNS, rows=rows, asked=asked, url="/experiments",
        rows_url="/experiment-rows", after=cursor, total=total,
        empty="Nothing here." if found else "No experiment yet: all traffic is answered alike.",
    )  # fmt: skip


def so_far(stored: Stored, found: Results, verdict: Verdict) -> SoFar:
    """The verdict in one sentence, with how many came."""
    units, requests = sum(arm.units for arm in found.arms), sum(arm.counts["requests"] for arm in found.arms)
    told = f"{number(requests, 0)} requests"
    if stored.experiment.unit == "user":
        told = f"{number(units, 0)} users, {told}"
    return SoFar(units=told, summary=verdict.summary, tone=VERDICT_TONES.get(verdict.state, ""))


# ---- one experiment


def arm_rows(stored: Stored, settings: Settings) -> tuple[ArmRow, ...]:
    """The arms in words."""
    pairs = zip(stored.experiment.variants, stored.allocations[-1].shares, strict=True)
    return tuple(
        ArmRow(
            arm=variant.name, share=percent(share, 1), changes=changes_in_words(variant, settings),
            bundle=variant.bundle or "",
        )
        for variant, share in pairs
    )  # fmt: skip


def changes_in_words(variant: Variant, settings: Settings) -> tuple[str, ...]:
    """What an arm changes, each beside what holds without it."""
    told = [] if variant.bundle is None else [f"bundle {variant.bundle} answers, whichever serves"]
    for key, value in variant.settings.items():
        name, _, field = key.partition(".")
        section = getattr(settings, name, None)
        known = None if section is None else type(section).model_fields.get(field)
        if known is None:
            told.append(f"{key}: {value}")
        else:
            told.append(f"{key} ({known.description}): {value} instead of {getattr(section, field)}")
    return tuple(told) or ("nothing: as the installation is",)


def to_settings(variant: Variant) -> str:
    """The lines of adcascade.toml that make an arm the rule for everybody; "" where it changes none."""
    sections: dict[str, list[str]] = {}
    for key, value in variant.settings.items():
        name, _, field = key.partition(".")
        plain = value.replace(".", "", 1).removeprefix("-").isdigit() or value in {"true", "false"}
        sections.setdefault(name, []).append(f"{field} = {value if plain else msgspec.json.encode(value).decode()}")
    return "\n".join(line for name, lines in sections.items() for line in (f"[{name}]", *lines))


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
