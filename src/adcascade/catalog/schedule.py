"""Schedule: which campaigns, or ad groups, may serve now, by status, start, end, parts of the week and money."""

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.hours import ALWAYS, FOREVER_US, Hours
from adcascade.catalog.nouns import Status
from adcascade.catalog.packed.image import Array, Arrays

_COLUMNS: dict[str, tuple[type[np.generic], int]] = {
    "start": (np.int64, 0),
    "end": (np.int64, 0),
    "hours": (np.int32, ALWAYS),
    "active": (np.bool_, 0),
    "funded": (np.bool_, 1),
    "serving": (np.bool_, 0),  # as last told
}


class Schedule:
    """Members by number, 0, 1, 2, ...; tells which of them change between serving and not serving."""

    def __init__(self, hours: Hours) -> None:
        """No members. `hours` may be shared; whoever owns it sets its clock before this one's."""
        self._hours = hours
        self._count = 0
        self._columns = {name: np.full(64, fill, dtype) for name, (dtype, fill) in _COLUMNS.items()}
        self._now_us = -FOREVER_US
        self._since_us, self._until_us = FOREVER_US, -FOREVER_US  # no window: the next tick looks at all

    def put(self, number: int, status: Status, start_us: int, end_us: int | None, hours: int) -> None:
        """Insert the member at the end, or replace it; new ones are funded. Ask `flips` afterwards."""
        if number == self._count:
            self._grow(number + 1)
        columns = self._columns
        columns["start"][number] = start_us
        columns["end"][number] = FOREVER_US if end_us is None else end_us
        columns["hours"][number] = hours
        columns["active"][number] = status == "active"
        self._since_us, self._until_us = FOREVER_US, -FOREVER_US

    def _grow(self, count: int) -> None:
        self._count = count
        capacity = len(self._columns["start"])
        if count > capacity:
            for name, (dtype, fill) in _COLUMNS.items():
                self._columns[name] = np.concatenate((self._columns[name], np.full(capacity, fill, dtype)))

    def pack(self) -> dict[str, Array]:
        """The members, and the clock as of which they serve; what money is left is not written: all are funded."""
        return {**self._columns, "count": np.array([self._count]), "now": np.array([self._now_us])}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote; only into what is new."""
        self._columns = {name: arrays[name] for name in _COLUMNS}
        self._count, self._now_us = int(arrays["count"][0]), int(arrays["now"][0])

    def fund(self, number: int, *, funded: bool) -> None:
        """The member has money left, or not."""
        self._columns["funded"][number] = funded

    def is_funded(self, number: int) -> bool:
        """Whether the member has money left."""
        return bool(self._columns["funded"][number])

    def is_serving(self, number: int) -> bool:
        """Whether the member served when last asked."""
        return bool(self._columns["serving"][number])

    def are_serving(self, numbers: NDArray[np.integer]) -> NDArray[np.bool_]:
        """The same of many: [n] -> bool [n]."""
        return np.asarray(self._columns["serving"][numbers], np.bool_)

    def flips(self, number: int) -> bool:
        """Whether the member changed between serving and not; remembers the new state."""
        return bool(len(self._flipped(np.array([number]))))

    def _flipped(self, numbers: NDArray[np.integer]) -> NDArray[np.integer]:
        of = {name: column[numbers] for name, column in self._columns.items()}
        serving = of["active"] & of["funded"] & (of["start"] <= self._now_us) & (self._now_us < of["end"])
        serving &= self._hours.are_open(of["hours"])
        self._columns["serving"][numbers] = serving
        return np.asarray(numbers[serving != of["serving"]])

    def tick(self, now_us: int) -> list[int]:
        """Set the clock; the members that begin or end serving by it. Free within a window without changes."""
        steady = self._since_us <= now_us < self._until_us
        self._now_us = now_us
        if steady:
            return []
        since, until = self._hours.window
        times = np.concatenate((self._columns["start"][: self._count], self._columns["end"][: self._count]))
        past, ahead = times[times <= now_us], times[times > now_us]
        self._since_us = max(since, int(past.max(initial=-FOREVER_US)))
        self._until_us = min(until, int(ahead.min(initial=FOREVER_US)))
        return [int(number) for number in self._flipped(np.arange(self._count))]
