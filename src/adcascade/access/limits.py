"""Rate limits: a token bucket a caller, in bounded memory.

A bucket holds up to `burst` tokens and gains `rate` tokens a second; a call takes one. Buckets that are full again
say nothing and are forgotten first.
"""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Limits:
    """Buckets by caller. rate: calls a second in the long run; burst: calls at once. callers: held in memory."""

    def __init__(self, *, rate: float, burst: int, callers: int = 100_000) -> None:
        self._rate, self._burst, self._callers = rate, burst, callers
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, now_s: float) -> float:
        """0.0 where the call is allowed; else the seconds to wait until one would be."""
        bucket = self._refilled(caller, now_s)
        if bucket.tokens >= 1.0:
            bucket.tokens -= 1.0
            return 0.0
        return (1.0 - bucket.tokens) / self._rate

    def exhausted(self, caller: str, now_s: float) -> float:
        """As `take`, and takes nothing."""
        tokens = self._refilled(caller, now_s).tokens
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._rate

    def _refilled(self, caller: str, now_s: float) -> _Bucket:
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(float(self._burst), now_s)
            if len(self._buckets) > self._callers:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(caller)
        gained = max(0.0, now_s - bucket.at_s) * self._rate  # a clock that went back gives nothing
        bucket.tokens, bucket.at_s = min(float(self._burst), bucket.tokens + gained), max(bucket.at_s, now_s)
        return bucket
