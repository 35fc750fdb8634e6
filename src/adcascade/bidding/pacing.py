"""Multiplicative pacing: bid alpha times the value, and move alpha so that spending follows the day's plan.

Once per control slot, all in shares of the day's budget (s: spent) and of the day's plan (p: traffic by forecast):

    wanted   w = (1 - s) * dp / (1 - p)        what is left, spread over the traffic that is left
    memory   S <- S e^(-dp/h) + ds,   W <- W e^(-dp/h) + w        of the last h of the plan
    error    e = (S - W) / (W + h / 2)
    alpha    <- clip( alpha * exp( -gain * dp/h * e ), lowest, 1 )

Spending as wanted moves nothing. The step grows with dp, so the law of motion is the same for long and short
control slots; the memory h lets a campaign with few clicks a day see enough of them. What was over- or
underspent changes what is left and so what is wanted: no error stays.

alpha <= 1, so no bid is raised above what the advertiser said. After Balseiro and Gur, "Learning in
repeated auctions with budgets" (2019: multiplicative updates of a pacing factor, per auction) and Agarwal et al.,
"Budget pacing for targeted online advertisements at LinkedIn" (2014: the forecast curve of the day).

Letters in shapes: C campaigns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PacingRule:
    """The dials of the law of motion."""

    gain: float = 0.25
    memory: float = 0.04  # h, share of the day's plan
    lowest: float = 0.1  # alpha never leaves [lowest, 1]
    largest_step: float = 0.7  # of log alpha in one control slot

    def __post_init__(self) -> None:
        if not (self.gain > 0 and self.memory > 0 and 0 < self.lowest <= 1 and self.largest_step > 0):
            raise ValueError(f"{self} cannot steer: gain, memory and largest_step above 0, lowest in (0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What pacing remembers of C campaigns between control slots."""

    alpha: Float  # [C] in [lowest, 1]
    spent: Float  # [C] share of the budget spent when it last looked
    planned: Float  # [C] share of the plan that was due then
    recent: Float  # [C] S
    recent_wanted: Float  # [C] W

    @classmethod
    def start(cls, alpha: Float) -> "Pace":
        """The beginning of a day with these alphas [C]."""
        zero = np.zeros(len(alpha))
        return cls(alpha=alpha, spent=zero, planned=zero, recent=zero, recent_wanted=zero)


def wanted_share(spent: Float, planned: Float, planned_next: Float) -> Float:
    """Share of the budget to spend until `planned_next`, given what is spent at `planned`: [C] each -> [C]."""
    left = np.maximum(1.0 - spent, 0.0)
    plan_left = 1.0 - planned
    return left * np.divide(planned_next - planned, plan_left, out=np.zeros_like(left), where=plan_left > 0)


def paced(pace: Pace, spent: Float, planned: Float, rule: PacingRule) -> Pace:
    """One control slot later: `spent` and `planned`, shares [C] since the beginning of the day, not falling."""
    step = np.maximum(planned - pace.planned, 0.0)
    forget = np.exp(-step / rule.memory)
    recent = pace.recent * forget + np.maximum(spent - pace.spent, 0.0)
    wanted = pace.recent_wanted * forget + wanted_share(pace.spent, pace.planned, pace.planned + step)
    error = (recent - wanted) / (wanted + rule.memory / 2)
    turn = np.clip(-rule.gain * step / rule.memory * error, -rule.largest_step, rule.largest_step)
    return Pace(
        alpha=np.clip(pace.alpha * np.exp(turn), rule.lowest, 1.0),
        spent=spent,
        planned=pace.planned + step,
        recent=recent,
        recent_wanted=wanted,
    )
