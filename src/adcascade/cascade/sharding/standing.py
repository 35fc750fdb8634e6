"""Standing: what one front has told a shard of its campaigns: how they are paced, and which have no money left.

Pacing and money are a front's own (each has leases and a control loop), so a shard keeps them apart by the line that
told them. `Told` is the front's side of a line: it finds what changed since that line was told last.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.sharding.messages import Terms
from adcascade.catalog.bitmaps import Bits, pack
from adcascade.catalog.snapshot import Snapshot


@dataclass(slots=True)
class Told:
    """What a line has been told."""

    alphas: Mapping[str, float] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def news(self, alphas: Mapping[str, float], closed: Collection[str]) -> Terms | None:
        """What to tell it, None where it knows all; it counts as told. alphas: of campaigns that are held back."""
        now = frozenset(closed)
        if alphas is self.alphas and now == self.closed:
            return None
        moved = {name: alpha for name, alpha in alphas.items() if self.alphas.get(name) != alpha}
        moved |= {name: 1.0 for name in self.alphas if name not in alphas}
        terms = Terms(alphas=moved, closed=tuple(now - self.closed), opened=tuple(self.closed - now))
        self.alphas, self.closed = alphas, now
        return terms if moved or terms.closed or terms.opened else None


def held_back(alpha: NDArray[np.float64], snapshot: Snapshot) -> dict[str, float]:
    """Pacing factors [C] other than 1, by campaign id."""
    numbers = np.flatnonzero(alpha != 1.0)
    return {snapshot.campaigns[number].id: float(alpha[number]) for number in numbers.tolist()}


class Standing:
    """A shard's side of a line."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Nothing is told yet: every campaign has money and bids as its advertiser does."""
        self._snapshot = snapshot
        self._alphas: dict[str, float] = {}
        self._closed: set[str] = set()
        self._known: tuple[int, int, int] | None = None  # what the arrays are of
        self._alpha = np.ones(0)
        self._open: Bits | None = None

    def hear(self, terms: Terms) -> None:
        """Take it in."""
        for name, alpha in terms.alphas.items():
            if alpha == 1.0:
                self._alphas.pop(name, None)
            else:
                self._alphas[name] = alpha
        self._closed = (self._closed | set(terms.closed)) - set(terms.opened)
        self._known = None

    @property
    def alpha(self) -> NDArray[np.float64]:
        """[C] by the shard's numbers of campaigns."""
        self._follow()
        return self._alpha

    @property
    def open(self) -> Bits | None:
        """Packed rows of campaigns that have money; None: all have."""
        self._follow()
        return self._open

    def _follow(self) -> None:
        """Arrays anew, where terms or catalog are others now."""
        snapshot = self._snapshot
        now = (snapshot.version, snapshot.n, len(snapshot.campaigns))
        if self._known == now:
            return
        self._known = now
        self._alpha = np.ones(len(snapshot.campaigns))
        for name, alpha in self._alphas.items():
            if (number := snapshot.campaign_index_of.get(name)) is not None:
                self._alpha[number] = alpha
        closed = [number for name in self._closed if (number := snapshot.campaign_index_of.get(name)) is not None]
        self._open = pack(~np.isin(snapshot.campaign, closed)) if closed else None
