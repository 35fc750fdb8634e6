"""How often somebody does something: exact sliding windows in bounded memory."""

from collections import OrderedDict, deque


class Rate:
    """At most `limit` events of a key within any `window_us`; 0: no limit.

    Held are the last `limit` times of each key, in all at most `entries` times: where there are more, the keys that
    have been quiet longest are forgotten, and may begin anew.
    """

    def __init__(self, limit: int, window_us: int, *, entries: int = 1_000_000) -> None:
        self.limit, self.window_us, self.entries = limit, window_us, entries
        self._times: OrderedDict[str, deque[int]] = OrderedDict()
        self._held = 0

    @property
    def held(self) -> int:
        """Times in memory."""
        return self._held

    def over(self, key: str, now_us: int) -> bool:
        """Count an event of the key; True where `limit` others came within the window before it.

        What is over counts, too: who never pauses stays over.
        """
        if not self.limit:
            return False
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = deque()
        else:
            self._times.move_to_end(key)
        before = len(times)
        while times and now_us - times[0] >= self.window_us:
            times.popleft()
        full = len(times) >= self.limit
        if full:
            times.popleft()
        times.append(now_us)
        self._held += len(times) - before
        while self._held > self.entries:
            _, quiet = self._times.popitem(last=False)
            self._held -= len(quiet)
        return full
