"""Numbers of a study as text, the same in the terminal and in docs/results.md."""

from collections.abc import Sequence

import numpy as np

from adcascade.studies.contract import Claim, Result, Row


def metrics_of(result: Result) -> list[str]:
    """All metrics, the main one first, then in order of appearance."""
    found = [result.metric]
    for row in result.rows:
        found += [metric for metric in row.values if metric not in found]
    return found


def cell(row: Row, metric: str) -> str:
    """Mean and, over several seeds, their standard deviation; empty where the row has no such metric."""
    if metric not in row.values:
        return ""
    values = np.array(row.values[metric])
    spread = f" ± {number(float(values.std(ddof=1)))}" if len(values) > 1 else ""
    return number(float(values.mean())) + spread


def number(value: float) -> str:
    """Four digits after the point for what is small, fewer for what is large.

    >>> [number(x) for x in (0.76543, 12.345, 6543.21, 0.00001234, 0.0)]
    ['0.7654', '12.35', '6,543', '1.2e-05', '0']
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size < 5e-4:
        return f"{value:.1e}"
    if size < 2:
        return f"{value:.4f}"
    return f"{value:.2f}" if size < 1000 else f"{value:,.0f}"


def verdict(claim: Claim) -> str:
    """`holds` or `fails`."""
    return "holds" if claim.holds else "fails"


def interval_text(claim: Claim) -> str:
    """The difference with its 95 % interval.

    >>> interval_text(Claim(says="", metric="auc", difference=0.02, ci95=(0.01, 0.03), holds=True))
    '+0.0200 [+0.0100, +0.0300]'
    """
    if claim.ci95 is None:
        return f"{_signed(claim.difference)} (one seed: no interval)"
    return f"{_signed(claim.difference)} [{_signed(claim.ci95[0])}, {_signed(claim.ci95[1])}]"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds as they would be asked for; a long run of them is shortened.

    >>> seeds_text((0, 1, 2)), seeds_text(range(100))
    ('0, 1, 2', '0 to 99')
    """
    if len(seeds) > 5 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
