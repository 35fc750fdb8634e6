"""Kept: answers that read much of a log, made one at a time beside the requests, each kept for a while in memory.

What took long is kept long: for fifty times as long as it took, at most a minute. So whoever looks at what is quickly
made sees it as it is, and all looks together cost a server at most one fiftieth of one of its cores.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar, cast

T = TypeVar("T")
TIMES = 50
LONGEST_US = 60_000_000
MOST = 64  # answers; the one made first goes first


class _Answer(NamedTuple):
    made_us: int
    took_us: float
    value: object


class Kept:
    """By key. Who asks while an answer is being made waits, and then has it too."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, _Answer] = {}
        self._one = asyncio.Lock()

    async def get(self, key: Hashable, now_us: int, make: Callable[[], T], *, final: bool = False) -> T:
        """The answer that is kept, or a new one. final: it never changes."""
        async with self._one:
            kept = self._answers.get(key)
            if kept is None or not (final or 0 <= now_us - kept.made_us <= min(TIMES * kept.took_us, LONGEST_US)):
                began = time.perf_counter()
                value = await asyncio.to_thread(make)
                kept = _Answer(now_us, (time.perf_counter() - began) * 1e6, value)
                self._answers.pop(key, None)
                self._answers[key] = kept
                while len(self._answers) > MOST:
                    del self._answers[next(iter(self._answers))]
            return cast("T", kept.value)
