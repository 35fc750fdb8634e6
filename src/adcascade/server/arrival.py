"""Arrival: when a request reached this machine, as far as the process can know.

An event loop that is busy does not look at its sockets, so a request has waited before the process knows of it.
`Pulse` beats once a turn of the loop, at most every few milliseconds: a request that is read now was not there when
the pulse beat last, or it would have been read then. So the last beat is the earliest that it can have arrived, and an
age counted from it is never too short. (That holds for loops that read as they poll, as uvloop does; under the
standard library's loop the age may be short by one turn.)
"""

import asyncio
from contextvars import ContextVar
from time import monotonic

PERIOD_S = 0.005
PULSE = "pulse"  # in the state of a lifespan, and so of every request
SINCE = "arrived"  # in the state of a request: monotonic seconds

arrived: ContextVar[float | None] = ContextVar("arrived", default=None)  # of the request that is being answered


class Pulse:
    """Beats in the running event loop until it is stopped."""

    def __init__(self) -> None:
        self.lag_s = 0.0  # by how much the last beat was late
        self._last_s = monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Beat from now on, in the running loop."""
        self._last_s = monotonic()
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()

    def earliest_s(self) -> float:
        """When what is read now can have arrived at the earliest; monotonic seconds, at most now."""
        now = monotonic()
        return now if now - self._last_s < 2 * PERIOD_S else self._last_s

    def _beat(self) -> None:
        now = monotonic()
        self.lag_s = max(0.0, now - self._last_s - PERIOD_S)
        self._last_s = now
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._beat)


def age_us(now_s: float) -> float:
    """Microseconds since the request that is being answered arrived; 0 where nobody noted it."""
    since = arrived.get()
    return 0.0 if since is None else max(0.0, now_s - since) * 1e6
