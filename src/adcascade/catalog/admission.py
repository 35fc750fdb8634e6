"""Admission: every rule of eligibility as bitmaps over rows that each change keeps up to date.

Asking costs a handful of ANDs over rows / 8 bytes, however many rules there are. `eligibility.why_not`
says the same ad by ad, in sentences.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, BitTable, RowGroups, patch_of, switch_off, switch_on
from adcascade.catalog.formats import Shape, shape_fits, shapes_of
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.schedule import Schedule
from adcascade.catalog.targets import Targets
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest

Rows = NDArray[np.int32]
Placed = Sequence[tuple[int, Ad]]  # row and ad
Key = TypeVar("Key", bound=Hashable)


class Admission:
    """Which rows may answer a request. Campaigns and categories are named by their index in the snapshot."""

    def __init__(self) -> None:
        """No ads."""
        self.schedule = Schedule()
        self._campaigns: list[Campaign] = []
        self._targets = Targets()
        self._shapes: BitTable[Shape] = BitTable()
        self._by_campaign, self._live = RowGroups[int](), RowGroups[int]()
        self._by_category, self._by_product = RowGroups[str](), RowGroups[str]()
        self._categories_below: dict[str, set[str]] = {}
        self._campaigns_of: dict[str, set[int]] = {}  # by the advertiser's id
        self._advertisers_called: dict[str, set[str]] = {}  # ids, by id or domain
        self._serving: Bits = np.zeros(0, np.uint8)

    def grow(self, size: int) -> None:
        """Make room for `size` bytes of rows."""
        self._serving = np.concatenate((self._serving, np.zeros(size - len(self._serving), np.uint8)))
        self._shapes.grow(size)
        self._targets.grow(size)

    def put_advertiser(self, old: Advertiser | None, new: Advertiser) -> None:
        """Insert, or replace `old`."""
        if old is not None and old.domain:
            self._advertisers_called[old.domain].discard(old.id)
        for name in filter(None, (new.id, new.domain)):
            self._advertisers_called.setdefault(name, set()).add(new.id)

    def put_campaign(self, index: int, campaign: Campaign) -> Rows:
        """Insert at the end or replace; the campaign's rows."""
        patch = self._by_campaign.patch(index)
        if index == len(self._campaigns):
            self._campaigns.append(campaign)
        else:
            old = self._campaigns[index]
            self._targets.discard(index, old.targeting, patch)
            self._campaigns_of[old.advertiser].discard(index)
        self._campaigns[index] = campaign
        self._campaigns_of.setdefault(campaign.advertiser, set()).add(index)
        self._targets.add(index, campaign.targeting, patch)
        self.schedule.put(index, campaign)
        self._refresh(index)
        return self._by_campaign.rows(index)

    def add(self, placed: Placed, campaigns: NDArray[np.int32]) -> None:
        """Admit ads at rows that are free; `campaigns` [len(placed)] are their indexes."""
        rows = np.array([row for row, _ in placed], np.int32)
        live = np.array([ad.status == "active" and ad.stock != 0 for _, ad in placed], np.bool_)
        for index, places in grouped(campaigns):
            members, alive = rows[places], rows[places][live[places]]
            self._by_campaign.add(index, members.tolist())
            self._live.add(index, alive.tolist())
            self._targets.cover(self._campaigns[index].targeting, patch_of(members))
            if self.schedule.is_serving(index):
                switch_on(self._serving, patch_of(alive))
        for product, same in _by(placed, lambda ad: (ad.product,)).items():
            self._by_product.add(product, same)
        for category, same in _by(placed, lambda ad: (ad.category,)).items():
            self._by_category.add(category, same)
            for parent in parents(category):
                self._categories_below.setdefault(parent, set()).add(category)
        for shape, same in _by(placed, shapes_of).items():
            self._shapes.add((shape,), patch_of(np.array(same)))

    def remove(self, placed: Placed, campaigns: NDArray[np.int32]) -> None:
        """Undo `add` for these ads as they were."""
        rows = np.array([row for row, _ in placed], np.int32)
        patch = patch_of(rows)
        switch_off(self._serving, patch)
        self._shapes.discard(self._shapes.keys, patch)
        for index, places in grouped(campaigns):
            members = rows[places]
            self._by_campaign.discard(index, members.tolist())
            self._live.discard(index, members.tolist())
            self._targets.uncover(self._campaigns[index].targeting, patch_of(members))
        for row, ad in placed:
            self._by_product.discard(ad.product, (row,))
            self._by_category.discard(ad.category, (row,))

    def _refresh(self, index: int) -> None:
        if self.schedule.flips(index):
            self._switch(index)

    def _switch(self, index: int) -> None:
        switch = switch_on if self.schedule.is_serving(index) else switch_off
        switch(self._serving, self._live.patch(index))

    def tick(self, now_us: int) -> None:
        """Set the clock: campaigns start and end."""
        for index in self.schedule.tick(now_us):
            self._switch(index)

    def fund(self, index: int, *, funded: bool) -> None:
        """The campaign has money left, or not; switches all its ads."""
        self.schedule.fund(index, funded=funded)
        self._refresh(index)

    def eligible(self, request: AdRequest, size: int) -> Bits:
        """The rows that may answer, as of the last tick: a new bitmap of `size` bytes."""
        allowed = self._serving[:size].copy()
        self._targets.restrict(allowed, request)
        if request.query:
            self._restrict_keywords(allowed, words(request.query))
        else:
            np.bitwise_and(allowed, self._targets.without_keywords(size), out=allowed)
        self._restrict_shapes(allowed, request)
        if request.products:
            wanted = np.zeros(size, np.uint8)
            for product in request.products:
                switch_on(wanted, self._by_product.patch(product))
            allowed &= wanted
        self._block(allowed, request)
        return allowed

    def _restrict_keywords(self, allowed: Bits, query: tuple[str, ...]) -> None:
        wanted = self._targets.without_keywords(len(allowed)).copy()
        for index in self._targets.keywords.held_by(query):
            switch_on(wanted, self._by_campaign.patch(index))
        np.bitwise_and(allowed, wanted, out=allowed)
        for index in self._targets.negative_keywords.held_by(query):
            switch_off(allowed, self._by_campaign.patch(index))

    def _restrict_shapes(self, allowed: Bits, request: AdRequest) -> None:
        fitting = [
            bits[: len(allowed)]
            for shape, bits in self._shapes.items()
            if any(shape_fits(shape, slot) for slot in request.slots)
        ]
        wanted = fitting[0] if len(fitting) == 1 else np.zeros_like(allowed)
        if len(fitting) > 1:
            wanted = np.bitwise_or.reduce(fitting)
        np.bitwise_and(allowed, wanted, out=allowed)

    def _block(self, allowed: Bits, request: AdRequest) -> None:
        for blocked in request.blocked_categories:
            for category in self._categories_below.get(blocked, ()):
                switch_off(allowed, self._by_category.patch(category))
        for name in filter(None, request.blocked_advertisers):
            for advertiser in self._advertisers_called.get(name, ()):
                for index in self._campaigns_of.get(advertiser, ()):
                    switch_off(allowed, self._by_campaign.patch(index))


def grouped(keys: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """(key, its places, ascending) for each distinct key."""
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    for key, start, end in zip(distinct, starts, np.append(starts[1:], len(keys))[: len(starts)], strict=True):
        yield int(key), order[start:end]


def _by(placed: Placed, keys_of: Callable[[Ad], Iterable[Key]]) -> dict[Key, list[int]]:
    """The rows by each key of their ad."""
    rows: dict[Key, list[int]] = {}
    for row, ad in placed:
        for key in keys_of(ad):
            rows.setdefault(key, []).append(row)
    return rows
