"""A study of nothing, for the laws that hold whatever is studied."""

from pathlib import Path

import numpy as np

from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Line, Panel, Result, Scale, row
from adcascade.studies.entry import Entry

COIN = Entry(title="A loaded coin", paper="none", room="metrics", where=f"{__name__}:coin")


def coin(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Heads of a loaded and of a fair coin."""
    fair = row("fair", "baseline", [{"heads": np.random.default_rng(s).normal(0.5, 0.01)} for s in seeds])
    loaded = row("loaded", "method", [{"heads": np.random.default_rng(s).normal(0.7, 0.01)} for s in seeds])
    return Result(
        slug="coin",
        paper="none",
        data="simulated",
        scale=scale,
        seeds=seeds,
        metric="heads",
        rows=(fair, loaded),
        claims=(
            gain("the loaded coin shows more heads", "heads", loaded, fair, at_least=0.1),
            no_worse("the fair coin is no worse", "heads", fair, loaded, margin=0.01),
            reaches("seven of ten", "heads", loaded, at_least=0.65),
        ),
        seconds=0.0,
        notes=("a coin has no memory",),
        panels=(Panel(title="heads", x="toss", y="share", lines=(Line(name="loaded", x=(1, 2), y=(0.5, 0.7)),)),),
    )
