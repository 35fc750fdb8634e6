"""PageTokens: pages as a model of clicks reads them, offline (logged pages) and online (the slates of one request).

A page is T = K + O tokens: its K slots, then its O organic items. A token is an item at a place; items are written
once, however many pages show them. Where nothing stands, there stands `nothing`, the last item, at place 0.

Letters in shapes: B pages, T tokens, K slots, O organic items, I items, A ads, D numbers of an item, S slates.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.slates import Places, page_places

Singles = NDArray[np.float32]
Longs = NDArray[np.int64]


class Kind(IntEnum):
    """What an item is. The numbers are rows of a learned table: only append."""

    NOTHING = 0
    AD = 1
    ORGANIC = 2
    UNKNOWN = 3  # an organic product of which nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What fits on a page and where: K slots at the places of `pattern` (slates.page_places) among O organic items."""

    slots: int  # K
    organic: int  # O
    pattern: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """T."""
        return self.slots + self.organic


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """I things that may stand on pages, `nothing` the last of them."""

    numbers: Singles  # [I, D] what is known of the item; zero where nothing is
    base: Singles  # [I] log-odds of a click, alone in the first slot; 0 where unknown
    kind: Longs  # [I]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTokens:
    """B pages."""

    items: Items
    item: Longs  # [B, T] row of `items`
    place: Longs  # [B, T] place on the page from 0

    def __len__(self) -> int:
        """The number of pages, B."""
        return len(self.item)


def items_of(numbers: Singles, base: Singles, known: NDArray[np.bool_]) -> Items:
    """A ads with their log-odds, then organic items: numbers [A + O, D], base [A], known [O] -> A + O + 1 items."""
    ads, organic = len(base), len(known)
    nothing = np.zeros((1, numbers.shape[1]), np.float32)
    kinds = [np.full(ads, Kind.AD), np.where(known, Kind.ORGANIC, Kind.UNKNOWN), np.full(1, Kind.NOTHING)]
    return Items(
        numbers=np.concatenate((numbers, nothing), dtype=np.float32),
        base=np.concatenate((base, np.zeros(organic + 1)), dtype=np.float32),
        kind=np.concatenate(kinds).astype(np.int64),
    )


def slate_places(slates: Places, ads: int, organic: int, layout: Layout) -> tuple[Longs, Longs]:
    """Item and place of each token of S slates [S, <= K] of `ads` ads around `organic` items: both [S, T].

    Items are counted as `items_of` writes them: ads, organic items, nothing.
    """
    slots = slates.shape[1]
    item = np.full((len(slates), layout.tokens), ads + organic, np.int64)
    item[:, :slots] = np.where(slates >= 0, slates, ads + organic)
    item[:, layout.slots : layout.slots + organic] = np.arange(ads, ads + organic)
    place = np.zeros_like(item)
    filled = (slates >= 0).sum(axis=1)  # [S]; slots are filled from the top
    for m in np.unique(filled).tolist():
        mine, theirs = page_places(m, organic, layout.pattern)
        place[filled == m, :m] = mine
        place[filled == m, layout.slots : layout.slots + organic] = theirs
    return item, place
