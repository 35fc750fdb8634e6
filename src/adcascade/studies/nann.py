"""NANN: does a graph walk scored by a network with target attention find what brute force finds, at 5 % of its work?

Claims, on a simulated catalog of 100,000 ads whose click probabilities are known (nann_world.py), M = 100:
- the wide walk covers 95 % of the exact top M and scores 5 % of the ads at most, in a fifth of brute force's time;
- the more a model may say, the more it retrieves: two towers < a network without attention < with attention;
- the flatness loss adds a point of coverage on the narrow walk, and recall-all stays within 1 %;
- at equal work the beam walk covers more than HNSW's best-first walk;
- nearness leads: over random links the same walk finds little.
And on public logs, where an item is known by its id alone: the walk covers 95 %, and flatness raises coverage.

The narrow walks score about 0.8 % of the simulated ads and 1 to 3 % of a log's, and cover some 86 % without the
flatness loss: a walk that finds nearly everything leaves nothing to gain. They were chosen by that on seeds >= 1000,
and so was epsilon, of 0.03, 0.1, 0.3, 0.6 and 1.

Source: arXiv 2202.10226. The aux loss comes on for the second half of the steps (nann_training.py).
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adcascade.retrieval.beam_walk import WalkConfig
from adcascade.retrieval.flatness import FlatnessConfig
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.nann_judge import Found, Judge, random_graph
from adcascade.studies.nann_logs import BEAUTY, DIGINETICA, SOURCES, beauty, diginetica
from adcascade.studies.nann_training import NO_FLATNESS, Kind, Plan, trained
from adcascade.studies.nann_world import Corpus, simulated

WIDE = WalkConfig(entry_beam=100, upper_beam=200, beam=400, rounds=3)
NARROW = WalkConfig(entry_beam=10, upper_beam=10, beam=40, rounds=3)
LOG_WIDE = WalkConfig(entry_beam=50, upper_beam=50, beam=50, rounds=3)
LOG_NARROW = WalkConfig(entry_beam=10, upper_beam=10, beam=20, rounds=3)
FRONTIER = (0.125, 0.25, 0.5, 1.0)  # times the wide walk
EFS = (25, 50, 150, 400, 1000)  # of the classic walk
EPSILON = 0.3
SWEEP = (1.0,)  # beside 0 and EPSILON, for the panel alone

TOWERS, DNN = "two towers", "network without attention"
PLAIN, FLAT = "attention", "attention, flatness"
CLASSIC, LOST = "attention, flatness; classic walk", "attention, flatness; random links"
Runs = dict[str, dict[str, float]]  # by row


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is simulated, read, trained and judged."""

    ads: int
    groups: int
    users: int
    judged: int
    steps: int
    log_steps: int  # on the public logs; 0: they are left out
    log_judged: int = 80


SIZES: dict[Scale, Size] = {
    "tiny": Size(ads=2_000, groups=20, users=400, judged=6, steps=8, log_steps=0),
    "small": Size(ads=100_000, groups=400, users=30_000, judged=70, steps=600, log_steps=200),
    "full": Size(ads=1_000_000, groups=2_000, users=500_000, judged=500, steps=20_000, log_steps=20_000),
}
ROLES: dict[str, Role] = {
    TOWERS: "baseline",
    DNN: "baseline",
    PLAIN: "baseline",
    FLAT: "method",
    CLASSIC: "baseline",
    LOST: "ablation",
}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Rows, claims and panels as above."""
    size = SIZES[scale]
    logs = [name for name in (BEAUTY, DIGINETICA) if size.log_steps and has_set(data, name)]
    notes = [absent(name, source) for name, source in SOURCES.items() if name not in logs]
    runs, panels = [], []
    for place, seed in enumerate(seeds):
        corpus = simulated(seed, ads=size.ads, groups=size.groups, users=size.users, judged=size.judged)
        found, drawn = _simulated(corpus, size, seed, sweep=place == 0)
        for name in logs:
            read = beauty if name == BEAUTY else diginetica
            found |= _logged(name, read(data / name, seed, judged=size.log_judged, length=10), size, seed)
        runs.append(found)
        panels += drawn
    rows = tuple(row(name, _role(name), [run[name] for run in runs]) for name in runs[0])
    notes.append(
        "the curves are of the first seed; ms is CPU time of one request, and no claim but the ratio rests on it"
    )
    return Result(
        slug="nann",
        paper="arXiv 2202.10226",
        data=" and ".join([f"a simulated catalog of {size.ads:,} ads", *logs]),
        scale=scale,
        seeds=seeds,
        metric="recall_retrieval",
        rows=rows,
        claims=_claims({one.name: one for one in rows}, logs),
        seconds=0.0,
        notes=tuple(notes),
        panels=tuple(panels),
    )


def _simulated(corpus: Corpus, size: Size, seed: int, *, sweep: bool) -> tuple[Runs, list[Panel]]:
    """All rows of the simulated catalog, and the curves where they are wanted."""
    runs: Runs = {}
    lone: tuple[tuple[str, Kind, float], ...] = ((TOWERS, "two_tower", 1e-3), (DNN, "dnn", 3e-3))
    for name, kind, rate in lone:
        (matcher,) = trained(corpus, kind, Plan(steps=size.steps, rate=rate, softmax=True), seed)
        runs[name] = _figures(Judge(matcher))
    plan = Plan(steps=size.steps)
    epsilons = (0.0, EPSILON, *SWEEP) if sweep else (0.0, EPSILON)
    matchers = trained(corpus, "attention", plan, seed, tuple(FlatnessConfig(epsilon=e) for e in epsilons))
    judges = [Judge(matcher) for matcher in matchers]
    runs[PLAIN], runs[FLAT] = (_figures(judge) for judge in judges[:2])
    flat = judges[1]
    classics = [flat.classic(ef) for ef in EFS]
    share = runs[FLAT]["narrow_share"]
    runs[CLASSIC] = {"narrow_coverage": _at(classics, share), "narrow_share": share}
    lost = flat.beam(WIDE, random_graph(flat.graph, seed))
    runs[LOST] = {"coverage": lost.coverage, "scored_share": lost.scored_share}
    return runs, [_frontier(flat, classics), _sweep(epsilons, judges)] if sweep else []


def _logged(name: str, corpus: Corpus, size: Size, seed: int) -> Runs:
    """The two rows of a public log."""
    plan = Plan(steps=size.log_steps)
    matchers = trained(corpus, "attention", plan, seed, (NO_FLATNESS, FlatnessConfig(epsilon=EPSILON)))
    judges = [Judge(matcher) for matcher in matchers]
    found = [_figures(judge, LOG_WIDE, LOG_NARROW) for judge in judges]
    return {f"{name}: {row}": figures for row, figures in zip((PLAIN, FLAT), found, strict=True)}


def _figures(judge: Judge, wide_walk: WalkConfig = WIDE, narrow_walk: WalkConfig = NARROW) -> dict[str, float]:
    """The metrics of one matcher."""
    wide, narrow = judge.beam(wide_walk), judge.beam(narrow_walk)
    return {
        "recall_all": judge.recall_all,
        "recall_retrieval": wide.recall_retrieval,
        "coverage": wide.coverage,
        "scored_share": wide.scored_share,
        "narrow_coverage": narrow.coverage,
        "narrow_share": narrow.scored_share,
        "ms": wide.ms,
        "times_faster": judge.ms / wide.ms,
        "log_recall_all": math.log(max(judge.recall_all, 1e-6)),
    }


def _at(found: list[Found], share: float) -> float:
    """The coverage of a walk at a share of ads scored, between the measured ones."""
    return float(np.interp(share, [one.scored_share for one in found], [one.coverage for one in found]))


def _frontier(judge: Judge, classics: list[Found]) -> Panel:
    beams = [judge.beam(WIDE.times(factor)) for factor in FRONTIER]
    lines = (("beam walk", beams), ("classic walk", classics))
    return Panel(
        title="coverage by work",
        x="share of the ads scored",
        y="coverage of the exact top 100",
        lines=tuple(
            Line(name=name, x=tuple(one.scored_share for one in found), y=tuple(one.coverage for one in found))
            for name, found in lines
        ),
        log_x=True,
    )


def _sweep(epsilons: tuple[float, ...], judges: list[Judge]) -> Panel:
    order = sorted(range(len(epsilons)), key=epsilons.__getitem__)
    x = tuple(epsilons[i] for i in order)
    coverage = tuple(judges[i].beam(NARROW).coverage for i in order)
    recall = tuple(judges[i].recall_all / judges[0].recall_all for i in order)
    return Panel(
        title="how far the perturbation goes",
        x="epsilon, in standard deviations of e_v",
        y="share",
        lines=(
            Line(name="coverage of the narrow walk", x=x, y=coverage),
            Line(name="recall-all / that at epsilon 0", x=x, y=recall),
        ),
    )


def _role(name: str) -> Role:
    return ROLES[name.partition(": ")[2] or name]


def _claims(rows: dict[str, Row], logs: list[str]) -> tuple[Claim, ...]:
    flat, plain = rows[FLAT], rows[PLAIN]
    simulated_claims = (
        reaches("the wide walk covers 95 % of the exact top", "coverage", flat, at_least=0.95),
        reaches("the wide walk scores 5 % of the ads at most", "scored_share", flat, at_most=0.05),
        reaches("the wide walk takes a fifth of brute force's time", "times_faster", flat, at_least=5.0),
        gain("a network retrieves more than two towers", "recall_all", rows[DNN], rows[TOWERS]),
        gain("attention retrieves more than two towers", "recall_all", plain, rows[TOWERS]),
        gain("attention retrieves more than a network without", "recall_all", plain, rows[DNN]),
        gain("flatness adds a point of coverage", "narrow_coverage", flat, plain, at_least=0.01),
        no_worse("flatness keeps recall-all within 1 %", "log_recall_all", flat, plain, margin=0.01),
        gain("beam beats the classic walk at equal work", "narrow_coverage", flat, rows[CLASSIC]),
        gain("random links lead nowhere", "coverage", flat, rows[LOST], at_least=0.3),
    )
    logged = [claim for name in logs for claim in _log_claims(name, rows)]
    return (*simulated_claims, *logged)


def _log_claims(name: str, rows: dict[str, Row]) -> tuple[Claim, ...]:
    flat, plain = rows[f"{name}: {FLAT}"], rows[f"{name}: {PLAIN}"]
    return (
        reaches(f"the walk covers 95 % of the exact top on {name}", "coverage", flat, at_least=0.95),
        gain(f"flatness raises coverage on {name}", "narrow_coverage", flat, plain),
    )
