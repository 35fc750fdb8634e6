"""Views of experiments: what the store, the log and this process say, as tables and words; no HTTP, no file."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from adcascade.console.table import Asked, Column, Table, page_of
from adcascade.console.words import moment, number, percent
from adcascade.experiments.experiment import Experiment, Variant
from adcascade.experiments.results import Results
from adcascade.experiments.store import Stored
from adcascade.experiments.verdict import Verdict
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
