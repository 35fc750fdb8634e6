"""Cohorts: clicks by arm and age, all that an estimator of a delay law needs to know of them.

A click is a unit: it converts or not, and if so after a delay. What is known of it now is its age, and the delay where
the conversion has come. Units of about one age are counted together; a cohort of one unit is a unit itself, so nothing
is lost but what the caller chooses to round.

Letters in shapes: ... any number of replicas, K arms, B cohorts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohorts:
    """age [..., 1 or K, B] of a cohort's units, units and converted (of those) [..., K, B], delays [..., K] summed."""

    age: Floats
    units: Floats
    converted: Floats
    delays: Floats  # of all conversions seen, in the unit of age

    def __post_init__(self) -> None:
        if self.units.shape != self.converted.shape or self.delays.shape != self.units.shape[:-1]:
            raise ValueError(
                f"units {self.units.shape}, converted {self.converted.shape}, delays {self.delays.shape}: "
                "expected [..., K, B] twice and [..., K]"
            )

    @property
    def open(self) -> Floats:
        """Units that have not converted yet, [..., K, B]."""
        return self.units - self.converted

    @property
    def seen(self) -> Floats:
        """S, conversions seen of each arm, [..., K]."""
        return np.asarray(self.converted.sum(-1))

    @property
    def clicks(self) -> Floats:
        """N, units of each arm, [..., K]."""
        return np.asarray(self.units.sum(-1))


def cohorts_of(arm: NDArray[np.int64], age: Floats, delay: Floats, arms: int) -> Cohorts:
    """Every unit a cohort of its own: arm, age and delay [n], the delay NaN or beyond the age where none came yet."""
    own = (arm == np.arange(arms)[:, None]).astype(np.float64)  # [K, n]
    came = np.nan_to_num(delay, nan=np.inf) <= age
    delays = (own * np.where(came, delay, 0.0)).sum(-1)
    return Cohorts(age=age[None, :], units=own, converted=own * came, delays=delays)
