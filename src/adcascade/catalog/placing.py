"""Placing: which sets of rows an ad stands in, and many ads or places at once by what they have in common."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.formats import shapes_of
from adcascade.catalog.iab import with_parent
from adcascade.catalog.nouns import Ad
from adcascade.catalog.rowsets import Rows

Placed = Sequence[tuple[int, Ad]]  # row and ad, by row
Key = TypeVar("Key", bound=Hashable)


def same_place(old: Ad, new: Ad) -> bool:
    """Whether both stand in the same sets of rows, so that one may take the other's row without leaving them."""
    return (
        old.campaign == new.campaign
        and old.ad_group == new.ad_group
        and old.product == new.product
        and old.category == new.category
        and old.iab == new.iab
        and (old.creatives == new.creatives or shapes_of(old) == shapes_of(new))
    )


def is_alive(ad: Ad) -> bool:
    """Whether the ad itself may be shown."""
    return ad.status == "active" and ad.stock != 0


def iab_codes(ad: Ad) -> set[str]:
    """The codes by which the ad is blocked: its own and those above them."""
    return {code for own in ad.iab for code in with_parent(own)}


def grouped(keys: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """(key, its places, ascending) for each distinct key."""
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    for key, start, end in zip(distinct, starts, np.append(starts[1:], len(keys))[: len(starts)], strict=True):
        yield int(key), order[start:end]


def alike(rows: Rows, places_of: Iterable[tuple[Key, NDArray[np.int64]]]) -> Iterator[tuple[Key, Rows]]:
    """(value, its rows, ascending) for each distinct value, from places by values that may repeat."""
    places: dict[Key, list[NDArray[np.int64]]] = {}
    for value, at in places_of:
        places.setdefault(value, []).append(at)
    for value, parts in places.items():
        yield value, rows[np.sort(np.concatenate(parts))]


def by_key(placed: Placed, keys_of: Callable[[Ad], Iterable[Key]]) -> dict[Key, Rows]:
    """The rows by each key of their ad, ascending."""
    rows: dict[Key, list[int]] = {}
    for row, ad in placed:
        for key in keys_of(ad):
            rows.setdefault(key, []).append(row)
    return {key: np.array(same, np.int32) for key, same in rows.items()}
