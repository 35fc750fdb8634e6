"""Rules of retrieval that need no model: the words of a query, and the category of a page.

They find what the towers cannot know yet (new ads, rare words), and their quota is theirs whatever the
towers say.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.nouns import Ad
from adcascade.catalog.words import parents, words
from adcascade.retrieval.best import best
from adcascade.retrieval.choose import NOBODY, add_up, choose

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]


class Postings:
    """Rows by term, as arrays at hand; a row keeps its terms so that it can be taken out."""

    def __init__(self) -> None:
        """No rows."""
        self._rows: dict[str, set[int]] = {}
        self._arrays: dict[str, Rows] = {}
        self._terms: dict[int, frozenset[str]] = {}

    def __len__(self) -> int:
        """The number of rows with terms."""
        return len(self._terms)

    def put(self, row: int, terms: Iterable[str]) -> None:
        """The row has these terms and no others; none: it is taken out."""
        new = frozenset(terms)
        old = self._terms.get(row, frozenset())
        for term in old - new:
            self._rows[term].discard(row)
            self._arrays.pop(term, None)
        for term in new - old:
            self._rows.setdefault(term, set()).add(row)
            self._arrays.pop(term, None)
        if new:
            self._terms[row] = new
        else:
            self._terms.pop(row, None)

    def rows(self, term: str) -> Rows:
        """The rows of a term, ascending, int32 [M]."""
        if term not in self._rows:
            return NOBODY
        if term not in self._arrays:
            self._arrays[term] = np.array(sorted(self._rows[term]), np.int32)
        return self._arrays[term]


class KeywordRule:
    """Ads whose title or keywords share words with the query, the rarest words first.

    score(ad) = sum of idf(t) over the query's words t that the ad has, idf(t) = log(1 + N / N_t).
    """

    def __init__(self) -> None:
        """No ads."""
        self._postings = Postings()
        self._sums = np.zeros(0, np.float64)  # by row, all 0 between two questions

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self._postings.put(row, () if ad is None else terms_of(ad))

    def __call__(self, query: str, k: int, bits: Bits) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap, best first, and their scores."""
        postings = self._postings
        lists = [postings.rows(term) for term in dict.fromkeys(words(query))]
        size = 8 * len(bits)
        if len(self._sums) < size:
            self._sums = np.zeros(size, np.float64)
        touched = np.empty(min(sum(map(len, lists)), size), np.int32)
        count = 0
        for rows in lists:
            idf = float(np.float32(np.log1p(len(postings) / max(len(rows), 1))))
            count = add_up(rows, idf, bits, self._sums, (touched, count))
        found = touched[:count]
        scores = self._sums[found].astype(np.float32)
        self._sums[found] = 0.0
        return best(found, scores, k)


class CategoryRule:
    """Ads of the page's category, the most valuable first; where there are too few, of its parents."""

    def __init__(self) -> None:
        """No ads."""
        self._postings = Postings()

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self._postings.put(row, () if ad is None else parents(ad.category))

    def __call__(self, categories: Sequence[str], k: int, bits: Bits, value: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap and their value, float32 [N] by row: shares for each category, closest first."""
        taken: list[Rows] = []
        left = k
        for place, category in enumerate(categories):
            share = -(-left // (len(categories) - place))
            for path in reversed(parents(category)):
                before = np.concatenate(taken) if taken else NOBODY
                chosen, _ = choose(self._postings.rows(path), share, bits, value, before)
                taken.append(chosen)
                share -= len(chosen)
                left -= len(chosen)
                if share <= 0:
                    break
        rows = np.concatenate(taken) if taken else NOBODY
        return rows, value[rows]


def terms_of(ad: Ad) -> set[str]:
    """The words by which a query finds the ad: its title's, its brand's and its keywords'."""
    return {word for text in (ad.title, ad.brand, *ad.keywords) for word in words(text)}
