"""Rule: one sentence of the specification that can be checked from outside."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from adcascade.conformance.trial import Outcome, Trial

Level = Literal["required", "recommended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """id; section of the specification; what must hold; how it is checked.

    A check gives one outcome for each thing that it looked at: a Finding, or None where the rule holds.
    A rule without outcomes was not exercised. level: a recommended one does not fail the suite.
    """

    id: str
    section: str
    says: str
    check: Callable[[Trial], Iterable[Outcome]]
    level: Level = "required"
