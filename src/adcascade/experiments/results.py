"""Results of an experiment, recomputed from the log: per arm what was counted, and each arm against the first.

`Counting` follows the log and tells the results at any time on the way; `results_of` is the whole of it at once. What
may be said of them in words is in verdict.py.

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
from adcascade.experiments.thompson import posterior

COUNTS = ("requests", "impressions", "clicks", "settled clicks", "settled conversions", "billed ads", "billed micros")
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
    belief: Estimate  # the posterior of its conversions per click: mean and 90 % interval
    best: float  # P(its conversions per click are the highest)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What `adcascade experiment results` prints. came: number of an allocation -> units of each arm that came first
    under it."""

    experiment: str
    arms: tuple[ArmResult, ...]
    came: dict[int, tuple[int, ...]]


class Counting:
    """The log as far as it was followed."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._outcomes, self._visits = Outcomes(experiment), _Visits(experiment)

    def take(self, records: Iterable[Record]) -> None:
        """The log goes on, in order of arrival."""
        self._outcomes.take(self._visits.through(records))

    def results(self, now_us: int) -> Results:
        """What is known by now; changes nothing."""
        experiment = self.experiment
        tables = self._visits.tables(self._outcomes, now_us)
        cohorts, config = self._outcomes.cohorts(now_us), delay_config(experiment)
        law = start((len(experiment.arms),), config)
        for _ in range(20):  # until it has settled; nothing is remembered from before
            law = expectation_maximisation(cohorts, law, config)
        belief = posterior(cohorts.seen, law.exposure)
        best, interval = belief.best(DRAWS, np.random.default_rng(0)), belief.interval(DRAWS, np.random.default_rng(0))
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
                    belief=Estimate(*(float(end[number]) for end in interval)),
                    best=float(best[number]),
                )
            )
        came = {number: tuple(units) for number, units in self._visits.came.items()}
        return Results(experiment=experiment.name, arms=tuple(arms), came=came)


def results_of(experiment: Experiment, records: Iterable[Record], now_us: int) -> Results:
    """The results by now, from the log in order of arrival."""
    counting = Counting(experiment)
    counting.take(records)
    return counting.results(now_us)


class _Visits:
    """Who was exposed to which arm how often."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.came: dict[int, list[int]] = {}  # allocation -> units by arm
        self._of: list[dict[str, list[float]]] = [{} for _ in experiment.arms]  # arm -> unit -> place, share, requests
        self._arm = {name: number for number, name in enumerate(experiment.arms)}

    def through(self, records: Iterable[Record]) -> Iterable[Record]:
        """The same records, exposures being counted as they pass."""
        for record in records:
            exposure = record.exposure if isinstance(record, AuctionRecord) else None
            if exposure is not None and exposure.experiment == self.experiment.name and exposure.arm in self._arm:
                arm = self._arm[exposure.arm]
                units = self._of[arm]
                if exposure.unit not in units:
                    units[exposure.unit] = [len(units), exposure.share, 0.0]
                    self.came.setdefault(exposure.allocation, [0] * len(self._of))[arm] += 1
                units[exposure.unit][2] += 1
            yield record

    def tables(self, outcomes: Outcomes, now_us: int) -> list[Floats]:
        """Per arm a row a unit: its share and COUNTS, [units, 8]."""
        tables = [np.zeros((len(units), 1 + len(COUNTS))) for units in self._of]
        for table, units in zip(tables, self._of, strict=True):
            table[:, :2] = np.array(list(units.values())).reshape(-1, 3)[:, 1:]
        told: list[list[tuple[float, ...]]] = [[] for _ in self._of]
        settled_us = now_us - self.experiment.window_us
        for bid in outcomes.bids.values():
            clicked, billed = bid.click_us is not None, bid.billed_micros
            settled = bid.click_us is not None and bid.click_us <= settled_us
            bought = settled and bid.bought_us is not None
            place = self._of[bid.arm][bid.unit][0]
            told[bid.arm].append((place, bid.seen, clicked, settled, bought, billed > 0, billed))
        for table, rows in zip(tables, told, strict=True):
            columns = np.array(rows, np.float64).reshape(-1, len(COUNTS)).T
            for count, column in enumerate(columns[1:], 2):
                table[:, count] = np.bincount(columns[0].astype(np.int64), column, len(table))
        return tables


def _estimates(table: Floats) -> dict[str, Estimate]:
    column = {name: table[:, place + 1] for place, name in enumerate(COUNTS)}
    return {name: ratio(column[y], column[n], table[:, 0], rate=rate) for name, (y, n, rate) in FIGURES.items()}
