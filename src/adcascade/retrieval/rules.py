"""Rules of retrieval that need no model: the words of a query, and the category of a page.

They find what the towers cannot know yet (new ads, rare words), and their quota is theirs whatever the
towers say.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import are_in
from adcascade.catalog.nouns import Ad
from adcascade.catalog.packed.image import Array, Arrays, below, part
from adcascade.catalog.words import parents, words
from adcascade.retrieval.best import best
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

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self.postings.put(row, () if ad is None else terms_of(ad))

    def __call__(self, query: str, k: int, bits: Bits) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap, best first, and their scores."""
        found: list[Rows] = []
        weights: list[Floats] = []
        for term in dict.fromkeys(words(query)):
            everywhere = self.postings.rows(term)
            rows = everywhere[are_in(bits, everywhere)]
            found.append(rows)
            idf = np.log1p(len(self.postings) / max(len(everywhere), 1))
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
        self.postings = Postings()

    def update(self, row: int, ad: Ad | None) -> None:
        """The row holds this ad now, or none."""
        self.postings.put(row, () if ad is None else parents(ad.category))

    def __call__(self, categories: Sequence[str], k: int, bits: Bits, value: Floats) -> tuple[Rows, Floats]:
        """At most k rows of the bitmap and their value, float32 [N] by row: shares for each category, closest first."""
        taken: list[Rows] = []
        left = k
        for place, category in enumerate(categories):
            share = -(-left // (len(categories) - place))
            for path in reversed(parents(category)):
                rows = self.postings.rows(path)
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
