"""Sections: the ads of one campaign that share an ad group, or have none; what is switched on and off as a whole.

A section serves while its campaign and its group do. Rows of a section are members; those that are active and in stock
are alive. Letters: M rows of a call.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.column import Column
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.rowsets import NUMBERS, Rows, RowSets, union_of

NO_GROUP = -1
LAST = -1


class Sections:
    """Sections by number; campaigns and groups are named by their own numbers, 0, 1, 2, ..."""

    def __init__(self) -> None:
        """No sections."""
        self.members: RowSets[int] = RowSets(NUMBERS)
        self.alive: RowSets[int] = RowSets(NUMBERS)
        self._campaign = Column()  # by section
        self._group = Column()  # by section, NO_GROUP: of ads without one
        self._direct = Column()  # by campaign: its section without a group
        self._of_group = Column()  # by group: its section
        self._last = Column()  # by campaign: its last section with a group, or LAST
        self._before = Column()  # by section: the one with a group before it in its campaign, or LAST

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self.members.grow(capacity)
        self.alive.grow(capacity)

    def open_campaign(self) -> None:
        """The next campaign is there."""
        self._direct.append(self._open(len(self._direct), NO_GROUP))
        self._last.append(LAST)

    def open_group(self, campaign: int) -> None:
        """The next group is there, in this campaign for life."""
        section = self._open(campaign, len(self._of_group))
        self._of_group.append(section)
        self._before[section], self._last[campaign] = self._last[campaign], section

    def _open(self, campaign: int, group: int) -> int:
        self._campaign.append(campaign)
        self._group.append(group)
        self._before.append(LAST)
        return len(self._campaign) - 1

    def numbers(self, campaigns: NDArray[np.int32], groups: NDArray[np.int32]) -> NDArray[np.int64]:
        """The section of each pair of campaign and group, int32 [M] -> int64 [M]."""
        numbers = self._direct.values[campaigns].astype(np.int64)
        grouped = np.flatnonzero(groups != NO_GROUP)
        numbers[grouped] = self._of_group.values[groups[grouped]]
        return numbers

    def of_campaign(self, campaign: int) -> Iterator[tuple[int, int]]:
        """(section, group) of each section of a campaign."""
        yield self._direct[campaign], NO_GROUP
        section = self._last[campaign]
        while section != LAST:
            yield section, self._group[section]
            section = self._before[section]

    def of_group(self, group: int) -> tuple[int, int]:
        """(section, campaign) of a group."""
        section = self._of_group[group]
        return section, self._campaign[section]

    def campaign_rows(self, campaign: int) -> Rows:
        """The rows of a campaign, ascending."""
        return union_of(self.members.rows(section) for section, _ in self.of_campaign(campaign))

    def group_rows(self, group: int) -> Rows:
        """The rows of a group, ascending."""
        return self.members.rows(self._of_group[group])

    # ---- images

    def _columns(self) -> dict[str, Column]:
        return {
            "campaign": self._campaign,
            "group": self._group,
            "direct": self._direct,
            "of_group": self._of_group,
            "last": self._last,
            "before": self._before,
        }

    def pack(self) -> dict[str, Array]:
        """All there is, as arrays."""
        columns = {name: column.values for name, column in self._columns().items()}
        return columns | below("members", self.members.pack()) | below("alive", self.alive.pack())

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        for name, column in self._columns().items():
            column.values = arrays[name]
        self.members.unpack(part(arrays, "members"))
        self.alive.unpack(part(arrays, "alive"))
