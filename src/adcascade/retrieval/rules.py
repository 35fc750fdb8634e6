"""Rules of retrieval that need no model: the words of a query, and the category of a page.

They find what the towers cannot know yet (new ads, rare words), and their quota is theirs whatever the
towers say.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.nouns import Ad
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.words import parents, words
from adcascade.retrieval.best import best
from adcascade.retrieval.choose import NOBODY, add_up, first_of, in_order
from adcascade.retrieval.postings import Postings

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
Bits = NDArray[np.uint8]


class KeywordRule:
    """Ads whose title or keywords share words with the query, the rarest words first.

    score(ad) = sum of idf(t) over the query's words t that the ad has, idf(t) = log(1 + N / N_t).
    """

    def __init__(self) -> None:
        """No ads."""
        self.postings = Postings()
        self._sums = np.zeros(0, np.float64)  # by row, all 0 between two questions

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self.postings.put(row, () if ad is None else terms_of(ad))

    def __call__(self, query: str, k: int, bits: Bits) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap, best first, and their scores."""
        postings = self.postings
        lists = [rows for term in dict.fromkeys(words(query)) if len(rows := postings.rows(term))]
        weights = [float(np.float32(np.log1p(len(postings) / len(rows)))) for rows in lists]
        if len(lists) == 1:  # all are worth the same
            first = first_of(lists[0], k, bits)
            return first, np.full(len(first), weights[0], np.float32)
        size = 8 * len(bits)
        if len(self._sums) < size:
            self._sums = np.zeros(size, np.float64)
        touched = np.empty(min(sum(map(len, lists)), size), np.int32)
        count = 0
        for rows, idf in zip(lists, weights, strict=True):
            count = add_up(rows, idf, bits, self._sums, (touched, count))
        found = touched[:count]
        scores = self._sums[found].astype(np.float32)
        self._sums[found] = 0.0
        return best(found, scores, k)


class CategoryRule:
    """Ads of the page's category, the most valuable first; where there are too few, of its parents.

    A category's rows are put in the order of their value when it is first asked for, and again after they or the
    values changed.
    """

    def __init__(self) -> None:
        """No ads."""
        self.postings = Postings()
        self._value: Floats = np.empty(0, np.float32)  # by which the orders were made
        self._ordered: dict[str, tuple[int, Rows]] = {}  # after how many changes of the category

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self.postings.put(row, () if ad is None else parents(ad.category))

    def __call__(self, categories: Sequence[str], k: int, bits: Bits, value: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap and their value: shares for each category, closest first.

        value: float32 [N] by row; another array where any value is another.
        """
        taken: list[Rows] = []
        left = k
        for place, category in enumerate(categories):
            share = -(-left // (len(categories) - place))
            for path in reversed(parents(category)):
                before = np.concatenate(taken) if taken else NOBODY
                chosen = first_of(self._in_order(path, value), share, bits, before)
                taken.append(chosen)
                share -= len(chosen)
                left -= len(chosen)
                if share <= 0:
                    break
        rows = np.concatenate(taken) if taken else NOBODY
        return rows, value[rows]

    def _in_order(self, category: str, value: Floats) -> Rows:
        """The category's rows, the most valuable first."""
        if value is not self._value:
            self._value = value
            self._ordered.clear()
        changes = self.postings.changes(category)
        known = self._ordered.get(category)
        if known is None or known[0] != changes:
            known = self._ordered[category] = changes, in_order(self.postings.rows(category), value)
        return known[1]


def terms_of(ad: Ad) -> set[str]:
    """The words by which a query finds the ad: its title's, its brand's and its keywords'."""
    return {word for text in (ad.title, ad.brand, *ad.keywords) for word in words(text)}


class Rules:
    """Both rules over the ads of a catalog."""

    def __init__(self) -> None:
        """No ads."""
        self.keywords, self.categories = KeywordRule(), CategoryRule()

    def update(self, rows: Sequence[int], ads: Sequence[Ad | None]) -> None:
        """These rows hold what the catalog's ads say now; ads: of the whole catalog, by row."""
        for row in rows:
            ad = ads[row]
            self.keywords.update(row, ad)
            self.categories.update(row, ad)

    def pack(self) -> dict[str, Array]:
        """All there is, as arrays."""
        keywords, categories = self.keywords.postings, self.categories.postings
        return {**below("keywords", keywords.pack()), **below("categories", categories.pack())}

    def unpack(self, arrays: Arrays) -> None:
        """Become what `pack` wrote."""
        self.keywords.postings.unpack(part(arrays, "keywords"))
        self.categories.postings.unpack(part(arrays, "categories"))
