"""History: the last hour in looks five seconds apart, in bounded memory. One thread adds, any may ask."""

from collections import deque
from collections.abc import Sequence

from adcascade.console.counters import Counters

EVERY_US = 5_000_000
KEPT = 721  # an hour, and the look before it


class History:
    """A ring of looks, the newest last."""

    def __init__(self, kept: int = KEPT) -> None:
        self._looks: deque[Counters] = deque(maxlen=kept)

    def add(self, look: Counters) -> None:
        """The newest look; one that is not later than the last one, as after a clock that went back, begins anew."""
        if self._looks and look.time_us <= self._looks[-1].time_us:
            self._looks.clear()
        self._looks.append(look)

    def last(self, length_us: int, points: int) -> Sequence[Counters]:
        """Looks of the last `length_us`, at most about `points` steps apart evenly, the newest always; oldest first."""
        looks = list(self._looks)
        if not looks:
            return ()
        newest = looks[-1].time_us
        within = [look for look in looks if look.time_us >= newest - length_us]
        step = max(1, -(-(len(within) - 1) // points))
        return within[::-1][::step][::-1]
