"""Keywords of a targeting and how they match: exactly, as a phrase, or broadly.

    "red shoes"         a phrase: the words stand in the query side by side, in this order
    "phrase:red shoes"  the same
    "exact:red shoes"   they are the whole query
    "broad:red shoes"   all of them stand somewhere in it, in any order

A keyword without words matches nothing. Case does not matter (words.py).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from adcascade.catalog.packed.image import Array, Arrays, below, part, plain, read_plain
from adcascade.catalog.packed.sets import Entry, PackedSets, pack_sets
from adcascade.catalog.packed.texts import NOWHERE, Texts
from adcascade.catalog.words import words

Match = Literal["exact", "phrase", "broad"]


class Keyword(NamedTuple):
    """A keyword taken apart. words: of "broad" each once, sorted, since their order does not matter."""

    match: Match
    words: tuple[str, ...]


@lru_cache(maxsize=1 << 16)  # a campaign's are parsed again whenever ads come and go
def parse_keyword(text: str) -> Keyword:
    """The keyword of a text.

    >>> parse_keyword("exact:Red shoes")
    Keyword(match='exact', words=('red', 'shoes'))
    """
    prefix, colon, rest = text.partition(":")
    match prefix, colon:
        case "exact", ":":
            return Keyword("exact", words(rest))
        case "phrase", ":":
            return Keyword("phrase", words(rest))
        case "broad", ":":
            return Keyword("broad", tuple(sorted(set(words(rest)))))
    return Keyword("phrase", words(text))


def matches(keyword: Keyword, query: tuple[str, ...]) -> bool:
    """Whether the query, as words, holds the keyword; the slow twin of KeywordIndex."""
    kind, wanted = keyword
    if not wanted:
        return False
    if kind == "exact":
        return query == wanted
    if kind == "broad":
        return set(wanted) <= set(query)
    return any(query[i : i + len(wanted)] == wanted for i in range(len(query)))


class _Phrases:
    """A set of word sequences, of which many may lie in an image."""

    def __init__(self) -> None:
        """None."""
        self._own: set[tuple[str, ...]] = set()
        self._base: Texts | None = None

    def __contains__(self, wanted: tuple[str, ...]) -> bool:
        """Whether it was added."""
        return wanted in self._own or (self._base is not None and self._base.find(" ".join(wanted)) != NOWHERE)

    def add(self, wanted: tuple[str, ...]) -> None:
        """One more, or one again."""
        if wanted not in self:
            self._own.add(wanted)

    def __iter__(self) -> Iterator[str]:
        """All of them, their words with spaces between."""
        yield from self._base or ()
        yield from map(" ".join, self._own)

    def open(self, base: Texts) -> None:
        """Begin with what an image holds."""
        self._base = base


class KeywordIndex:
    """Which of many keywords a query holds: a few look-ups, however many keywords there are."""

    def __init__(self) -> None:
        """No keywords."""
        self._phrases, self._exact = _Phrases(), _Phrases()
        self._lengths: set[int] = set()  # of phrases ever seen
        self._broad: dict[str, set[tuple[str, ...]]] = {}  # by their longest word, which few others have
        self._broads = Texts.of(())  # those of an image ...
        self._broads_by = PackedSets(pack_sets(()))  # ... and their numbers by that word

    def add(self, keyword: Keyword) -> None:
        """One more keyword; one without words is held by no query."""
        kind, wanted = keyword
        if not wanted:
            return
        if kind == "exact":
            self._exact.add(wanted)
        elif kind == "phrase":
            self._phrases.add(wanted)
            self._lengths.add(len(wanted))
        elif self._broads.find(" ".join(wanted)) == NOWHERE:
            self._broad.setdefault(max(wanted, key=len), set()).add(wanted)

    def held_by(self, query: tuple[str, ...]) -> list[Keyword]:
        """The keywords that the query, as words, holds, each once."""
        found = [Keyword("exact", query)] if query in self._exact else []
        parts = {query[i : i + n] for n in self._lengths for i in range(len(query) - n + 1)}
        found += [Keyword("phrase", part) for part in parts if part in self._phrases]
        distinct = set(query)
        for word in distinct:
            found += [Keyword("broad", wanted) for wanted in self._broad_of(word) if distinct.issuperset(wanted)]
        return found

    def _broad_of(self, word: str) -> Iterator[tuple[str, ...]]:
        """The broad keywords whose longest word this is."""
        yield from self._broad.get(word, ())
        number = self._broads_by.find(word)
        if number != NOWHERE:
            for one in self._broads_by.rows(number).tolist():
                yield tuple(self._broads[one].split(" "))

    # ---- images

    def pack(self) -> dict[str, Array]:
        """All keywords as arrays."""
        own = (" ".join(wanted) for same in self._broad.values() for wanted in same)
        broads = Texts.of([*self._broads, *own])
        by: dict[str, list[int]] = {}
        for number, text in enumerate(broads):
            by.setdefault(max(text.split(" "), key=len), []).append(number)
        return {
            **below("phrases", Texts.of(list(self._phrases)).arrays),
            **below("exact", Texts.of(list(self._exact)).arrays),
            **below("broads", broads.arrays),
            **below("broads_by", pack_sets(Entry(word, np.array(same, np.int32)) for word, same in by.items())),
            "lengths": plain(sorted(self._lengths)),
        }

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        self._phrases.open(Texts(part(arrays, "phrases")))
        self._exact.open(Texts(part(arrays, "exact")))
        self._broads, self._broads_by = Texts(part(arrays, "broads")), PackedSets(part(arrays, "broads_by"))
        self._lengths = set(read_plain(arrays["lengths"]))
