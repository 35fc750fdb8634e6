"""A study as a picture: its rows by the main metric, one dot a seed, and its panels beside them."""

from pathlib import Path
from typing import Any

import numpy as np

from adcascade.errors import ConfigurationError, StoreError
from adcascade.studies.contract import Panel, Result
from adcascade.studies.text import seeds_text

MOST_ACROSS = 3  # pictures beside each other
COLOURS = {"baseline": "#7a7a7a", "method": "#c2410c", "ablation": "#2563eb", "oracle": "#15803d"}


def plot(file: Path, result: Result) -> None:
    """Draw the result into an image file; its ending chooses the format (.png, .svg, .pdf)."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ConfigurationError("plots need matplotlib: pip install 'adcascade[studies]'") from error
    shown = [row for row in result.rows if result.metric in row.values]
    parts = 1 + len(result.panels)
    across = 2 if parts == 4 else min(parts, MOST_ACROSS)
    down = -(-parts // across)
    height = max(3.2, 0.34 * len(shown) + 1.4)
    figure = Figure(figsize=(6.4 * across, height * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    _rows(axes[0], result)
    for axis, panel in zip(axes[1:], result.panels, strict=False):
        _panel(axis, panel)
    for axis in axes[parts:]:
        axis.set_visible(False)
    figure.suptitle(f"{result.slug} ({result.paper}), {result.scale}, seeds {seeds_text(result.seeds)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else {})
    except (OSError, ValueError) as error:
        raise StoreError(f"the plot could not be written to {file}: {error}") from error


def _rows(axis: Any, result: Result) -> None:
    """A line a row: its mean as a bar mark, its seeds as dots."""
    shown = [row for row in result.rows if result.metric in row.values][::-1]
    for place, row in enumerate(shown):
        values = np.array(row.values[result.metric])
        colour = COLOURS[row.role]
        axis.plot(values, np.full(len(values), place), "o", color=colour, alpha=0.45, markersize=5)
        axis.plot([values.mean()], [place], "|", color=colour, markersize=16, markeredgewidth=2.5)
    axis.set_yticks(range(len(shown)), [row.name for row in shown])
    axis.set_ylim(-0.6, len(shown) - 0.4)
    axis.set_xlabel(result.metric)
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def _panel(axis: Any, panel: Panel) -> None:
    for line in panel.lines:
        axis.plot(line.x, line.y, marker="o", markersize=3.5, linewidth=1.5, label=line.name)
    if panel.log_x:
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415  an extra

        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
