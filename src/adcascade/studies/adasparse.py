"""Does a sparse sub-network a scenario help the small ones, leave similar ones alone, and save what it prunes?

Two regimes of one world (adasparse_world.py): scenes that differ, and scenes that are all but the same. Every row is
learned from the same impressions in one pass by the same recipe, the best one of the mixed MLP and of AdaSparse on
seeds from 1000 on, and judged by true probabilities: gauc is the mean of the scenes' AUC by their share of the
traffic, small4 that of the four small scenes. An MLP a scene with a common table shows how much there is to gain.
On public logs the labels are clicks.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.learning.model import Shape
from adcascade.nn.pruner import Form, PrunerConfig, Sees
from adcascade.ranking.adasparse import AdaSparse, AdaSparseConfig
from adcascade.studies.adasparse_models import Heads, Mixed, RandomMasks, Separate
from adcascade.studies.adasparse_real import REAL, RealSet, halves
from adcascade.studies.adasparse_runs import ADS, TABLE, Make, Numbers, aucs, sparsity, timed, train
from adcascade.studies.adasparse_world import ROWS, SHAPE, SHARES, SMALL, Regime, World
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set

HIDDEN = (64, 32)
DIFFERENT = Regime(name="different", keep=0.5, delta=1.0, rows=240_000)
SIMILAR = Regime(name="similar", keep=0.95, delta=0.1, rows=60_000)
SIZE: dict[Scale, float] = {"tiny": 1 / 60, "small": 1.0, "full": 4.0}  # of the regimes' rows
JUDGED = 15_000  # impressions of each scene
PASSES = 3  # over a public log; the simulated ones are seen once
REAL_ROWS: dict[Scale, int] = {"tiny": 0, "small": 60_000, "full": 1_000_000}
OFF = (0.0, 0.0)


def paper(form: Form = "fusion", sees: Sees = "both", **config: tuple[float, float]) -> Make:
    """AdaSparse with the paper's pruner, which sees [e_d; h]; the regulariser is on unless strength=(0, 0)."""
    made = AdaSparseConfig(hidden=HIDDEN, pruner=PrunerConfig(form=form, sees=sees), **config)
    return partial(AdaSparse, config=made)


def by_scenario(**config: tuple[float, float]) -> AdaSparseConfig:
    """AdaSparse whose masks depend on the scene alone, so that it folds; sharper, for e_d alone moves slowly."""
    return AdaSparseConfig(hidden=HIDDEN, pruner=PrunerConfig(threshold=0.5), alpha=(2.0, 10.0), **config)


MAIN: dict[str, tuple[Role, Make]] = {
    "fusion + reg": ("method", partial(AdaSparse, config=by_scenario())),
    "fusion + reg, by sample": ("method", paper()),
    "mixed MLP": ("baseline", partial(Mixed, hidden=HIDDEN)),
}
SIMULATED: dict[str, tuple[Role, Make]] = MAIN | {
    "a head a scene": ("baseline", partial(Heads, hidden=HIDDEN)),
    "an MLP a scene": ("oracle", partial(Separate, hidden=HIDDEN)),
}
ABLATIONS: dict[str, tuple[Role, Make]] = {
    "fusion, by sample": ("method", paper(strength=OFF)),
    "binarisation, by sample": ("method", paper("binarisation", strength=OFF)),
    "scaling, by sample": ("method", paper("scaling", strength=OFF)),
    "pruner without e_d": ("ablation", paper(sees="hidden")),
    "α = 1, by sample": ("ablation", paper(alpha=(1.0, 1.0))),
}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """All regimes, then the public logs that are there."""
    rows: list[Row] = []
    for regime, makes in ((DIFFERENT, SIMULATED | ABLATIONS), (SIMILAR, SIMULATED)):
        sized = replace(regime, rows=round(regime.rows * SIZE[scale]))
        runs = [learned(sized, makes, seed, clock=scale != "tiny") for seed in seeds]
        roles = {name: role for name, (role, _) in makes.items()} | {"random masks": "ablation"}
        rows += [row(f"{regime.name}: {name}", roles[name], [run[name] for run in runs]) for name in runs[0]]
    found = [real for real in REAL if REAL_ROWS[scale] and has_set(data, real.name)]
    for real in found:
        rows += real_rows(real, data, seeds, REAL_ROWS[scale])
    return Result(
        slug="adasparse",
        paper="arXiv 2206.13108",
        data=", ".join(["simulated scenes", *(real.title for real in found)]),
        scale=scale,
        seeds=seeds,
        metric="gauc",
        rows=tuple(rows),
        claims=claims_of({one.name: one for one in rows}),
        seconds=0.0,
        notes=(
            "weights: what the folded graphs hold of the unfolded one's matrices, mean of the scenes; it is counted, "
            "and so are the multiply-adds of an ad",
            f"us: microseconds to score {ADS} ads with the folded graph of the largest scene, us whole: with the "
            "unfolded one, in turns on one thread; no claim rests on a clock",
            *(absent(real.name, real.source) for real in REAL if REAL_ROWS[scale] and not has_set(data, real.name)),
        ),
        panels=(by_scene(rows),),
    )


def learned(regime: Regime, makes: dict[str, tuple[Role, Make]], seed: int, *, clock: bool) -> dict[str, Numbers]:
    """Every model of a regime, on the same impressions; random masks and the clock where all else is compared."""
    random = np.random.default_rng((seed, 1))
    world = World.of(regime, random)
    learn, judge = world.learn(regime.rows, random), world.judge(min(JUDGED, regime.rows), random)
    found: dict[str, Numbers] = {}
    for name, (_, make) in makes.items():
        trained = train(make, SHAPE, ROWS, learn, seed)
        each = aucs(trained, judge, len(SHARES))
        found[name] = quality(each, SHARES, SMALL) | sparsity(trained)
        if clock and name == "fusion + reg" and regime.name == "different":
            found[name] |= timed(trained)
        found[name] |= by_number(each)
    if regime.name == "different":
        make = partial(RandomMasks, config=by_scenario(strength=OFF), share=found["fusion + reg"]["sparsity"])
        each = aucs(train(make, SHAPE, ROWS, learn, seed), judge, len(SHARES))
        found["random masks"] = quality(each, SHARES, SMALL) | by_number(each)
    return found


def quality(each: NDArray[np.float64], shares: NDArray[np.float64], small: NDArray[np.int64]) -> Numbers:
    """gauc of the scenes' AUC [C] by their shares [C], and small4 of the small ones."""
    return {"gauc": float(each @ shares), "small4": float(each[small].mean())}


def by_number(each: NDArray[np.float64]) -> Numbers:
    """The scenes' AUC [C] under their numbers."""
    return {f"scene {place + 1}": float(one) for place, one in enumerate(each)}


def real_rows(real: RealSet, data: Path, seeds: tuple[int, ...], rows: int) -> list[Row]:
    """The main models on a public log, another cut of it for each seed."""
    table = real.read(data / real.name)
    runs: dict[str, list[Numbers]] = {name: [] for name in MAIN}
    for seed in seeds:
        encoder, learn, judge = halves(real, table, rows, seed)
        shares = np.bincount(judge.batch.scenario - 2) / len(judge)
        small = np.argsort(shares)[:4]
        shape = Shape.of(encoder, TABLE.width, matching=False)
        for name, (_, make) in MAIN.items():
            each = aucs(train(make, shape, encoder.rows, learn, seed, passes=PASSES), judge, len(shares))
            runs[name].append(quality(each, shares, small))
    return [row(f"{real.title}: {name}", MAIN[name][0], values) for name, values in runs.items()]


def claims_of(rows: dict[str, Row]) -> tuple[Claim, ...]:
    """What the method promises: better where scenes differ, harmless where they do not, and cheaper."""
    folds, whole, mixed = (rows[f"different: {name}"] for name in MAIN)
    folds_alike, whole_alike, mixed_alike = (rows[f"similar: {name}"] for name in MAIN)
    fusion = rows["different: fusion, by sample"]
    promised = [
        claim
        for name, method in (("fusion + reg", folds), ("fusion + reg, by sample", whole))
        for claim in (
            gain(f"scenes differ: {name} above the mixed MLP by 0.3 point", "gauc", method, mixed, at_least=0.003),
            gain(f"scenes differ: {name} above it by 0.8 point on small ones", "small4", method, mixed, at_least=0.008),
        )
    ]
    return (
        *promised,
        no_worse("scenes alike: fusion + reg within 0.05 point of it", "gauc", folds_alike, mixed_alike, margin=0.0005),
        no_worse("scenes alike: by sample within 0.05 point of it", "gauc", whole_alike, mixed_alike, margin=0.0005),
        reaches("at least 10 % of the neurons are cut", "sparsity", folds, at_least=0.10),
        reaches("at most 25 % of the neurons are cut", "sparsity", folds, at_most=0.25),
        reaches("a folded graph holds at most 85 % of the weights", "weights", folds, at_most=0.85),
        gain("fusion above masks by chance of the same share", "gauc", folds, rows["different: random masks"]),
        gain("fusion above binarisation", "gauc", fusion, rows["different: binarisation, by sample"]),
        gain("fusion above scaling", "gauc", fusion, rows["different: scaling, by sample"]),
        gain("the pruner must see the scene", "gauc", whole, rows["different: pruner without e_d"]),
        gain("α grows: better than α = 1", "gauc", whole, rows["different: α = 1, by sample"]),
    )


def gained(method: Row, base: Row, metric: str) -> float:
    """Mean gain in points."""
    return 100 * float(np.mean(method.values[metric]) - np.mean(base.values[metric]))


def by_scene(rows: list[Row]) -> Panel:
    """AUC above the mixed MLP's scene by scene, from the largest to the smallest, where scenes differ."""
    of = {one.name: one for one in rows}
    base = of["different: mixed MLP"]
    names = [f"scene {place + 1}" for place in range(len(SHARES))]
    lines = tuple(
        Line(
            name=name,
            x=tuple(float(place + 1) for place in range(len(SHARES))),
            y=tuple(gained(of[f"different: {name}"], base, scene) for scene in names),
        )
        for name in ("fusion + reg", "fusion + reg, by sample", "a head a scene", "an MLP a scene", "random masks")
    )
    title = "Scenes differ: gain over the mixed MLP"
    return Panel(title=title, x="scene, from 50 % of the traffic to 1 %", y="AUC points", lines=lines)
