"""Shelf: a list whose items are made when they are asked for, from what an image holds, and kept for a while.

What was put since lies in a dictionary. So a million nouns cost a process those that it looked at lately.
"""

from collections.abc import Iterator, Sequence
from operator import index
from typing import Generic, SupportsIndex, TypeVar, overload

from adcascade.catalog.kinds import Kind
from adcascade.catalog.lines import decode, encode
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.packed.image import Array, Arrays
from adcascade.catalog.packed.texts import joined

Item = TypeVar("Item")
Noun = TypeVar("Noun", bound=Advertiser | Campaign | AdGroup | Ad | None)
KEPT = 8_192  # items made and kept at hand


class Listed(list[Item]):
    """A list with the two ways in which a Shelf changes: for what was not opened from an image."""

    def put(self, place: int, item: Item) -> None:
        """Replace the item of a place, or add one behind the last."""
        self[place : place + 1] = [item]

    def fill(self, item: Item, count: int) -> None:
        """Add the same item so many times."""
        self += [item] * count


class Shelf(Sequence[Item]):
    """A list that grows at its end; base: what it begins with. Items are not to be changed in place."""

    def __init__(self, base: Sequence[Item] = (), *, keep: int = KEPT) -> None:
        self._base, self._keep = base, keep
        self._count = len(base)
        self._put: dict[int, Item] = {}
        self._made: dict[int, Item] = {}

    def __len__(self) -> int:
        """How many items."""
        return self._count

    @overload
    def __getitem__(self, place: SupportsIndex) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Item | list[Item]:
        """The item of a place, counted from the end where it is below 0; IndexError beyond."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._count))]
        number = index(place)
        if number in self._put:
            return self._put[number]
        if number in self._made:
            return self._made[number]
        if not -self._count <= number < self._count:
            raise IndexError(number)
        return self[number % self._count] if number < 0 else self._make(number)

    def _make(self, number: int) -> Item:
        if len(self._made) >= self._keep:
            self._made.clear()
        item = self._made[number] = self._base[number]
        return item

    def __iter__(self) -> Iterator[Item]:
        """All items in order; none of them is kept at hand."""
        put, base = self._put, self._base
        return (put[place] if place in put else base[place] for place in range(self._count))

    def put(self, place: int, item: Item) -> None:
        """Replace the item of a place, or add one behind the last."""
        if not 0 <= place <= self._count:
            raise IndexError(place)
        self._made.pop(place, None)
        self._put[place] = item
        self._count = max(self._count, place + 1)

    def fill(self, item: Item, count: int) -> None:
        """Add the same item so many times."""
        for place in range(self._count, self._count + count):
            self._put[place] = item
        self._count += count


class PackedNouns(Sequence[Noun], Generic[Noun]):
    """Nouns of a kind as their JSON end to end; an empty one is None."""

    def __init__(self, kind: Kind, arrays: Arrays) -> None:
        self._kind = kind
        self._bytes, self._ends = arrays["bytes"].data, arrays["ends"].data

    def __len__(self) -> int:
        """How many."""
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> Noun:  # type: ignore[override]  # one noun at a time
        """The noun of a place, decoded."""
        raw = self._bytes[self._ends[place] : self._ends[place + 1]]
        return decode(self._kind, raw) if len(raw) else None  # type: ignore[return-value]  # as it was packed


def pack_nouns(nouns: Sequence[Advertiser | Campaign | AdGroup | Ad | None]) -> dict[str, Array]:
    """The arrays of `PackedNouns`."""
    return joined([b"" if noun is None else encode(noun).encode() for noun in nouns])
