"""Targeting of campaigns as bitmaps: which rows may be shown for a scenario, a device, a page, a query."""

from collections.abc import Iterable

import numpy as np

from adcascade.catalog.bitmaps import Bits, BitTable, Patch
from adcascade.catalog.nouns import Targeting
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest

OPEN = None  # the key of rows whose campaign does not target


class Dimension:
    """Rows by the values that their campaigns target; rows of campaigns that do not target are open."""

    def __init__(self) -> None:
        """Nothing targeted."""
        self.table: BitTable[str | None] = BitTable()

    def add(self, values: Iterable[str], patch: Patch) -> None:
        """The rows' campaign targets these values; none: every value."""
        self.table.add(tuple(values) or (OPEN,), patch)

    def discard(self, values: Iterable[str], patch: Patch) -> None:
        """Undo `add`."""
        self.table.discard(tuple(values) or (OPEN,), patch)

    def restrict(self, allowed: Bits, values: Iterable[str]) -> None:
        """Clear, in place, the bits of rows that target none of the values a request has.

        A request that does not tell a value is only for rows that do not target.
        """
        size = len(allowed)
        of_any = self.table.get(OPEN)
        named = [bits for value in values if value and (bits := self.table.get(value)) is not None]
        if not named:
            if of_any is None:
                allowed[:] = 0
            else:
                np.bitwise_and(allowed, of_any[:size], out=allowed)
            return
        union = named[0][:size] if of_any is None else named[0][:size] | of_any[:size]
        for bits in named[1:]:
            union = union | bits[:size]
        np.bitwise_and(allowed, union, out=allowed)


class PhraseIndex:
    """Campaigns by the phrases they name; a phrase is held by a query when its words stand there in a row."""

    def __init__(self) -> None:
        """No phrases."""
        self._by_first: dict[str, dict[tuple[str, ...], set[int]]] = {}

    def add(self, phrases: Iterable[str], campaign: int) -> None:
        """The campaign names these phrases; one without words is held by no query."""
        for phrase in filter(None, map(words, phrases)):
            self._by_first.setdefault(phrase[0], {}).setdefault(phrase, set()).add(campaign)

    def discard(self, phrases: Iterable[str], campaign: int) -> None:
        """Undo `add`."""
        for phrase in filter(None, map(words, phrases)):
            self._by_first[phrase[0]][phrase].discard(campaign)

    def held_by(self, query: tuple[str, ...]) -> set[int]:
        """The campaigns of whose phrases the query, as words, holds one."""
        found: set[int] = set()
        for i, word in enumerate(query):
            for phrase, campaigns in self._by_first.get(word, {}).items():
                if query[i : i + len(phrase)] == phrase:
                    found |= campaigns
        return found


def holds_one(query: tuple[str, ...], phrases: Iterable[str]) -> bool:
    """Whether one of the phrases stands in the query; the slow twin of PhraseIndex."""
    for phrase in filter(None, map(words, phrases)):
        if any(query[i : i + len(phrase)] == phrase for i in range(len(query))):
            return True
    return False


class Targets:
    """All targeting of the catalog: five dimensions, two phrase indexes."""

    def __init__(self) -> None:
        """Nothing targeted."""
        self._scenario, self._device, self._country = Dimension(), Dimension(), Dimension()
        self._category, self._keyworded = Dimension(), Dimension()
        self.keywords, self.negative_keywords = PhraseIndex(), PhraseIndex()
        self._none: Bits = np.zeros(0, np.uint8)

    def _pairs(self, targeting: Targeting) -> list[tuple[Dimension, tuple[str, ...]]]:
        return [
            (self._scenario, targeting.scenarios),
            (self._device, targeting.devices),
            (self._country, targeting.countries),
            (self._category, targeting.categories),
            (self._keyworded, ("keywords",) if targeting.keywords else ()),
        ]

    def grow(self, size: int) -> None:
        """Make room for `size` bytes of rows."""
        for dimension in (self._scenario, self._device, self._country, self._category, self._keyworded):
            dimension.table.grow(size)
        self._none = np.zeros(size, np.uint8)

    def add(self, campaign: int, targeting: Targeting, patch: Patch) -> None:
        """The campaign has this targeting, and the patch's rows are its own."""
        self.keywords.add(targeting.keywords, campaign)
        self.negative_keywords.add(targeting.negative_keywords, campaign)
        self.cover(targeting, patch)

    def discard(self, campaign: int, targeting: Targeting, patch: Patch) -> None:
        """Undo `add`."""
        self.keywords.discard(targeting.keywords, campaign)
        self.negative_keywords.discard(targeting.negative_keywords, campaign)
        self.uncover(targeting, patch)

    def cover(self, targeting: Targeting, patch: Patch) -> None:
        """The patch's rows belong to a campaign with this targeting."""
        for dimension, values in self._pairs(targeting):
            dimension.add(values, patch)

    def uncover(self, targeting: Targeting, patch: Patch) -> None:
        """Undo `cover`."""
        for dimension, values in self._pairs(targeting):
            dimension.discard(values, patch)

    def restrict(self, allowed: Bits, request: AdRequest) -> None:
        """Clear, in place, the rows that do not want this page; keywords are another's part."""
        self._scenario.restrict(allowed, (request.scenario,))
        self._device.restrict(allowed, (request.device,))
        self._country.restrict(allowed, (request.country,))
        self._category.restrict(allowed, parents(request.category))

    def without_keywords(self, size: int) -> Bits:
        """The rows whose campaign names no keyword, `size` bytes; not to be written."""
        bits = self._keyworded.table.get(OPEN)
        return (self._none if bits is None else bits)[:size]
