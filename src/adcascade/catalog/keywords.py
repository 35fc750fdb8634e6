"""Keywords of a targeting and how they match: exactly, as a phrase, or broadly.

    "red shoes"         a phrase: the words stand in the query side by side, in this order
    "phrase:red shoes"  the same
    "exact:red shoes"   they are the whole query
    "broad:red shoes"   all of them stand somewhere in it, in any order

A keyword without words matches nothing. Case does not matter (words.py).
"""

from typing import Literal, NamedTuple

from adcascade.catalog.words import words

Match = Literal["exact", "phrase", "broad"]


class Keyword(NamedTuple):
    """A keyword taken apart. words: of "broad" each once, sorted, since their order does not matter."""

    match: Match
    words: tuple[str, ...]


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
