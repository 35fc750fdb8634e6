"""Hours: the distinct parts of the week that campaigns and ad groups name, and which of them are open now."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.packed.image import Array, Arrays, plain, read_plain
from adcascade.catalog.week import Week, week_of

ALWAYS = 0  # the number of what names no times
FOREVER_US = 2**63 - 1


class Hours:
    """W weeks by number; each is asked again only when its own window is left."""

    def __init__(self) -> None:
        """Only what is always open; the clock stands at the beginning of time."""
        self._numbers: dict[tuple[tuple[str, ...], str], int] = {((), ""): ALWAYS}
        self._weeks: list[Week | None] = [None]
        self._open: list[bool] = [True]
        self._since: list[int] = [-FOREVER_US]
        self._until: list[int] = [FOREVER_US]
        self._now_us = -FOREVER_US
        self.window = (-FOREVER_US, FOREVER_US)  # no week opens or closes while the clock stands in [since, until)

    def number(self, times: Sequence[str], zone: str) -> int:
        """The number of these parts of the week in this zone."""
        key = (tuple(times), zone) if times else ((), "")
        number = self._numbers.setdefault(key, len(self._weeks))
        if number == len(self._weeks):
            week = week_of(*key)
            is_open, since, until = week.window(self._now_us)
            self._weeks.append(week)
            self._open.append(is_open)
            self._since.append(since)
            self._until.append(until)
            self.window = max(self.window[0], since), min(self.window[1], until)
        return number

    def tick(self, now_us: int) -> None:
        """Set the clock."""
        self._now_us = now_us
        if self.window[0] <= now_us < self.window[1]:
            return
        for number, week in enumerate(self._weeks):
            if week is not None and not self._since[number] <= now_us < self._until[number]:
                self._open[number], self._since[number], self._until[number] = week.window(now_us)
        self.window = max(self._since), min(self._until)

    def pack(self) -> dict[str, Array]:
        """The weeks in order, and the clock."""
        return {"weeks": plain(list(self._numbers)), "now": np.array([self._now_us])}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote; only into what is new."""
        self._now_us = int(arrays["now"][0])
        for times, zone in read_plain(arrays["weeks"]):
            self.number(times, zone)

    def are_open(self, numbers: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether each week is open now: int32 [n] -> bool [n]."""
        return np.array(self._open, np.bool_)[numbers]
