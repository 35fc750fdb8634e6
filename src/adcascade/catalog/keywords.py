"""Keywords of a targeting and how they match: exactly, as a phrase, or broadly.

    "red shoes"         a phrase: the words stand in the query side by side, in this order
    "phrase:red shoes"  the same
    "exact:red shoes"   they are the whole query
    "broad:red shoes"   all of them stand somewhere in it, in any order

A keyword without words matches nothing. Case does not matter (words.py).
"""

from functools import lru_cache
from typing import Literal, NamedTuple

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


class KeywordIndex:
    """Which of many keywords a query holds: a few look-ups, however many keywords there are."""

    def __init__(self) -> None:
        """No keywords."""
        self._phrases: set[tuple[str, ...]] = set()
        self._lengths: set[int] = set()  # of phrases ever seen
        self._exact: set[tuple[str, ...]] = set()
        self._broad: dict[str, set[tuple[str, ...]]] = {}  # by their longest word, which few others have

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
        else:
            self._broad.setdefault(max(wanted, key=len), set()).add(wanted)

    def held_by(self, query: tuple[str, ...]) -> list[Keyword]:
        """The keywords that the query, as words, holds, each once."""
        found = [Keyword("exact", query)] if query in self._exact else []
        parts = {query[i : i + n] for n in self._lengths for i in range(len(query) - n + 1)}
        found += [Keyword("phrase", part) for part in parts if part in self._phrases]
        distinct = set(query)
        for word in distinct:
            found += [Keyword("broad", wanted) for wanted in self._broad.get(word, ()) if distinct.issuperset(wanted)]
        return found
