"""ExFM: one large teacher serves many small students by a head of its own (arXiv 2502.17494).

    still world      nothing changes, the teacher is wrong in level and scale: who learns its order and not its level?
    turning world    tastes turn, and the teacher's data ends 0, 1, 3 or 7 days before: what is left of the gain?
    trained          a large model that really learns day by day, and a student with a quarter of the traffic
    calls            two students, one service: the teacher's calls are the union
    Criteo           a committee that knows the past, a student that sees the present

The simulated students are judged at the end of the stream on fresh pairs against their true probabilities.
"""

import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adcascade.learning.auxiliary_head import AuxiliaryConfig
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.exfm_criteo import NAME, SOURCE, criteo, read_log
from adcascade.studies.exfm_students import ADAPTED, AH, KD, NONE, STRONG, Plan, Way, judged, student
from adcascade.studies.exfm_teachers import calls, trained
from adcascade.studies.exfm_world import DAYS, DOMAINS, ROWS, SHAPE, World, ages, stream

LATE = 7  # days, of the stalest teacher
Part = dict[str, tuple[Role, Way]]  # by name of the row
Values = dict[str, float]
STILL: Part = {
    "none": ("baseline", NONE),
    "KD": ("baseline", KD),
    "KD, weight 5": ("baseline", Way(shared=5.0)),
    "AH, α=w=β=1": ("ablation", Way(config=AuxiliaryConfig(alpha=1.0, weight=1.0))),
    "AH, α=3, w=2": ("method", AH),
    "AH, w=2, β=10": ("method", STRONG),
    "AH + adapter": ("method", ADAPTED),
}
TURNING: Part = {
    "KD": ("baseline", KD),
    "AH": ("method", AH),
    "AH, w=1": ("ablation", Way(config=AuxiliaryConfig(weight=1.0))),
    "AH, w=2, β=10": ("ablation", STRONG),
    "AH + adapter": ("method", ADAPTED),
}
OTHERS: Part = {"none": ("baseline", NONE), "KD": ("baseline", KD), "AH": ("method", AH)}
CRITEO: Part = {**OTHERS, "AH, α=1, w=2": ("ablation", Way(config=AuxiliaryConfig(alpha=1.0)))}
PLAN = Plan(shape=SHAPE, rows=ROWS, domains=DOMAINS)
NOTES = (
    "Students: DCN-V2 with one cross layer and a hidden layer of 32, embeddings of 16, one pass, batches of 512.",
    "The adapter reads the teacher's age and the impression's domain beside its prediction; the paper's reads the "
    "prediction alone. It runs with w = v = 1, so that both extra heads together weigh what AH's one head weighs.",
    "On Criteo the teacher is a row too: what it says of the judged rows. Its students were looked at once, "
    "with seed 1000, when the parts were put together.",
    "calibration_off is |mean prediction / mean truth - 1|; lost is the AUC at 0 days minus that at 7.",
)


@dataclass(frozen=True, slots=True)
class Size:
    """Impressions of each part; 0 leaves it out."""

    still: int
    turning: int
    trained: int
    calls: int
    judged: int
    criteo: bool
    delays: tuple[int, ...] = (0, 1, 3, LATE)  # days that the teacher's data ends before, in the turning world


SIZES = {
    "tiny": Size(3_000, 3_000, 0, 500, 5_000, criteo=False, delays=(0, LATE)),
    "small": Size(128_000, 128_000, 384_000, 20_000, 60_000, criteo=True),
    "full": Size(1_536_000, 1_536_000, 4_608_000, 200_000, 200_000, criteo=True),
}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """All parts that the scale and the data allow."""
    size = SIZES[scale]
    called = row("two students, one service", "method", [calls(seed, size.calls) for seed in seeds])
    rows = {**still(seeds, size), **turning(seeds, size)}
    claims = [*still_claims(rows), *turning_claims(rows, size.delays)]
    real = size.criteo and has_set(data, NAME)
    if size.trained:
        rows |= parts("trained", OTHERS, [trained(seed, PLAN, size.trained, ways(OTHERS)) for seed in seeds])
        claims += real_claims(rows, "trained")
    if real:
        log = read_log(data / NAME)
        shown: Part = {"teacher": ("oracle", NONE), **CRITEO}
        rows |= parts("Criteo", shown, [criteo(log, seed, ways(CRITEO)) for seed in seeds])
        claims += real_claims(rows, "Criteo")
    claims.append(reaches("teacher calls are the union of two students' impressions", "calls_off", called, at_most=0))
    return Result(
        slug="exfm",
        paper="arXiv 2502.17494",
        data="simulated stream of ten days" + (" and Criteo's display log" if real else ""),
        scale=scale,
        seeds=seeds,
        metric="auc",
        rows=(*rows.values(), called),
        claims=tuple(claims),
        seconds=0.0,
        notes=(*NOTES, *(absent(NAME, SOURCE) for _ in range(size.criteo and not real))),
        panels=(staleness(rows, size.delays),),
    )


def ways(part: Part) -> dict[str, Way]:
    """The ways of a part's rows."""
    return {name: way for name, (_, way) in part.items()}


def parts(title: str, part: Part, found: list[dict[str, Values]]) -> dict[str, Row]:
    """Rows of a part by full name."""
    named = {f"{title}: {name}": (name, role) for name, (role, _) in part.items()}
    return {full: row(full, role, [one[name] for one in found]) for full, (name, role) in named.items()}


def still(seeds: tuple[int, ...], size: Size) -> dict[str, Row]:
    """Every way in the world where nothing changes."""

    def run(seed: int) -> dict[str, Values]:
        world = World(seed)
        shown = world.draw(size.still, 0, DAYS)
        age = ages(shown.day, 0)
        blocks = stream(shown, world.clicks(shown), world.teacher(shown, age), age)
        last = world.draw(size.judged, DAYS, DAYS)
        truth, batch = world.probability(last), last.batch()
        return {name: judged(truth, student(PLAN, way, blocks, seed)(batch)) for name, way in ways(STILL).items()}

    return parts("still", STILL, [run(seed) for seed in seeds])


def turning(seeds: tuple[int, ...], size: Size) -> dict[str, Row]:
    """Every way with a teacher of every delay, and the student alone, where tastes turn."""

    def run(seed: int) -> dict[str, Values]:
        world = World(seed, turning=True)
        shown = world.draw(size.turning, 0, DAYS)
        clicks = world.clicks(shown)
        last = world.draw(size.judged, DAYS, DAYS)
        truth, batch = world.probability(last), last.batch()
        values = {}
        for delay in size.delays:
            age = ages(shown.day, delay)
            blocks = stream(shown, clicks, world.teacher(shown, age), age)
            if delay == 0:
                values["none"] = judged(truth, student(PLAN, NONE, blocks, seed)(batch))
            for name, way in ways(TURNING).items():
                values[at(name, delay)] = judged(truth, student(PLAN, way, blocks, seed)(batch))
        for name in TURNING:
            values[at(name, LATE)]["lost"] = values[at(name, 0)]["auc"] - values[at(name, LATE)]["auc"]
        return values

    late = {at(name, delay): one for name, one in TURNING.items() for delay in size.delays}
    return parts("turning", {"none": ("baseline", NONE), **late}, [run(seed) for seed in seeds])


def at(name: str, delay: int) -> str:
    """The name of a way with a teacher so many days late."""
    return f"{name}, {delay} d"


def still_claims(rows: dict[str, Row]) -> list[Claim]:
    """Order and calibration of the ways where nothing changes."""
    none, kd, ah, strong = (rows[f"still: {name}"] for name in ("none", "KD", "AH, α=3, w=2", "AH, w=2, β=10"))
    lower = partial(gain, metric="normalised_entropy", method=ah, lower_is_better=True)
    return [
        gain("plain distillation ranks better than no teacher by half a point", "auc", kd, none, at_least=0.005),
        gain("AH (α=3, w=2) ranks better than plain distillation", "auc", ah, kd),
        gain("AH (w=2, β=10) ranks better than plain distillation by half a point", "auc", strong, kd, at_least=0.005),
        gain("... and better than plain distillation of weight 5", "auc", strong, rows["still: KD, weight 5"]),
        lower(says="AH has a lower normalised entropy than plain distillation", baseline=kd),
        lower(says="AH has a lower normalised entropy than no teacher", baseline=none),
        reaches("AH stays calibrated within 6 %", "calibration_off", ah, at_most=0.06),
        no_worse(
            "... and is off by at most 6 % more than no teacher",
            "calibration_off",
            ah,
            none,
            margin=0.06,
            lower_is_better=True,
        ),
        reaches("plain distillation takes over the teacher's bias, 20 % or more", "calibration_off", kd, at_least=0.2),
    ]


def turning_claims(rows: dict[str, Row], delays: tuple[int, ...]) -> list[Claim]:
    """Staleness, and what the adapter does about it."""

    def of(name: str, delay: int) -> Row:
        return rows[f"turning: {at(name, delay)}"]

    steps = [
        gain(f"AH ranks worse with a teacher of {late} days than of {early}", "auc", of("AH", early), of("AH", late))
        for early, late in itertools.pairwise(delays)
    ]
    stale = partial(gain, metric="lost", lower_is_better=True)
    return [
        gain("AH with a fresh teacher ranks better than no teacher", "auc", of("AH", 0), rows["turning: none"]),
        gain(
            "AH with a teacher of 7 days ranks better than no teacher",
            "auc",
            of("AH", LATE),
            rows["turning: none"],
        ),
        *steps,
        stale("AH loses less from 0 to 7 days than plain distillation", method=of("AH", LATE), baseline=of("KD", LATE)),
        stale("the adapter loses less from 0 to 7 days", method=of("AH + adapter", LATE), baseline=of("AH", LATE)),
        stale("... and than AH with its own w = 1", method=of("AH + adapter", LATE), baseline=of("AH, w=1", LATE)),
    ]


def real_claims(rows: dict[str, Row], part: str) -> list[Claim]:
    """What a teacher that really learned brings."""
    none, kd, ah = (rows[f"{part}: {name}"] for name in OTHERS)
    entropy = partial(gain, metric="normalised_entropy", lower_is_better=True)
    return [
        gain(f"{part}: AH ranks better than no teacher", "auc", ah, none),
        gain(f"{part}: AH ranks better than plain distillation", "auc", ah, kd),
        entropy(f"{part}: AH has a lower normalised entropy than no teacher", method=ah, baseline=none),
    ]


def staleness(rows: dict[str, Row], delays: tuple[int, ...]) -> Panel:
    """AUC by the teacher's delay, means over the seeds."""

    def mean(name: str) -> float:
        values = rows[f"turning: {name}"].values["auc"]
        return sum(values) / len(values)

    days = tuple(map(float, delays))
    lines = [Line(name=name, x=days, y=tuple(mean(at(name, delay)) for delay in delays)) for name in TURNING]
    alone = Line(name="none", x=days, y=(mean("none"),) * len(days))
    return Panel(title="Staleness", x="end of the teacher's data, days before", y="AUC", lines=(*lines, alone))
