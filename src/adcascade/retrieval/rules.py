"""Rules of retrieval that need no model: the words of a query, and the category of a page.

They find what the towers cannot know yet (new ads, rare words), and their quota is theirs whatever the
towers say.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in
from adcascade.catalog.nouns import Ad
from adcascade.catalog.words import parents, words
from adcascade.retrieval.best import best

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]

_NOBODY = np.empty(0, np.int32)


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
            return _NOBODY
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

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self._postings.put(row, () if ad is None else terms_of(ad))

    def __call__(self, query: str, k: int, bits: Bits) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap, best first, and their scores."""
        found: list[Rows] = []
        weights: list[Floats] = []
        for term in dict.fromkeys(words(query)):
            everywhere = self._postings.rows(term)
            rows = everywhere[are_in(bits, everywhere)]
            found.append(rows)
            idf = np.log1p(len(self._postings) / max(len(everywhere), 1))
            weights.append(np.full(len(rows), idf, np.float32))
        if not found:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        rows, places = np.unique(np.concatenate(found), return_inverse=True)
        scores = np.bincount(places, np.concatenate(weights), len(rows)).astype(np.float32)
        return best(rows, scores, k)


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
                rows = self._postings.rows(path)
                rows = rows[are_in(bits, rows)]
                rows = rows[~np.isin(rows, np.concatenate(taken))] if taken else rows
                chosen, _ = best(rows, value[rows], share)
                taken.append(chosen)
                share -= len(chosen)
                left -= len(chosen)
                if share <= 0:
                    break
        rows = np.concatenate(taken) if taken else np.empty(0, np.int32)
        return rows, value[rows]


def terms_of(ad: Ad) -> set[str]:
    """The words by which a query finds the ad: its title's, its brand's and its keywords'."""
    return {word for text in (ad.title, ad.brand, *ad.keywords) for word in words(text)}
