"""MBCT: calibration trees over features mend what no map of the score can (arXiv 2202.04348, WWW 2022).

Claims: the distance to the true probability is at most 0.8 of what the best map of the score leaves; AUC rises by
0.008; without features nothing is gained; k p orders better than a constant leaf, more trees are better than one;
MVCE's bias shrinks faster with the sample than that of ECE; on the public scores of Porto Seguro and Avazu nothing is
lost.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adcascade.metrics import mvce
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.mbct_methods import COMPARED, SCORE_ONLY, measured
from adcascade.studies.mbct_world import Floats, coded, real, simulated, taken

SOURCE = "github.com/Calib-MBCT/anonymous-for-my-double-blind-reivew"
ON_REAL = ("raw score", *SCORE_ONLY, "MBCT", "MBCT, nothing to earn")
LOWER = ("log_loss", "mvce")


class Size(NamedTuple):
    """How much is run at a scale: simulated rows, views of MVCE, samples of the bias table, splits of real sets."""

    rows: int
    views: int
    drawn: int
    splits: int


SIZES: dict[Scale, Size] = {
    "tiny": Size(10_000, 5, 5, 0),
    "small": Size(200_000, 20, 100, 10),
    "full": Size(2_000_000, 50, 400, 40),
}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Rows, claims and the bias table; see the head of this file."""
    size = SIZES[scale]
    rows = simulated_rows(seeds, size)
    table = bias_rows(seeds, size)
    claims = [*simulated_claims(rows), *bias_claims(table)]
    notes = [
        "a score-only map is the best if its mean over the seeds is; tce_ratio is over that one, of the same seed",
        "errors of the bias table all have one sign, which suits MVCE: random bins do not see errors that cancel",
        "MBCT is trees above a beta map, as served; the card's form is the row above the raw score",
    ]
    shown = list(rows.values())
    for name, cut in (("porto", (20_000, "test_first_half", "")), ("avazu", (8_000, "train", "test_first_half"))):
        folder = f"calibration_{name}_mbct"
        if not has_set(data, folder):
            notes.append(absent(folder, SOURCE))
        elif size.splits:
            found = real_rows(seeds, size, data / folder, name, cut)
            shown += found.values()
            claims += real_claims(name, found)
    return Result(
        slug="mbct",
        paper="arXiv 2202.04348",
        data=f"simulated, {size.rows:,} rows to calibrate, as many to judge; public scores of Porto Seguro and Avazu",
        scale=scale,
        seeds=seeds,
        metric="tce",
        rows=(*shown, *table),
        claims=tuple(claims),
        seconds=0.0,
        notes=tuple(notes),
        panels=(bias_panel(table),),
    )


def simulated_rows(seeds: Sequence[int], size: Size) -> dict[str, Row]:
    """Everything that is compared, on the simulated truth."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in COMPARED}
    for seed in seeds:
        fit, judge = simulated(seed, size.rows)
        for name, (_, predict) in COMPARED.items():
            bins = max(1, size.rows // 200)
            runs[name].append(measured(judge, predict(fit, judge, seed), bins=bins, views=size.views))
    least = runs[best(runs, "tce")]
    for found in runs.values():
        for one, beaten in zip(found, least, strict=True):
            one["tce_ratio"] = one["tce"] / beaten["tce"]
    return {name: row(name, COMPARED[name][0], found) for name, found in runs.items()}


def best(runs: Mapping[str, Sequence[Mapping[str, float]]], metric: str) -> str:
    """The score-only map of the lowest mean, or of the highest AUC."""
    sign = -1.0 if metric == "auc" else 1.0
    return min(SCORE_ONLY, key=lambda name: sign * float(np.mean([run[metric] for run in runs[name]])))


def best_row(rows: Mapping[str, Row], metric: str, prefix: str = "") -> Row:
    """The same of finished rows."""
    sign = -1.0 if metric == "auc" else 1.0
    return min((rows[prefix + name] for name in SCORE_ONLY), key=lambda one: sign * float(np.mean(one.values[metric])))


def simulated_claims(rows: Mapping[str, Row]) -> list[Claim]:
    """What holds where the truth is known."""
    full, one, blind = rows["MBCT"], rows["MBCT, 1 tree"], rows["MBCT without features"]
    by_ece = rows["MBCT, split by ECE"]
    ranked, loss, field = (best_row(rows, metric) for metric in ("auc", "log_loss", "field_error"))
    return [
        reaches("the true error is at most 0.8 of the best score-only map's", "tce_ratio", full, at_most=0.8),
        gain(f"AUC rises by 0.008 over the best map's ({ranked.name})", "auc", full, ranked, at_least=0.008),
        gain(f"log-loss falls below the best map's ({loss.name})", "log_loss", full, loss, lower_is_better=True),
        gain(
            f"field error falls below the best map's ({field.name})", "field_error", full, field, lower_is_better=True
        ),
        reaches("without features nothing is gained: at least 0.98 of the error", "tce_ratio", blind, at_least=0.98),
        gain("k p in a leaf orders better than its mean label", "auc", one, rows["MBCT, 1 tree, leaf constant"]),
        gain("boosting: all trees are nearer to the truth than one", "tce", full, one, lower_is_better=True),
        gain("splits by MVCE end nearer to the truth than by ECE", "tce", full, by_ece, lower_is_better=True),
        no_worse("MVCE is no worse than Platt's", "mvce", full, rows["Platt"], margin=2e-4, lower_is_better=True),
    ]


COUNTS = (200, 800, 3200, 6400)


def bias_rows(seeds: Sequence[int], size: Size) -> tuple[Row, Row]:
    """Metric less the true mean |E[y|h] - h| for h ~ Beta(0.4, 0.7), E[y|h] = h², by sample size; 32 bins."""
    runs: dict[str, list[dict[str, float]]] = {"bias of MVCE": [], "bias of ECE": []}
    for seed in seeds:
        random = np.random.default_rng(seed)
        bias: dict[str, dict[str, float]] = {name: {} for name in runs}
        for n in COUNTS:
            off = np.mean([_off(n, size.views, random) for _ in range(size.drawn)], axis=0)
            for name, value in zip(runs, off, strict=True):
                bias[name][f"bias_{n}"] = float(value)
        for name, found in runs.items():
            first, last = bias[name][f"bias_{COUNTS[0]}"], bias[name][f"bias_{COUNTS[-1]}"]
            found.append({**bias[name], "bias_left": last / first})
    mine, other = (row(name, role, runs[name]) for name, role in zip(runs, _ROLES, strict=True))
    return mine, other


_ROLES: tuple[Role, Role] = ("method", "baseline")


def _off(n: int, views: int, random: np.random.Generator) -> tuple[float, float]:
    """Of one sample: (MVCE, ECE with root mean squares over bins of equal mass) less the true error."""
    h = random.beta(0.4, 0.7, n)
    y = (random.random(n) < h**2).astype(np.float64)
    true = float(np.abs(h**2 - h).mean())
    by_score = np.argsort(h)
    return mvce(y, h, bins=32, views=views, random=random) - true, _ece2(y[by_score], h[by_score]) - true


def _ece2(y: Floats, h: Floats) -> float:
    """ECE with m = 2 of samples in order of their score, 32 bins."""
    starts = np.arange(32) * len(y) // 32
    total = np.add.reduceat(y - h, starts)
    return float(np.sqrt(np.sum(total**2 / np.diff(starts, append=len(y))) / len(y)))


def bias_claims(table: tuple[Row, Row]) -> list[Claim]:
    """MVCE is less biased, and shrinks faster."""
    mine, other = table
    return [
        gain("at 6,400 samples MVCE is less biased than ECE", "bias_6400", mine, other, lower_is_better=True),
        gain("from 200 to 6,400 samples less of MVCE's bias is left", "bias_left", mine, other, lower_is_better=True),
    ]


def bias_panel(table: tuple[Row, Row]) -> Panel:
    """The bias table as two curves."""
    lines = tuple(
        Line(name=one.name, x=COUNTS, y=tuple(float(np.mean(one.values[f"bias_{n}"])) for n in COUNTS)) for one in table
    )
    return Panel(title="Bias of the metric", x="samples", y="metric less true error", lines=lines, log_x=True)


def real_rows(seeds: Sequence[int], size: Size, folder: Path, name: str, cut: tuple[int, str, str]) -> dict[str, Row]:
    """Means over random splits by `cut`: so many rows of a file calibrate; its rest, or a second file, judges."""
    fitted, file, judged = cut
    runs: dict[str, list[dict[str, float]]] = {one: [] for one in ON_REAL}
    whole = real(folder / f"{file}.parquet")
    other = real(folder / f"{judged}.parquet") if judged else None
    for seed in seeds:
        random = np.random.default_rng(seed)
        found: dict[str, list[dict[str, float]]] = {one: [] for one in ON_REAL}
        for split in range(size.splits):
            order = random.permutation(len(whole[1]))
            rest = taken(whole, order[fitted:]) if other is None else other
            fit, judge = coded(taken(whole, order[:fitted]), rest)
            for one in ON_REAL:
                answer = COMPARED[one][1](fit, judge, 1000 * seed + split)
                found[one].append(measured(judge, answer, bins=len(judge.score) // 200, views=size.views))
        for one in ON_REAL:
            runs[one].append({m: float(np.mean([run[m] for run in found[one]])) for m in found[one][0]})
    return {f"{name}: {one}": row(f"{name}: {one}", COMPARED[one][0], found) for one, found in runs.items()}


def real_claims(name: str, rows: Mapping[str, Row]) -> list[Claim]:
    """Nothing is lost beside the best map."""
    margin = 1e-3
    claims = []
    for metric in LOWER:
        other = best_row(rows, metric, f"{name}: ")
        says = f"{name}: {metric} is no more than {margin:g} above the best score-only map's ({other.name})"
        claims.append(no_worse(says, metric, rows[f"{name}: MBCT"], other, margin=margin, lower_is_better=True))
    return claims
