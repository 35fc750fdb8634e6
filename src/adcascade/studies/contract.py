"""What a study is asked, and what it answers: rows of measured values, and claims about their differences.

    study(seeds, scale, data) -> Result

seeds: one run of everything per seed; the same seed means the same data, luck and answer. scale: "tiny" shows in
seconds that the code runs and proves nothing; "small" proves the claim within about five minutes on two cores; "full"
is what a GPU is for. data: the folder of public data, which may be absent (data.py).

Rules that every study keeps:
- The baseline gets the same data, tuning and budget as the method.
- Nothing is tuned on the seeds that are reported; whoever tunes does it on seeds from 1000 on.
- A claim compares values *paired by seed*. One that does not hold is reported as failing.

A Result is plain JSON (`msgspec.json.encode`), with the keys that docs/add-a-study.md lists.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Scale = Literal["tiny", "small", "full"]
Role = Literal["baseline", "method", "ablation", "oracle"]
SCALES: tuple[Scale, ...] = ("tiny", "small", "full")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was run: its values by metric, one per seed in the order of `Result.seeds`."""

    name: str
    role: Role
    values: dict[str, tuple[float, ...]]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence that can be false, with the figures that decide (claims.py makes them).

    difference: mean over the seeds, positive where it speaks for the claim; ci95: its 95 % interval, None for one seed.
    """

    says: str
    metric: str
    difference: float
    ci95: tuple[float, float] | None
    holds: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One curve of a panel."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A plot beside the rows: a sweep, a frontier, a regret over time."""

    title: str
    x: str  # label, with the unit
    y: str
    lines: tuple[Line, ...]
    log_x: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What `adcascade reproduce SLUG` prints and writes.

    data: what it was measured on; metric: the main one, by which rows are plotted; notes: sentences a reader needs
    (data that was absent, where the card was left); panels: plots beside the rows.
    """

    slug: str
    paper: str
    data: str
    scale: Scale
    seeds: tuple[int, ...]
    metric: str
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()

    def row(self, name: str) -> Row:
        """The row of that name; KeyError where there is none."""
        return {row.name: row for row in self.rows}[name]


def row(name: str, role: Role, runs: Sequence[Mapping[str, float]]) -> Row:
    """A row of what each seed measured, in order of the seeds; all must have measured the same things.

    >>> row("DIN", "baseline", [{"auc": 0.7}, {"auc": 0.8}]).values
    {'auc': (0.7, 0.8)}
    """
    if any(run.keys() != runs[0].keys() for run in runs):
        raise ValueError(f"row {name!r}: the seeds measured different things: {[sorted(run) for run in runs]}")
    return Row(name=name, role=role, values={metric: tuple(float(run[metric]) for run in runs) for metric in runs[0]})
