"""Targeting as sets of rows: which rows may be shown for a scenario, a device, a place, a page, a query, an audience.

A dimension lets a row pass where its targeting names nothing, or names a value that the request has; a negative one
where it names no value that the request has. Every dimension must let it pass.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from adcascade.catalog.bit_passes import clear, clear_others
from adcascade.catalog.bitmaps import Bits, patch_of, switch_off, switch_on
from adcascade.catalog.keywords import Keyword, KeywordIndex, Match, parse_keyword
from adcascade.catalog.nouns import Targeting
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.rowsets import TEXTS, Rows, RowSets, Written
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest

Value = TypeVar("Value", bound=Hashable)

# Dimensions by the field of Targeting that they read; keywords have indexes of their own beside them.
ASKED = ("scenarios", "devices", "countries", "regions", "cities", "categories", "segments", "products")
REFUSED = ("negative_segments", "blocked_categories")


class Dimension(Generic[Value]):
    """Rows by the values that their targeting names, and the rows that name any."""

    def __init__(self, written: Written = TEXTS) -> None:
        """Nothing named. written: how an image holds the values."""
        self._sets: RowSets[Value] = RowSets(written)
        self._naming: Bits = np.zeros(0, np.uint8)
        self._is_used = False

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        self._sets.grow(capacity)
        self._naming = np.concatenate((self._naming, np.zeros(capacity - len(self._naming), np.uint8)))

    def add(self, values: Sequence[Value], rows: Rows) -> None:
        """These rows name these values; none: nothing is asked of a request."""
        if values:
            self._is_used = True
            switch_on(self._naming, patch_of(rows))
        for value in values:
            self._sets.add(value, rows)

    def discard(self, values: Sequence[Value], rows: Rows) -> None:
        """Undo `add`."""
        if values:
            switch_off(self._naming, patch_of(rows))
        for value in values:
            self._sets.discard(value, rows)

    @property
    def is_used(self) -> bool:
        """Whether a row ever named a value."""
        return self._is_used

    def require(self, allowed: Bits, values: Sequence[Value]) -> None:
        """Clear, in place, the rows that name values of which the request has none."""
        if not self._is_used:
            return
        size = len(allowed)
        named = [value for value in values if value in self._sets]
        if not named:
            clear(allowed, self._naming[:size])
        elif len(named) == 1 and (large := self._sets.large(named[0])) is not None:
            clear_others(allowed, self._naming[:size], large[:size])
        else:
            closed = self.naming(size)
            for value in named:
                self._sets.switch_off(closed, value)
            clear(allowed, closed)

    def refuse(self, allowed: Bits, values: Iterable[Value]) -> None:
        """Clear, in place, the rows that name one of the request's values."""
        if not self._is_used:
            return
        for value in values:
            self._sets.switch_off(allowed, value)

    def naming(self, size: int) -> Bits:
        """The rows that name something: a new bitmap of `size` bytes."""
        return self._naming[:size].copy()

    def pack(self) -> dict[str, Array]:
        """All there is, as arrays."""
        return {**below("sets", self._sets.pack()), "naming": self._naming, "used": np.array([self._is_used])}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        self._sets.unpack(part(arrays, "sets"))
        self._naming, self._is_used = arrays["naming"], bool(arrays["used"][0])


def _keyword(text: str) -> Keyword:
    """Of its match and its words."""
    match, *wanted = text.split(" ")
    return Keyword(MATCHES[match], tuple(wanted))


MATCHES: dict[str, Match] = {"exact": "exact", "phrase": "phrase", "broad": "broad"}
KEYWORDS = Written(lambda keyword: " ".join((keyword.match, *keyword.words)), _keyword)


class Asked:
    """What a request tells, by field of Targeting; computed once a request."""

    def __init__(self, request: AdRequest) -> None:
        page = parents(request.category)
        told = {
            "scenarios": (request.scenario,),
            "devices": (request.device,),
            "countries": (request.country,),
            "regions": (request.region,),
            "cities": (request.city,),
            "categories": page,
            "segments": request.segments,
            "products": request.page_products,
            "negative_segments": request.segments,
            "blocked_categories": page,
        }
        self.values = {field: tuple(filter(None, values)) for field, values in told.items()}
        self.query = words(request.query)


class Targets:
    """The targeting of many rows: of their campaigns, or of their ad groups."""

    def __init__(self) -> None:
        """Nothing targeted."""
        self._dimensions: dict[str, Dimension[str]] = {field: Dimension() for field in (*ASKED, *REFUSED)}
        self._keywords: dict[str, Dimension[Keyword]] = {
            field: Dimension(KEYWORDS) for field in ("keywords", "negative_keywords")
        }
        self._indexes = {field: KeywordIndex() for field in self._keywords}

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` bytes of rows."""
        for dimension in self._dimensions.values():
            dimension.grow(capacity)
        for keyworded in self._keywords.values():
            keyworded.grow(capacity)

    def add(self, targeting: Targeting, rows: Rows) -> None:
        """These rows have this targeting."""
        if not len(rows):
            return
        for field, dimension in self._dimensions.items():
            dimension.add(getattr(targeting, field), rows)
        for field, keyworded in self._keywords.items():
            keywords = [parse_keyword(text) for text in getattr(targeting, field)]
            keyworded.add(keywords, rows)
            for keyword in keywords:
                self._indexes[field].add(keyword)

    def discard(self, targeting: Targeting, rows: Rows) -> None:
        """Undo `add`."""
        for field, dimension in self._dimensions.items():
            dimension.discard(getattr(targeting, field), rows)
        for field, keyworded in self._keywords.items():
            keyworded.discard([parse_keyword(text) for text in getattr(targeting, field)], rows)

    def restrict(self, allowed: Bits, asked: Asked) -> None:
        """Clear, in place, the rows that do not want this request."""
        for field in ASKED:
            self._dimensions[field].require(allowed, asked.values[field])
        for field in REFUSED:
            self._dimensions[field].refuse(allowed, asked.values[field])
        wanted, refused = self._keywords["keywords"], self._keywords["negative_keywords"]
        if wanted.is_used:
            wanted.require(allowed, self._indexes["keywords"].held_by(asked.query))
        if refused.is_used:
            refused.refuse(allowed, self._indexes["negative_keywords"].held_by(asked.query))

    # ---- images

    def _parts(self) -> Mapping[str, Dimension[str] | Dimension[Keyword] | KeywordIndex]:
        indexes = {f"index of {field}": index for field, index in self._indexes.items()}
        return {**self._dimensions, **self._keywords, **indexes}

    def pack(self) -> dict[str, Array]:
        """All there is, as arrays."""
        return {name: array for field, one in self._parts().items() for name, array in below(field, one.pack()).items()}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        for field, one in self._parts().items():
            one.unpack(part(arrays, field))
