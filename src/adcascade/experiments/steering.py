"""Steering: from the log to the next allocation of an adaptive experiment.

Every control interval: follow the log, fit the delay laws by EM from where they were (delay.py), draw P(each arm is
best) from the corrected counts (thompson.py), and give each arm that share of the units to come, at least the floor.
Units that came before keep their arm.
"""

from collections.abc import Iterable

import numpy as np

from adcascade.events.records import Record
from adcascade.experiments.delay import DelayConfig, Law, expectation_maximisation, start
from adcascade.experiments.experiment import Experiment
from adcascade.experiments.outcomes import HOUR_US, Outcomes
from adcascade.experiments.thompson import Posterior, posterior, with_floor

DRAWS = 4_000  # for P(best): within 0.8 points
START_SHARE = 1 / 20  # of the window: the mean delay where EM starts


def delay_config(experiment: Experiment) -> DelayConfig:
    """In hours, as `Outcomes.cohorts`."""
    window = experiment.window_us / HOUR_US
    return DelayConfig(window=window, rate=1.0 / (START_SHARE * window))


class Steering:
    """What is believed of the arms of one experiment. seq: of the last record taken, `taken`: how many there were."""

    def __init__(self, experiment: Experiment, after: int = 0) -> None:
        self.experiment = experiment
        self.outcomes = Outcomes(experiment)
        self.config = delay_config(experiment)
        self.law: Law = start((len(experiment.arms),), self.config)
        self.seq, self.taken = after, 0

    def follow(self, records: Iterable[tuple[int, Record]]) -> None:
        """The log goes on: (seq, record) from the first above `seq`."""
        self.outcomes.take(self._counted(records))

    def belief(self, now_us: int) -> Posterior:
        """What the clicks say by now; refits the delay laws."""
        cohorts = self.outcomes.cohorts(now_us)
        self.law = expectation_maximisation(cohorts, self.law, self.config)
        self.outcomes.forget(now_us)
        return posterior(cohorts.seen, self.law.exposure)

    def shares(self, now_us: int) -> tuple[float, ...]:
        """Of the units to come; the same log and time give the same answer."""
        best = self.belief(now_us).best(DRAWS, np.random.default_rng(now_us))
        return tuple(with_floor(best, self.experiment.floor).tolist())

    def _counted(self, records: Iterable[tuple[int, Record]]) -> Iterable[Record]:
        for seq, record in records:
            self.seq, self.taken = seq, self.taken + 1
            yield record
