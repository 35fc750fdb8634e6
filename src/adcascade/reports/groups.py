"""Groups of seals whose facts lie in one file: a server seals every hour, and a year of hours is many files to open.

Seals are only ever appended, so whoever counts them from the first one finds the same groups: as many whole large ones
as there are, then whole small ones, then single seals.

    SIZES = (576, 24): of 602 seals one group of 576, one of 24, and two that stand alone
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

SIZES = (576, 24)  # seals of a group: about 24 days, a day


class Seal(NamedTuple):
    """A sealed part of the log: its folder, its first and its last number."""

    folder: str
    first: int
    last: int


def grouped(seals: Sequence[Seal], sizes: Sequence[int] = SIZES) -> Iterator[tuple[Seal, ...]]:
    """The seals in their order, in groups. sizes: falling, each a multiple of the next.

    >>> [len(group) for group in grouped([Seal("", n, n) for n in range(602)])]
    [576, 24, 1, 1]
    """
    start = 0
    for size in (*sizes, 1):
        while start + size <= len(seals):
            yield tuple(seals[start : start + size])
            start += size


def parted(group: tuple[Seal, ...], sizes: Sequence[int] = SIZES) -> Iterator[tuple[Seal, ...]]:
    """The smaller groups that a group is made of."""
    return grouped(group, [size for size in sizes if size < len(group)])
