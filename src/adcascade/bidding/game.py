"""Game: a world in which many runs of n agents learn to bid at once; market/bidding has two.

Letters in shapes: R runs, E episodes, n agents, K levels.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class View(Protocol):
    """What the agents see before a step."""

    @property
    def seen(self) -> Floats:
        """[R, E, n, 3] share of the budget left, value, share of the time left."""
        ...

    @property
    def affordable(self) -> Floats:
        """[R, E, n] no higher bid may be chosen."""
        ...


class Step(Protocol):
    """What a step brought, [R, E, n] each."""

    @property
    def bid(self) -> Floats:
        """As it entered the auction."""
        ...

    @property
    def gained(self) -> Floats:
        """Value won."""
        ...

    @property
    def paid(self) -> Floats:
        """Money."""
        ...


class Game(Protocol):
    """A world of R runs that MAAB can learn in; market/bidding has two."""

    @property
    def agents(self) -> int:
        """The number n."""
        ...

    @property
    def steps(self) -> int:
        """The number T."""
        ...

    @property
    def grid(self) -> Floats:
        """Bids that can be chosen, rising from 0, [K]."""
        ...

    def reset(self, randoms: Sequence[np.random.Generator], episodes: int, /) -> View:
        """Begin so many episodes of each run, with one generator a run."""
        ...

    def step(self, bid: Floats, /) -> tuple[Step, View]:
        """Hold the auctions of bids [R, E, n]."""
        ...
