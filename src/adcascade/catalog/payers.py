"""Payers: the advertisers as admission asks for them: by number, by what they are called, by the campaigns they pay."""

from collections.abc import Iterator

import numpy as np

from adcascade.catalog.column import Column
from adcascade.catalog.nouns import Advertiser
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.packed.names import Names
from adcascade.catalog.packed.shelf import Listed, Shelf
from adcascade.catalog.rowsets import NOBODY, Rows, RowSets

FEW = 1 << 40  # a capacity that keeps all sets small: of numbers that are no rows


class Payers:
    """Advertisers by number, 0, 1, 2, ... in order of appearance."""

    def __init__(self) -> None:
        """Nobody."""
        self._list: Listed[Advertiser] | Shelf[Advertiser] = Listed()
        self._number_of: dict[str, int] | Names = {}
        self._by_domain: RowSets[str] = RowSets()  # numbers
        self._by_domain.grow(FEW)
        self._of_campaign = Column()  # by campaign: the number of who pays it

    def put(self, new: Advertiser) -> Rows:
        """Insert, or replace the one of the same id; the campaigns whose zone is another now."""
        number = self._number_of.setdefault(new.id, len(self._list))
        old = self._list[number] if number < len(self._list) else None
        if old is not None and old.domain:
            self._by_domain.discard(old.domain, np.array([number], np.int32))
        if new.domain:
            self._by_domain.add(new.domain, np.array([number], np.int32))
        self._list.put(number, new)
        if old is None or old.timezone == new.timezone:
            return NOBODY
        return np.flatnonzero(self._of_campaign.values == number).astype(np.int32)

    def pay(self, campaign: int, advertiser: str) -> None:
        """The advertiser pays this campaign from now on; a new campaign is the next."""
        number = self._number_of[advertiser]
        if campaign == len(self._of_campaign):
            self._of_campaign.append(number)
        else:
            self._of_campaign[campaign] = number

    def zone(self, campaign: int) -> str:
        """The time zone of who pays the campaign."""
        return self._list[self._of_campaign[campaign]].timezone

    def called(self, name: str) -> Iterator[str]:
        """The ids of the advertisers of this id or domain."""
        if name in self._number_of:
            yield name
        for number in self._by_domain.rows(name).tolist():
            yield self._list[number].id

    def pack(self) -> dict[str, Array]:
        """What the nouns alone do not tell, as arrays."""
        return {"of_campaign": self._of_campaign.values, **below("domains", self._by_domain.pack())}

    def unpack(self, arrays: Arrays, advertisers: Shelf[Advertiser], number_of: Names) -> None:
        """Become what `pack` wrote, beside the nouns of the same image."""
        self._list, self._number_of = advertisers, number_of
        self._of_campaign.values = arrays["of_campaign"]
        self._by_domain.unpack(part(arrays, "domains"))
