"""Does counting a young click in part keep an adaptive experiment from starving its slowest arm?

Three arms, 10,000 clicks, a hundred at random and then five hundred a decision (delayed_bandit_world.py): the cases of
the paper's simulation, the best arm being the slowest; and the same with the real delays and click times of
TalkingData's installs. Regret: conversions lost for not sending every click to the best arm, in expectation.

All rules meet the same shoppers, know the same log, and none is tuned but for the attribution window, which was looked
at on seeds from 1000 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adcascade.experiments.cohorts import Floats
from adcascade.experiments.delay import DelayConfig, Law
from adcascade.experiments.thompson import Posterior, posterior, quantile_shares, thompson, upper_bound_shares
from adcascade.studies.claims import gain, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.delayed_bandit_data import SET, SOURCE, real_cases
from adcascade.studies.delayed_bandit_world import (
    Case,
    Estimator,
    Ints,
    Log,
    World,
    exponential,
    exponential_law,
    weibull,
    world_of,
)

CLICKS, WARM_UP, BATCH = 10_000, 100, 500
DRAWS = 2_000  # for a quantile
POINTS = 40  # of a curve
HIGH, LOW, UNEQUAL = (0.5, 0.4, 0.3), (0.1, 0.05, 0.03), (1000.0, 750.0, 500.0)
JUDGED = {"high": HIGH, "low": LOW}  # cases whose estimates are reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to count (delayed_bandit_world.Estimator) and a rule that turns counts into arms."""

    name: str
    role: Role
    counts: str
    rule: str = "thompson"
    cycles: int = 10


METHODS = (
    Method(name="random", role="baseline", counts="naive", rule="random"),
    Method(name="naive TS", role="baseline", counts="naive"),
    Method(name="D-TS", role="method", counts="em"),
    Method(name="D-UCB", role="method", counts="em", rule="upper bound"),
    Method(name="D-BUCB", role="method", counts="em", rule="quantile"),
    Method(name="D-TS, one cycle", role="ablation", counts="em", cycles=1),
    Method(name="life table TS", role="ablation", counts="life table"),
    Method(name="D-TS, law known", role="oracle", counts="known"),
)


def cases() -> tuple[Case, ...]:
    """The simulated ones."""
    late, late_law = weibull(1.5)
    return (
        Case(name="high", theta=HIGH, scale=UNEQUAL, waits=exponential, law=exponential_law),
        Case(name="low", theta=LOW, scale=UNEQUAL, waits=exponential, law=exponential_law),
        Case(name="weibull", theta=LOW, scale=UNEQUAL, waits=late, law=late_law),
        Case(name="equal", theta=HIGH, scale=(750.0,) * 3, waits=exponential, law=exponential_law),
    )


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Rows of methods, columns of cases."""
    clicks = 3_000 if scale == "tiny" else CLICKS
    real = has_set(data, SET)
    worlds = [world_of(case, seeds, clicks) for case in (*cases(), *(real_cases(data) if real else ()))]
    runs = {method.name: [experiment(world, seeds, method) for world in worlds] for method in METHODS}
    rows = {method.name: _row(method, worlds, runs[method.name]) for method in METHODS}
    return Result(
        slug="delayed-bandit",
        paper="arXiv 2202.00846",
        data="simulated clicks and delays" + ("; delays and click times of TalkingData's installs" if real else ""),
        scale=scale,
        seeds=seeds,
        metric="regret high",
        rows=tuple(rows.values()),
        claims=tuple(claims(rows, real=real)),
        seconds=0.0,
        notes=notes(real=real),
        panels=tuple(_panel(worlds[i], runs, i) for i in (0, 1, *([5] if real else ()))),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One method in one world: regret [R], its mean up to each of POINTS clicks, and what is believed at the end."""

    regret: Floats
    curve: Floats
    law: Law


def experiment(world: World, seeds: Sequence[int], method: Method) -> Run:
    """Warm up, then decide batch after batch."""
    replicas, clicks, arms = world.shape
    randoms = [np.random.default_rng([seed, 2]) for seed in seeds]
    config = DelayConfig(cycles=method.cycles, window=world.case.window)
    estimator = Estimator(method.counts, config, (replicas, arms))
    log = Log(world)
    log.serve(np.stack([random.integers(arms, size=WARM_UP) for random in randoms]))
    while log.n < clicks:
        log.serve(decide(log, estimator, method.rule, randoms, min(BATCH, clicks - log.n)))
    theta = np.array(world.case.theta)
    lost = (theta.max() - theta[log.arm]).cumsum(1)  # [R, N]
    return Run(lost[:, -1], lost[:, points(clicks) - 1].mean(0), estimator(log.view()))


def decide(log: Log, estimator: Estimator, rule: str, randoms: Sequence[np.random.Generator], units: int) -> Ints:
    """The arms of the next clicks, [R, units]."""
    _, _, arms = log.world.shape
    if rule == "random":
        return np.stack([random.integers(arms, size=units) for random in randoms])
    view = log.view()
    law, cohorts = estimator(view), view.cohorts
    belief = posterior(cohorts.seen, law.exposure)
    chosen = []
    for one, random in enumerate(randoms):
        own = Posterior(belief.alpha[one], belief.beta[one])
        if rule == "thompson":
            chosen.append(thompson(own, units, random))
        elif rule == "quantile":
            shares = quantile_shares(own, law.exposure[one], DRAWS, random)
            chosen.append(random.choice(arms, units, p=shares))
        else:
            shares = upper_bound_shares(cohorts.seen[one], cohorts.clicks[one], law.exposure[one])
            chosen.append(random.choice(arms, units, p=shares))
    return np.stack(chosen)


def _row(method: Method, worlds: Sequence[World], runs: Sequence[Run]) -> Row:
    """Regret of every case, and in the JUDGED ones the relative error of each arm's conversion rate at the end."""
    seeds = len(runs[0].regret)
    measured: list[dict[str, float]] = [{} for _ in range(seeds)]
    for seed in range(seeds):
        for world, run in zip(worlds, runs, strict=True):
            measured[seed][f"regret {world.case.name}"] = float(run.regret[seed])
        for world, run in zip(worlds, runs, strict=True):
            for arm, theta in enumerate(world.case.theta if world.case.name in JUDGED else ()):
                measured[seed][f"bias {world.case.name} {theta:g}"] = float(run.law.theta[seed, arm] / theta - 1)
    return row(method.name, method.role, measured)


def claims(rows: dict[str, Row], *, real: bool) -> list[Claim]:
    """What the paper and its reproduction say, case by case; regrets are compared replica by replica."""
    method, naive, known = rows["D-TS"], rows["naive TS"], rows["D-TS, law known"]
    half = Row(name="half", role="baseline", values={"regret high": tuple(r / 2 for r in naive.values["regret high"])})
    made = [
        gain("high: D-TS has at most half the regret of naive TS", "regret high", method, half, lower_is_better=True)
    ]
    for case in ("high", "low", "weibull", "equal", *(["real", "real dense"] if real else [])):
        regret = f"regret {case}"
        made += [
            gain(f"{case}: D-TS loses less than naive TS", regret, method, naive, lower_is_better=True),
            gain(f"{case}: knowing the law loses less than EM", regret, known, method, lower_is_better=True),
        ]
    for case, thetas in JUDGED.items():
        made += [
            within(f"{case}: the rate {theta:g} is estimated within 5 % in the mean", f"bias {case} {theta:g}", method)
            for theta in thetas
        ]
    return made


def within(says: str, metric: str, method: Row, bound: float = 0.05) -> Claim:
    """The mean of a signed error is at most `bound` in size: judged on the side where it lies."""
    if np.mean(method.values[metric]) > 0:
        return reaches(says, metric, method, at_most=bound)
    return reaches(says, metric, method, at_least=-bound)


def notes(*, real: bool) -> tuple[str, ...]:
    """What a reader needs."""
    return (
        "Regret is of 10,000 clicks; sending them at random loses 1000 in `high` and `equal`, 400 elsewhere.",
        "No correction at all is `naive TS`; `life table TS` assumes no law of the delay, and knows none beyond the "
        "oldest click.",
        "An arm that was given up early stays underestimated: an adaptive allocation stops asking after bad luck, so "
        "the plain estimates of its losers are biased downwards, delays or not.",
        *(
            (
                "`real` and `real dense` have the 207 delays of TalkingData's installs (median 4 minutes, mean 81, "
                "longest 13 hours) and its click times, drawn from 65 hours or 7 hours in a row. Conversions have the "
                "rates of `low`, for 0.23 % of installs would be 20 conversions in 10,000 clicks.",
            )
            if real
            else (absent(SET, SOURCE),)
        ),
    )


def _panel(world: World, runs: dict[str, list[Run]], place: int) -> Panel:
    """Mean regret over the clicks of one case."""
    _, clicks, _ = world.shape
    at = tuple(map(float, points(clicks)))
    lines = tuple(
        Line(name=name, x=at, y=tuple(runs[name][place].curve.tolist()))
        for name in ("naive TS", "D-TS", "D-UCB", "life table TS", "D-TS, law known")
    )
    return Panel(title=f"regret, {world.case.name}", x="clicks", y="conversions lost", lines=lines)


def points(clicks: int) -> Ints:
    """Where a curve is read."""
    return np.linspace(0, clicks, POINTS + 1).astype(np.int64)[1:]
