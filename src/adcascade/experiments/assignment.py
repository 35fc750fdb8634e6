"""Assignment: which arm a unit belongs to, for good.

    place(unit) = hash(experiment, unit) in [0, 1)          never changes
    arm(unit)   = the arm whose span holds the place, by the allocation under which the unit first came

A unit's *pin* is the number of that allocation. So nobody changes sides when the allocation does, and under one
allocation a unit needs no memory at all: its pin only matters once there is a newer one.

Pins are in memory here, on their way to the store in `fresh`, and in every record of the log that they made: after a
crash `recall` finds in the log's tail what the store had not got yet. What neither has is a first visit of the last
moments, whose record was lost as well; it keeps its arm too, unless the allocation is changed before it comes again.

Keys are hashed before they are kept. A unit costs about 120 bytes of memory; requests are units for once and cost none.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from adcascade.events.records import Exposure
from adcascade.experiments.experiment import Allocation, Experiment, arm_at

BITS = 63  # of a hash: what SQLite holds as an integer


def hash_of(experiment: str, unit: str) -> int:
    """A whole number in [0, 2^63), the same for life."""
    digest = blake2b(f"{experiment}\n{unit}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - BITS)


def place_of(hashed: int) -> float:
    """Its place in [0, 1): 53 bits, so that it is never rounded up to 1.

    >>> place_of(2**63 - 1) < 1
    True
    """
    return (hashed >> (BITS - 53)) / 2.0**53


class Assignment:
    """The pins of one experiment. allocations: all there ever were, oldest first; pins: hash -> allocation number."""

    def __init__(self, experiment: Experiment, allocations: Sequence[Allocation], pins: Mapping[int, int]) -> None:
        self.experiment = experiment
        self.allocations = {allocation.number: allocation for allocation in allocations}
        self.current = allocations[-1]
        self.pins = dict(pins)
        self.fresh: dict[int, int] = {}  # pins that the store has not got yet

    def exposure(self, user: str | None, request: str) -> tuple[int, Exposure]:
        """The arm of a request, and what its record says of it. A user that comes for the first time is pinned."""
        by_user = user is not None and self.experiment.unit == "user"
        unit = user if by_user and user is not None else request
        hashed = hash_of(self.experiment.name, unit)
        number = self.pins.get(hashed) if by_user else None
        if number is None:
            number = self.current.number
            if by_user:
                self.pins[hashed] = self.fresh[hashed] = number
        shares = self.allocations[number].shares
        arm = arm_at(place_of(hashed), shares)
        name = self.experiment.arms[arm]
        return arm, Exposure(
            experiment=self.experiment.name, arm=name, unit=unit, share=shares[arm], allocation=number, pinned=by_user
        )

    def recall(self, exposure: Exposure) -> None:
        """An exposure from the log: the first one of a unit is its pin, where the store knows none."""
        if exposure.experiment != self.experiment.name or not exposure.pinned:
            return
        hashed = hash_of(exposure.experiment, exposure.unit)
        if hashed not in self.pins and exposure.allocation in self.allocations:
            self.pins[hashed] = self.fresh[hashed] = exposure.allocation

    def allocate(self, allocation: Allocation) -> None:
        """New units follow this allocation from now on."""
        self.allocations[allocation.number] = allocation
        self.current = allocation

    def take_fresh(self) -> dict[int, int]:
        """Pins to be written; they are not fresh any more."""
        fresh, self.fresh = self.fresh, {}
        return fresh
