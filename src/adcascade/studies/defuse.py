"""Study of DEFUSE (arXiv 2202.06472): streaming conversion rates when conversions come late.

All methods begin with the same network, learn from the records of their own protocol up to minute 0 (what is later is
not known then), and stream from there: learn from the records of hour h, be judged on the clicks of hour h + 1 by
their true labels and rates. The auxiliary model knows the clicks that had settled at minute 0, and once a day it learns
from those that settled since: it is always a whole attribution window behind.

Two streams: delays as modelled (defuse_world.py), and delays drawn from those of real installs after ad clicks
(talkingdata_clicks: 207 of them), both with known rates.
"""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adcascade.metrics import auc, log_loss
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Row, Scale, row
from adcascade.studies.data import absent, data_set, has_set
from adcascade.studies.defuse_methods import BATCH, METHODS, Learner, learn_auxiliaries
from adcascade.studies.defuse_world import DAY, MINUTES, Clicks, draw_clicks

DATA_SET = "talkingdata_clicks"
SOURCE = "TalkingData AdTracking (the sample of 100,000 clicks)"
SIZES = {
    "tiny": (4, 3, 60),
    "small": (12, 6, 500),
    "full": (60, 30, 5000),
}  # days, of these before minute 0, clicks/hour
STEPS = 4  # of every method in an hour of the stream
MODELLED = (MINUTES, 2 * DAY)  # observation and attribution window, minutes
REAL = (MINUTES // 2, DAY)

Floats = NDArray[np.float64]
Runs = dict[str, list[dict[str, float]]]


def judged(clicks: Clicks, predicted: Floats, begin: int) -> dict[str, float]:
    """Over the streamed hours: NLL and AUC by the true labels, and how far the total is off the true rates."""
    label = (clicks.delay[begin:] >= 0).astype(np.float64)
    rate = clicks.rate[begin:]
    total = float(predicted.sum() / rate.sum())
    return {
        "nll": log_loss(label, predicted),
        "auc": auc(label, predicted),
        "total": total,
        "off": abs(total - 1),
        "error": float(np.abs(predicted - rate).mean()),
    }


def stream(clicks: Clicks, windows: tuple[int, int], seed: int) -> tuple[dict[str, Floats], int]:
    """What each method said of the clicks of each hour before learning from it; the place of the first such click."""
    auxiliaries = learn_auxiliaries(clicks, windows, int(clicks.time[-1]) // DAY + 1, seed)
    hours = range(0, int(clicks.time[-1]) + 1 - MINUTES, MINUTES)
    edges = np.searchsorted(clicks.time, [hour + MINUTES for hour in (*hours, hours[-1] + MINUTES)])
    past = max(int((clicks.time < 0).sum()) // BATCH, 1)  # steps of an epoch before minute 0
    said = {}
    for method in METHODS:
        learner = Learner.of(method, clicks, auxiliaries, windows, seed)
        learner.learn(int(clicks.time[0]) + windows[1], 0, past)
        parts = []
        for hour, begin, end in zip(hours, edges[:-1], edges[1:], strict=True):
            learner.learn(hour, hour + MINUTES, STEPS)
            parts.append(learner.predict(slice(begin, end)))
        said[method.name] = np.concatenate(parts).astype(np.float64)
    return said, int(edges[0])


def rows_of(seeds: tuple[int, ...], scale: Scale, delays: Floats | None, prefix: str = "") -> tuple[list[Row], Panel]:
    """Every method on one kind of delays; and the totals by day."""
    days, before, per_hour = SIZES[scale]
    windows = MODELLED if delays is None else REAL
    found: Runs = {method.name: [] for method in METHODS}
    totals: dict[str, list[Floats]] = {name: [] for name in found}
    for seed in seeds:
        clicks = draw_clicks(seed, days=days, per_hour=per_hour, begin=before, attribution=windows[1], delays=delays)
        within = (clicks.delay >= 0) & (clicks.delay <= windows[1])
        clicks = Clicks(clicks.x, clicks.time, np.where(within, clicks.delay, -1), clicks.rate)
        said, begin = stream(clicks, windows, seed)
        day = clicks.time[begin : begin + len(said["oracle"])] // DAY
        rate = np.bincount(day, clicks.rate[begin : begin + len(day)])
        for name, predicted in said.items():
            found[name].append(judged(clicks, predicted, begin))
            totals[name].append(np.bincount(day, predicted) / rate)
    rows = [row(prefix + method.name, method.role, found[method.name]) for method in METHODS]
    shown = ("Vanilla", "Vanilla-Win", "ES-DFM", "DEFUSE", "Bi-DEFUSE", "oracle")
    lines = tuple(_line(name, np.mean(totals[name], axis=0)) for name in shown)
    return rows, Panel(title=f"{prefix}predicted over true conversions", x="day of the stream", y="ratio", lines=lines)


def _line(name: str, values: Floats) -> Line:
    return Line(name=name, x=tuple(float(day) for day in range(len(values))), y=tuple(values.tolist()))


def claims_of(rows: list[Row], place: str) -> list[Claim]:
    """What holds on one kind of delays."""
    of = {one.name.removeprefix(f"{place}: "): one for one in rows}
    defuse, bi = of["DEFUSE"], of["Bi-DEFUSE"]
    said = f"{place}: " if place else ""
    better = [
        gain(f"{said}DEFUSE is better than {name}", "nll", defuse, of[name], lower_is_better=True)
        for name in ("Vanilla", "Vanilla-Win", "waiting for the window", "FNW", "FNC")
    ]
    return [
        *better,
        no_worse(
            f"{said}DEFUSE is no worse than ES-DFM", "nll", defuse, of["ES-DFM"], margin=5e-4, lower_is_better=True
        ),
        gain(f"{said}Bi-DEFUSE is better than DEFUSE", "nll", bi, defuse, lower_is_better=True),
        gain(
            f"{said}nobody beats the oracle: it is better than DEFUSE",
            "nll",
            of["oracle"],
            defuse,
            lower_is_better=True,
        ),
        reaches(f"{said}DEFUSE's total is within 3 %", "off", defuse, at_most=0.03),
        reaches(f"{said}Bi-DEFUSE's total is within 3 %", "off", bi, at_most=0.03),
        reaches(f"{said}Vanilla predicts at least 10 % too little", "total", of["Vanilla"], at_most=0.9),
        gain(f"{said}taking fake negatives for real ones (z = 0) predicts less", "total", defuse, of["DEFUSE, z = 0"]),
        gain(f"{said}the released loss predicts far too much", "total", of["the released loss"], defuse, at_least=0.3),
    ]


def real_delays(data: Path) -> Floats:
    """Hours from click to install of the TalkingData clicks that led to one."""
    table = pq.read_table(
        data_set(data, DATA_SET, SOURCE) / "clicks.parquet", columns=["click_time", "attributed_time"]
    )
    table = table.filter(pc.greater(pc.utf8_length(pc.fill_null(table["attributed_time"], "")), 0))
    bought = pc.strptime(table["attributed_time"], format="%Y-%m-%d %H:%M:%S", unit="us")
    wait = pc.subtract(bought, table["click_time"]).cast("int64").to_numpy()
    return np.asarray(wait / 3.6e9, np.float64)


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Both kinds of delays."""
    rows, panel = rows_of(seeds, scale, None)
    claims, panels, notes = claims_of(rows, ""), [panel], []
    if has_set(data, DATA_SET):
        real, second = rows_of(seeds, scale, real_delays(data), "real delays: ")
        claims += claims_of(real, "real delays")
        rows += real
        panels.append(second)
    else:
        notes.append(absent(DATA_SET, SOURCE))
    return Result(
        slug="defuse",
        paper="arXiv 2202.06472",
        data="simulated stream with drifting rates and delays" + ("" if notes else "; real click-to-install delays"),
        scale=scale,
        seeds=seeds,
        metric="nll",
        rows=tuple(rows),
        claims=tuple(claims),
        seconds=0.0,
        notes=tuple(notes),
        panels=tuple(panels),
    )
