"""Study of PICASSO (arXiv 2204.04903): what packing, interleaving and caching save, and that they change nothing else.

    packing       F fields of widths 8 and 16, values by Zipf's law (picasso_packing.py)
    ablation      the training loop on a log of texts, with each technique left out (picasso_ablation.py)
    caching       hit ratios beside Zipf's law, and what a look-up costs (picasso_caching.py); hit ratios on the ids of
                  Criteo's log (picasso_real.py)

    ips          instances a second: of one step with F fields by CPU time of the thread, of the loop by the wall clock
    times        ips, as a multiple of the unpacked twin's or of the plain loop's
    operators    torch's operators of embeddings and their optimiser in a step
    loss_off     the largest difference of a step's loss from the twin's
    hit_ratio    share of look-ups that meet the hot tier; `law`: what Zipf's law, or hindsight, says of it
    look_ups     million rows a second

What depends on the machine is measured in turns.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adcascade.bench.rounds import figure
from adcascade.studies.claims import gain, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.picasso_ablation import (
    FULL,
    MEMORY,
    NO_CACHING,
    NO_INTERLEAVING,
    NO_PACKING,
    PLAIN,
    Trial,
    ablation_runs,
)
from adcascade.studies.picasso_caching import COLD, HOT, IN_MEMORY, SHARES, hit_runs, look_up_seconds
from adcascade.studies.picasso_packing import FUSED, PACKED, UNPACKED, packing_runs
from adcascade.studies.picasso_real import NAME, SOURCE, criteo_ids, replayed
from adcascade.studies.picasso_world import Log

COUNTS = (26, 100, 300)  # F
LEAST_TIMES = {26: 1.2, 100: 1.2, 300: 1.8}  # of the unpacked twin's instances a second: what the card measured
SHOWN = (
    "times",
    "ips",
    "operators",
    "loss_off",
    "hit_ratio",
    "law",
    "look_ups",
)  # the columns; the others decide claims
REAL = "Criteo, 10% of rows hot"
TOLD = {PLAIN: "prepared_share", MEMORY: "trainer_share"}
Runs = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large everything is at a scale."""

    values: int  # of a field, in the part on packing
    batch: int
    rounds: int
    log_rows: int
    log_values: int  # of a field of the log
    hit_values: int
    hit_steps: int
    look_values: int  # rows of the table that is looked up
    real_rows: int  # samples of Criteo's log


SIZES = {
    "tiny": Size(
        values=50,
        batch=16,
        rounds=2,
        log_rows=300,
        log_values=50,
        hit_values=500,
        hit_steps=20,
        look_values=2_000,
        real_rows=500,
    ),
    "small": Size(
        values=20_000,
        batch=1024,
        rounds=12,
        log_rows=24_576,
        log_values=100_000,
        hit_values=20_000,
        hit_steps=200,
        look_values=4_000_000,
        real_rows=64_000,
    ),
    "full": Size(
        values=100_000,
        batch=2048,
        rounds=30,
        log_rows=400_000,
        log_values=200_000,
        hit_values=100_000,
        hit_steps=1_000,
        look_values=16_000_000,
        real_rows=64_000,
    ),
}


def measured(seed: int, size: Size) -> tuple[Runs, dict[float, dict[str, float]]]:
    """All rows of one seed, by name; and the hit ratios by the share of hot rows."""
    found: Runs = {}
    for count in COUNTS:
        runs = packing_runs(count, values=size.values, batch=size.batch, rounds=size.rounds, seed=seed)
        found |= {f"F = {count}, {way}": run for way, run in runs.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        block = max(size.log_rows // 6, 1)
        log = Log.written(folder, fields=26, values=size.log_values, rows=size.log_rows, block=block, seed=seed)
        trial = Trial(log, folder, batch=size.batch, hot_share=0.1, seed=seed)
        found |= ablation_runs(trial, size.log_rows, rounds=max(size.rounds // 6, 1))
        hits = hit_runs(folder, values=size.hit_values, batch=size.batch, steps=size.hit_steps, seed=seed)
        found |= {f"{share:.0%} of rows hot": run for share, run in hits.items()}
        batch = 26 * size.batch
        spent = look_up_seconds(folder, values=size.look_values, batch=batch, rounds=size.rounds, seed=seed)
        found |= {name: {"look_ups": batch / figure(seconds).median / 1e6} for name, seconds in spent.items()}
    return found, hits


def role_of(name: str) -> Role:
    """What a row is in the comparison."""
    if name in {PLAIN, IN_MEMORY} or name.endswith(UNPACKED):
        return "baseline"
    if name == MEMORY:
        return "oracle"
    return "ablation" if name.startswith("−") or name.endswith(PACKED) or name == COLD else "method"


def equivalence(rows: dict[str, Row]) -> list[Claim]:
    """The gate: the same losses and rows, whatever is switched on."""
    packs = [rows[f"F = {count}, {way}"] for count in COUNTS for way in (PACKED, FUSED)]
    worst = Row(name="packed", role="method", values={m: _largest(packs, m) for m in ("loss_off", "rows_off")})
    exact = [rows[name] for name in (FULL, NO_INTERLEAVING, NO_CACHING, MEMORY)]
    cached = Row(name="cached", role="method", values={"loss_off": _largest(exact, "loss_off")})
    return [
        reaches("packing: the losses of all steps to 1e-5", "loss_off", worst, at_most=1e-5),
        reaches("packing: the rows to 1e-5", "rows_off", worst, at_most=1e-5),
        reaches("packing in the training loop: the losses to 1e-5", "loss_off", rows[NO_PACKING], at_most=1e-5),
        reaches("interleaving and caching: the losses to the last bit", "loss_off", cached, at_most=0.0),
    ]


def _largest(rows: list[Row], metric: str) -> tuple[float, ...]:
    return tuple(max(values) for values in zip(*(row.values[metric] for row in rows), strict=True))


def packing_claims(rows: dict[str, Row]) -> list[Claim]:
    """Operators, and instances a second."""
    fused = {count: rows[f"F = {count}, {FUSED}"] for count in COUNTS}
    plain = rows[f"F = 100, {UNPACKED}"].values["operators"]
    fewer = tuple(p / max(f, 1) for p, f in zip(plain, fused[100].values["operators"], strict=True))
    grown = tuple(
        a + b - c - d
        for a, b, c, d in zip(
            *(fused[count].values[metric] for count in (300, 26) for metric in ("operators", "calls")), strict=True
        )
    )
    return [
        reaches(
            "F = 100: operators of embeddings and optimiser are F/4 times fewer",
            "times fewer",
            Row(name="fewer", role="method", values={"times fewer": fewer}),
            at_least=25,
        ),
        reaches(
            "no operator and no call more at F = 300 than at F = 26",
            "operators",
            Row(name="grown", role="method", values={"operators": grown}),
            at_most=0,
        ),
        *(
            reaches(f"F = {count}: {least:g} times the instances a second", "times", fused[count], at_least=least)
            for count, least in LEAST_TIMES.items()
        ),
    ]


def interleaving_claims(rows: dict[str, Row]) -> list[Claim]:
    """Time saved, where preparing a batch is a quarter of a step: at 0.9 of the time, 1 / 0.9 times the instances."""
    ahead = rows[MEMORY]
    return [
        reaches("preparing is a quarter of a step or more", "prepared_share", rows[PLAIN], at_least=0.25),
        reaches("interleaving: 0.9 of the wall time or less", "times", ahead, at_least=1 / 0.9),
        reaches("interleaving: 0.9 of the work of the thread that trains", "trainer_share", ahead, at_most=0.9),
    ]


def caching_claims(rows: dict[str, Row]) -> list[Claim]:
    """Hit ratios, and what the hot tier is worth."""
    hot = [rows[f"{share:.0%} of rows hot"] for share in SHARES]
    off = Row(name="off", role="method", values={"off": _largest(hot, "off")})
    return [
        reaches("hit ratios are Zipf's to 0.03", "off", off, at_most=0.03),
        reaches("a tenth of the rows takes 70 % of the look-ups", "hit_ratio", rows["10% of rows hot"], at_least=0.7),
        gain(
            "a tenth of the rows together: looked up faster than from all in random order",
            "look_ups",
            rows[HOT],
            rows[IN_MEMORY],
        ),
    ]


def ablation_claims(rows: dict[str, Row]) -> list[Claim]:
    """Whether each technique is worth having beside the two others."""
    return [
        gain(f"the loop: full is faster than {without}", "times", rows[FULL], rows[without])
        for without in (NO_PACKING, NO_INTERLEAVING, NO_CACHING)
    ]


def real_row(seeds: tuple[int, ...], size: Size, folder: Path) -> Row:
    """The hot tier on Criteo's ids."""
    ids, rows = criteo_ids(folder, size.real_rows)
    with tempfile.TemporaryDirectory() as name:
        runs = [replayed(ids, rows, Path(name), hot_share=0.1, batch=size.batch, seed=seed) for seed in seeds]
    return row(REAL, "method", runs)


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """All parts, for each seed."""
    runs = [measured(seed, SIZES[scale]) for seed in seeds]
    names = list(runs[0][0])
    rows = {name: row(name, role_of(name), [found[name] for found, _ in runs]) for name in names}
    claims: list[Claim] = []
    notes: list[str] = []
    if has_set(data, NAME):
        rows[REAL] = real_row(seeds, SIZES[scale], data / NAME)
        claims.append(reaches("Criteo: a tenth takes 70 % of the look-ups", "hit_ratio", rows[REAL], at_least=0.7))
    else:
        notes.append(absent(NAME, SOURCE))
    parts: tuple[Callable[[dict[str, Row]], list[Claim]], ...] = (
        equivalence,
        packing_claims,
        interleaving_claims,
        caching_claims,
        ablation_claims,
    )
    told = {metric: _mean(rows[name], metric) for name, metric in TOLD.items()}
    return Result(
        slug="picasso",
        paper="arXiv 2204.04903",
        data="drawn by Zipf's law" + ("" if notes else "; Criteo's ids"),
        scale=scale,
        seeds=seeds,
        metric="times",
        rows=tuple(_shown(one) for one in rows.values()),
        claims=(*(claim for part in parts for claim in part(rows)), *claims),
        seconds=0.0,
        notes=(
            *notes,
            "no GPU: what the card says of kernels, transfers and streams there was not tried",
            f"reading, encoding, shuffling and looking up take {told['prepared_share']:.0%} of the plain loop; where "
            f"other threads do it, the one that trains has {told['trainer_share']:.0%} of its work left",
            "the operating system keeps the file of the cold rows in memory: what a miss costs at a disk is not seen",
        ),
        panels=(hit_panel([hits for _, hits in runs]), packing_panel(rows)),
    )


def _mean(one: Row, metric: str) -> float:
    return sum(one.values[metric]) / len(one.values[metric])


def _shown(one: Row) -> Row:
    return msgspec.structs.replace(one, values={m: one.values[m] for m in SHOWN if m in one.values})


def hit_panel(hits: list[dict[float, dict[str, float]]]) -> Panel:
    """Hit ratios beside the law, mean of the seeds."""

    def line(name: str, metric: str) -> Line:
        return Line(
            name=name, x=SHARES, y=tuple(sum(one[share][metric] for one in hits) / len(hits) for share in SHARES)
        )

    lines = (line("measured", "hit_ratio"), line("H(k) / H(V)", "law"))
    return Panel(title="look-ups that meet the hot tier", x="share of rows that is hot", y="hit ratio", lines=lines)


def packing_panel(rows: dict[str, Row]) -> Panel:
    """Operators by the number of fields."""
    lines = tuple(
        Line(
            name=way,
            x=tuple(float(count) for count in COUNTS if "operators" in rows[f"F = {count}, {way}"].values),
            y=tuple(
                found["operators"][0]
                for found in (rows[f"F = {count}, {way}"].values for count in COUNTS)
                if "operators" in found
            ),
        )
        for way in (UNPACKED, PACKED, FUSED)
    )
    return Panel(title="torch's operators of embeddings and optimiser", x="fields", y="operators a step", lines=lines)
