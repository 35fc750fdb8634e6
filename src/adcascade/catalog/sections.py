"""Sections: the ads of one campaign that share an ad group, or have none; what is switched on and off as a whole.

A section serves while its campaign and its group do. Rows of a section are members; those that are active and in stock
are alive. Letters: M rows of a call.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.rowsets import Rows, RowSets, union_of

NO_GROUP = -1


class Sections:
    """Sections by number; campaigns and groups are named by their own numbers, 0, 1, 2, ..."""

    def __init__(self) -> None:
        """No sections."""
        self.members: RowSets[int] = RowSets()
        self.alive: RowSets[int] = RowSets()
        self._campaign: list[int] = []  # by section
        self._group: list[int] = []  # by section, NO_GROUP: of ads without one
        self._direct: list[int] = []  # by campaign: its section without a group
        self._of_group: list[int] = []  # by group: its section
        self._grouped: dict[int, list[int]] = {}  # by campaign: its sections with a group

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self.members.grow(capacity)
        self.alive.grow(capacity)

    def open_campaign(self) -> None:
        """The next campaign is there."""
        self._direct.append(self._open(len(self._direct), NO_GROUP))

    def open_group(self, campaign: int) -> None:
        """The next group is there, in this campaign for life."""
        section = self._open(campaign, len(self._of_group))
        self._of_group.append(section)
        self._grouped.setdefault(campaign, []).append(section)

    def _open(self, campaign: int, group: int) -> int:
        self._campaign.append(campaign)
        self._group.append(group)
        return len(self._campaign) - 1

    def numbers(self, campaigns: NDArray[np.int32], groups: NDArray[np.int32]) -> NDArray[np.int64]:
        """The section of each pair of campaign and group, int32 [M] -> int64 [M]."""
        pairs = zip(campaigns.tolist(), groups.tolist(), strict=True)
        direct, of_group = self._direct, self._of_group
        return np.array([direct[c] if group == NO_GROUP else of_group[group] for c, group in pairs], np.int64)

    def of_campaign(self, campaign: int) -> Iterator[tuple[int, int]]:
        """(section, group) of each section of a campaign."""
        for section in (self._direct[campaign], *self._grouped.get(campaign, ())):
            yield section, self._group[section]

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
