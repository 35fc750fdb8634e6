"""Results of an experiment, recomputed from the log: per arm what was counted, and each arm against the first.

Three figures, each a ratio over units (intervals.py): clicks per request, conversions per click, and what advertisers
are billed per request. Conversions per click looks at clicks whose window has closed, so that nothing is still to come;
beside it stands what the delay law makes of all clicks (delay.py), with P(best). What is billed is the price of the
events that came, as logged; the ledger may have charged less where a promise had expired.
"""

import math
from collections.abc import Iterable

import msgspec
import numpy as np

from adcascade.events.records import AuctionRecord, Record
from adcascade.experiments.cohorts import Floats
from adcascade.experiments.delay import expectation_maximisation, start
from adcascade.experiments.experiment import Experiment
from adcascade.experiments.intervals import Estimate, difference, ratio
from adcascade.experiments.outcomes import Outcomes
from adcascade.experiments.steering import DRAWS, delay_config
from adcascade.experiments.thompson import STOP, posterior

COUNTS = ("requests", "impressions", "clicks", "settled clicks", "settled conversions", "billed micros")
FIGURES = {  # name -> what per what, whether it is a rate
    "clicks per request": ("clicks", "requests", False),
    "conversions per click": ("settled conversions", "settled clicks", True),
    "billed micros per request": ("billed micros", "requests", False),
}


class ArmResult(msgspec.Struct, frozen=True, kw_only=True):
    """One arm. estimates: by name of FIGURES (value, low, high); differences: the same, less the first arm's."""

    arm: str
    units: int
    counts: dict[str, int]
    conversions: int  # seen by now, settled or not
    estimates: dict[str, Estimate]
    differences: dict[str, Estimate]
    theta: float  # conversions per click that all clicks point to, those to come included; NaN before the first
    mean_delay_hours: float  # likewise
    best: float  # P(its conversions per click are the highest)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What `adcascade experiment results` prints."""

    experiment: str
    arms: tuple[ArmResult, ...]
    verdict: tuple[str, ...]  # sentences


def results_of(experiment: Experiment, records: Iterable[Record], now_us: int) -> Results:
    """The results by now, from the log in order of arrival."""
    outcomes, visits = Outcomes(experiment), _Visits(experiment)
    outcomes.take(visits.through(records))
    tables = visits.tables(outcomes, now_us)
    cohorts, config = outcomes.cohorts(now_us), delay_config(experiment)
    law = start((len(experiment.arms),), config)
    for _ in range(20):  # until it has settled; nothing is remembered from before
        law = expectation_maximisation(cohorts, law, config)
    best = posterior(cohorts.seen, law.exposure).best(DRAWS, np.random.default_rng(0))
    arms: list[ArmResult] = []
    for number, (name, table) in enumerate(zip(experiment.arms, tables, strict=True)):
        estimates = _estimates(table)
        base = arms[0].estimates if arms else estimates
        arms.append(
            ArmResult(
                arm=name,
                units=len(table),
                counts={count: int(table[:, i + 1].sum()) for i, count in enumerate(COUNTS)},
                conversions=(seen := int(cohorts.seen[number])),
                estimates=estimates,
                differences={f: difference(estimates[f], base[f]) for f in FIGURES} if arms else {},
                theta=float(law.theta[number]) if seen else math.nan,
                mean_delay_hours=1.0 / float(law.rate[number]) if seen else math.nan,
                best=float(best[number]),
            )
        )
    return Results(experiment=experiment.name, arms=tuple(arms), verdict=_verdict(arms))


class _Visits:
    """Who was exposed to which arm how often."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._of: list[dict[str, list[float]]] = [{} for _ in experiment.arms]  # arm -> unit -> share, COUNTS
        self._arm = {name: number for number, name in enumerate(experiment.arms)}

    def through(self, records: Iterable[Record]) -> Iterable[Record]:
        """The same records, exposures being counted as they pass."""
        for record in records:
            exposure = record.exposure if isinstance(record, AuctionRecord) else None
            if exposure is not None and exposure.experiment == self.experiment.name and exposure.arm in self._arm:
                units = self._of[self._arm[exposure.arm]]
                units.setdefault(exposure.unit, [exposure.share] + [0.0] * len(COUNTS))[1] += 1
            yield record

    def tables(self, outcomes: Outcomes, now_us: int) -> list[Floats]:
        """Per arm a row a unit: its share and COUNTS, [units, 7]."""
        for bid in outcomes.bids.values():
            row = self._of[bid.arm][bid.unit]
            settled = bid.click_us is not None and bid.click_us + self.experiment.window_us <= now_us
            flags = (bid.seen, bid.click_us is not None, settled, settled and bid.bought_us is not None)
            row[2:6] = [count + float(flag) for count, flag in zip(row[2:6], flags, strict=True)]
            row[-1] += bid.billed_micros
        return [np.array(list(units.values())).reshape(-1, 1 + len(COUNTS)) for units in self._of]


def _estimates(table: Floats) -> dict[str, Estimate]:
    column = {name: table[:, place + 1] for place, name in enumerate(COUNTS)}
    return {name: ratio(column[y], column[n], table[:, 0], rate=rate) for name, (y, n, rate) in FIGURES.items()}


def _verdict(arms: list[ArmResult]) -> tuple[str, ...]:
    """What may be said, figure by figure, and of the best arm."""
    said = []
    for arm in arms[1:]:
        for figure, gap in arm.differences.items():
            if not gap.known:
                said.append(f"{arm.arm}: nothing is known of {figure} yet")
            elif gap.low > 0 or gap.high < 0:
                word = "more" if gap.low > 0 else "fewer"
                said.append(f"{arm.arm} has {word} {figure} than {arms[0].arm}")
            else:
                said.append(f"{arm.arm} and {arms[0].arm} are not told apart by {figure}")
    first = max(arms, key=lambda arm: arm.best)
    if first.best > STOP and any(arm.conversions for arm in arms):
        said.append(f"{first.arm} converts best with probability {first.best:.3f}: the experiment may be stopped")
    return tuple(said)
