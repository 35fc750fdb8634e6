"""Schedule: which campaigns may serve now, by status, start, end and money."""

from collections.abc import Iterable, Iterator

from adcascade.catalog.nouns import Campaign

FOREVER_US = 2**63 - 1


class Schedule:
    """C campaigns by index; tells which of them change between serving and not serving."""

    def __init__(self) -> None:
        """No campaigns; the clock stands at the beginning of time."""
        self._start: list[int] = []
        self._end: list[int] = []
        self._active: list[bool] = []
        self._funded: list[bool] = []
        self._serving: list[bool] = []
        self.now_us = -FOREVER_US
        self._since_us, self._until_us = -FOREVER_US, FOREVER_US  # the window in which no campaign starts or ends

    def put(self, index: int, campaign: Campaign) -> None:
        """Insert the campaign at the end, or replace it; new ones are funded. Tell `changed` afterwards."""
        if index == len(self._start):
            for column, value in ((self._start, 0), (self._end, 0)):
                column.append(value)
            self._active.append(False)
            self._funded.append(True)
            self._serving.append(False)
        self._start[index] = campaign.start_us
        self._end[index] = FOREVER_US if campaign.end_us is None else campaign.end_us
        self._active[index] = campaign.status == "active"
        self._narrow((self._start[index], self._end[index]))

    def _narrow(self, times: Iterable[int]) -> None:
        for time_us in times:
            if time_us <= self.now_us:
                self._since_us = max(self._since_us, time_us)
            else:
                self._until_us = min(self._until_us, time_us)

    def fund(self, index: int, *, funded: bool) -> None:
        """The campaign has money left, or not."""
        self._funded[index] = funded

    def is_funded(self, index: int) -> bool:
        """Whether the campaign has money left."""
        return self._funded[index]

    def is_serving(self, index: int) -> bool:
        """Whether the campaign served when last asked."""
        return self._serving[index]

    def flips(self, index: int) -> bool:
        """Whether the campaign changed between serving and not; remembers the new state."""
        serving = self._active[index] and self._funded[index] and self._start[index] <= self.now_us < self._end[index]
        flipped = serving != self._serving[index]
        self._serving[index] = serving
        return flipped

    def tick(self, now_us: int) -> Iterator[int]:
        """Set the clock; the campaigns that start or end serving by it. Free within a window without changes."""
        steady = self._since_us <= now_us < self._until_us
        self.now_us = now_us
        if steady:
            return iter(())
        self._since_us, self._until_us = -FOREVER_US, FOREVER_US
        self._narrow(self._start)
        self._narrow(self._end)
        return iter([index for index in range(len(self._start)) if self.flips(index)])
