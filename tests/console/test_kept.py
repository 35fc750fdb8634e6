"""Kept answers: made once for all who ask together, kept as long as they were dear, and never too many."""

import asyncio
import time

import pytest

from adcascade.console.kept import LONGEST_US, MOST, Kept


class Maker:
    """Counts how often it was asked, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.made, self.seconds = 0, seconds

    def __call__(self) -> int:
        """The number of the answer."""
        self.made += 1
        time.sleep(self.seconds)
        return self.made


def test_who_asks_together_has_one_answer() -> None:
    """It is made once; another key has its own."""
    kept, make = Kept(), Maker(0.02)

    async def together() -> list[int]:
        return await asyncio.gather(*(kept.get("a", 1, make) for _ in range(5)))

    assert asyncio.run(together()) == [1] * 5
    assert asyncio.run(kept.get("b", 1, make)) == 2


def test_what_took_long_is_kept_long_and_what_is_final_for_good() -> None:
    """Ten milliseconds are worth half a second; nothing is kept for more than a minute, or from the future."""
    kept, make = Kept(), Maker(0.01)
    ask = [asyncio.run(kept.get("a", at, make)) for at in (1_000_000, 1_300_000, 1_000_000 + LONGEST_US + 1, 5)]
    assert ask == [1, 1, 2, 3]
    assert [asyncio.run(kept.get("b", at, make, final=True)) for at in (1, 10**15)] == [4, 4]


def test_a_failure_is_not_kept() -> None:
    """Who asks next tries again."""
    kept = Kept()

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(kept.get("a", 1, fail))
    assert asyncio.run(kept.get("a", 1, Maker())) == 1


def test_the_oldest_answers_are_let_go() -> None:
    """At most so many."""
    kept, make = Kept(), Maker()
    for number in range(MOST + 1):
        asyncio.run(kept.get(number, 1, make, final=True))
    assert asyncio.run(kept.get(1, 1, make, final=True)) == 2
    assert asyncio.run(kept.get(0, 1, make, final=True)) == MOST + 2
