"""The deadline rule, written once.

Before a stage runs, the engine compares the time left with what the stage is expected to need plus what the
required stages behind it need (`after`):

1. it fits: the stage runs on all its candidates;
2. it fits for a quarter of the candidates or more: the stage runs on that many of the best, the others leave;
3. it fits for fewer: an optional stage is cut, a required one runs on a quarter all the same.

A stage that is cut, or that raises, leaves its candidates with the scores that the stage before gave them,
shortened to the number it would have let out. Every cut is named in the answer's record and counted.
"""

from dataclasses import dataclass, field

SHARE = 0.05  # weight of the newest observation in the moving averages
SETTLED = round(1 / SHARE)  # observations from which on they weigh the same
LEAST = 0.25  # a stage runs on no smaller share of its candidates


@dataclass(slots=True)
class Pace:
    """How long a stage takes per candidate: moving mean and mean absolute deviation, in nanoseconds."""

    mean_ns: float = 0.0
    deviation_ns: float = 0.0
    seen: int = field(default=0)

    def expected_ns(self, candidates: int) -> float:
        """A cautious forecast for so many candidates: mean plus two deviations."""
        return (self.mean_ns + 2.0 * self.deviation_ns) * (candidates or 1)

    def observe(self, elapsed_ns: float, candidates: int) -> None:
        """Learn from one call. The first calls weigh more, so that a cold start is forgotten."""
        each = elapsed_ns / (candidates or 1)
        self.seen += 1
        share = SHARE if self.seen >= SETTLED else 1.0 / self.seen
        off = each - self.mean_ns
        self.deviation_ns += share * (abs(off) * (self.seen > 1) - self.deviation_ns)
        self.mean_ns += share * off


def allowed(candidates: int, *, left_ns: float, need_ns: float, after_ns: float, required: bool) -> int:
    """How many candidates a stage may take: all, some, or 0 for "cut".

    left_ns: until the deadline; need_ns: expected for all candidates; after_ns: of the required stages behind.
    """
    mine = left_ns - after_ns
    if need_ns <= mine:
        return candidates
    least = max(1, int(candidates * LEAST))
    fits = int(candidates * mine / need_ns) if mine > 0 else 0
    if fits >= least:
        return fits
    return least if required else 0
