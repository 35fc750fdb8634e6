"""Share: which ads of the catalog are a shard's own.

Shard s of S owns the rows r with r mod S = s - 1. A row is an ad's number for life and rows are only ever appended,
so an ad keeps its shard as long as S stays, and shards grow evenly. Within the shard the row is r div S: its arrays,
bitmaps and indexes hold no gap where other shards' ads are, so they take an S-th of the memory.
"""

import math
import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.changes import Changes
from adcascade.errors import ConfigurationError

WRITTEN = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
MOST = 1_000  # shards
Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Share:
    """Shard `number`, from 1, of `count`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of "2/3"; ConfigurationError for what is no shard."""
        found = WRITTEN.fullmatch(text.strip())
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count <= MOST:
            raise ConfigurationError(
                f"the shard is {text!r}; expected its number and how many there are, such as 1/3: "
                f"numbers begin at 1, and there are at most {MOST}"
            )
        return cls(number, count)

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.number}/{self.count}"

    def of(self, changes: Changes) -> Changes:
        """Its own ads among the changes, at rows within the shard; everything else is every shard's."""
        first, count = self.number - 1, self.count
        own = [(row // count, ad) for row, ad in changes.ads if row % count == first]
        return Changes(
            version=changes.version,
            advertisers=changes.advertisers,
            campaigns=changes.campaigns,
            ad_groups=changes.ad_groups,
            ads=own,
        )

    def rows(self, within: Rows) -> Rows:
        """The catalog's rows [n] of rows within the shard [n]."""
        return (within * np.int32(self.count) + np.int32(self.number - 1)).astype(np.int32)


def even_share(n: int, count: int, slack: float) -> int:
    """How many a shard keeps so that hardly any of the n best of all is lost; at most n.

    The n best fall on the shards as by chance, so one shard has n / S of them, give or take a binomial deviation:

        n / S + slack sqrt( n / S (1 - 1 / S) )

    >>> even_share(300, 1, 3.0), even_share(300, 3, 3.0), even_share(300, 3, 0.0)
    (300, 125, 100)
    """
    mean = n / count
    return min(n, math.ceil(mean + slack * math.sqrt(mean * (1 - 1 / count))))


def shard_widths(retrieve: int, prerank: int, count: int, slack: float) -> tuple[int, int]:
    """(retrieve, prerank) of each of `count` shards, for a whole that is so wide.

    Pre-ranking also keeps what retrieval let through beyond an even share: those may outrank the others here.
    """
    wide = even_share(retrieve, count, slack)
    return wide, min(wide, even_share(prerank, count, slack) + wide - math.ceil(retrieve / count))
