"""Snapshot: the catalog in memory as serving reads it, a struct of arrays over the rows of the ads.

One thread writes (`apply`, `set_serving`, `tick`, `eligible` as time passes); what a reader of the same
event loop sees is always whole. `eligible` joins bitmaps that every change keeps up to date, so that its
cost does not depend on how many rules there are, only on the number of rows / 8.

Letters: N rows, tombstones included; C campaigns; M rows of a question.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog import eligibility
from adcascade.catalog.bitmaps import Bits, BitTable, Patch, RowGroups, pack, patch_of, switch_off, switch_on
from adcascade.catalog.changes import Changes
from adcascade.catalog.columns import ad_columns
from adcascade.catalog.formats import Shape, shape_fits, shapes_of
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.schedule import Schedule
from adcascade.catalog.store import CatalogStore
from adcascade.catalog.targets import Targets
from adcascade.catalog.words import parents, words
from adcascade.contracts.request import AdRequest
from adcascade.errors import InputError

Rows = NDArray[np.int32]
# Arrays over rows with what a tombstone holds.
ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "campaign": (np.int32, -1),
    "advertiser": (np.int32, -1),
    "bid": (np.int64, 0),
    "billing_click": (np.bool_, 0),
    "category": (np.int32, -1),
    "price": (np.int64, 0),
    "stock": (np.int64, 0),
    "live": (np.bool_, 0),
}


class Snapshot:
    """N rows of ads beside their campaigns and advertisers; arrays are views of N rows, to be read only.

    ads: list of Ad, None for a tombstone; ad_ids: the last id of each row, "" for a row never seen;
    row_of: row by id of the ads that are there; campaigns, advertisers, categories: lists by index.
    """

    campaign: NDArray[np.int32]  # [N] index into campaigns, -1: tombstone
    advertiser: NDArray[np.int32]  # [N] index into advertisers, -1: tombstone
    bid: NDArray[np.int64]  # [N] micros per billing event: the ad's own or its campaign's
    billing_click: NDArray[np.bool_]  # [N] billed by the click, else by the impression
    category: NDArray[np.int32]  # [N] index into categories, -1: tombstone
    price: NDArray[np.int64]  # [N] micros, of the product
    stock: NDArray[np.int64]  # [N] -1: not counted
    live: NDArray[np.bool_]  # [N] the ad is there, active and in stock; its campaign may still be closed

    def __init__(self) -> None:
        """An empty catalog of version 0."""
        self.version = 0
        self.n = 0
        self.ads: list[Ad | None] = []
        self.ad_ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self.campaigns: list[Campaign] = []
        self.campaign_index_of: dict[str, int] = {}
        self.advertisers: list[Advertiser] = []
        self.advertiser_index_of: dict[str, int] = {}
        self.categories: list[str] = []
        self.attribute_names: dict[str, None] = {}  # of all ads ever seen, in order of appearance
        self._category_index_of: dict[str, int] = {}
        self._categories_below: dict[str, set[int]] = {}
        self._campaigns_by: dict[str, set[int]] = {}  # by advertiser
        self._by_campaign, self._by_category, self._by_product = RowGroups(), RowGroups(), RowGroups()
        self._live_patches: dict[int, Patch] = {}
        self._schedule = Schedule()
        self._targets = Targets()
        self._shapes: BitTable[Shape] = BitTable()
        self._serving: Bits = np.zeros(0, np.uint8)
        self._full = {name: np.full(0, fill, dtype) for name, (dtype, fill) in ARRAYS.items()}
        self._resize(0)

    @classmethod
    def from_store(cls, store: CatalogStore) -> Self:
        """All that the store holds now."""
        snapshot = cls()
        snapshot.apply(store.changes(0))
        return snapshot

    # ---- changes

    def apply(self, changes: Changes) -> Rows:
        """Take the changes in; the rows whose ad, advertiser or campaign is another now, int32 ascending.

        A campaign's new status, money, schedule or targeting is taken in too but changes no row: what is
        kept per ad (features, vectors, index) stays as it is.
        """
        self._check(changes)
        for advertiser in changes.advertisers:
            self._put_advertiser(advertiser)
        moved = [self._put_campaign(campaign) for campaign in changes.campaigns]
        changed = self._put_ads(changes.ads)
        self.version = changes.version
        return np.unique(np.concatenate([*moved, changed]))

    def _check(self, changes: Changes) -> None:
        advertisers = self.advertiser_index_of.keys() | {advertiser.id for advertiser in changes.advertisers}
        campaigns = self.campaign_index_of.keys() | {campaign.id for campaign in changes.campaigns}
        for campaign in changes.campaigns:
            if campaign.advertiser not in advertisers:
                raise InputError("campaign.advertiser", campaign.advertiser, "the id of a known advertiser")
        for _, ad in changes.ads:
            if ad is not None and ad.campaign not in campaigns:
                raise InputError("ad.campaign", ad.campaign, "the id of a known campaign")

    def _put_advertiser(self, advertiser: Advertiser) -> None:
        index = self.advertiser_index_of.setdefault(advertiser.id, len(self.advertisers))
        if index == len(self.advertisers):
            self.advertisers.append(advertiser)
        self.advertisers[index] = advertiser

    def _put_campaign(self, campaign: Campaign) -> Rows:
        index = self.campaign_index_of.setdefault(campaign.id, len(self.campaigns))
        rows = self._by_campaign.rows(index)
        patch = self._by_campaign.patch(index)
        moved = np.empty(0, np.int32)
        if index == len(self.campaigns):
            self.campaigns.append(campaign)
        else:
            old = self.campaigns[index]
            self._forget_campaign(index, old, patch)
            moved = rows if old.advertiser != campaign.advertiser else moved
        self.campaigns[index] = campaign
        self._schedule.put(index, campaign)
        self._targets.keywords.add(campaign.targeting.keywords, index)
        self._targets.negative_keywords.add(campaign.targeting.negative_keywords, index)
        self._targets.add(campaign.targeting, patch)
        self._campaigns_by.setdefault(campaign.advertiser, set()).add(index)
        self._write_campaign(rows, campaign)
        self._refresh(index)
        return moved

    def _forget_campaign(self, index: int, old: Campaign, patch: Patch) -> None:
        self._targets.discard(old.targeting, patch)
        self._targets.keywords.discard(old.targeting.keywords, index)
        self._targets.negative_keywords.discard(old.targeting.negative_keywords, index)
        self._campaigns_by[old.advertiser].discard(index)

    def _write_campaign(self, rows: Rows, campaign: Campaign) -> None:
        """What the arrays of rows hold of their campaign."""
        self.advertiser[rows] = self.advertiser_index_of[campaign.advertiser]
        self.billing_click[rows] = campaign.billing == "click"
        for row in rows:
            ad = self.ads[row]
            own = None if ad is None else ad.bid_micros
            self.bid[row] = campaign.bid_micros if own is None else own

    def _refresh(self, index: int) -> None:
        """Bring the serving bits of a campaign's rows to its state."""
        if self._schedule.flips(index):
            self._switch(index)

    def _switch(self, index: int) -> None:
        switch = switch_on if self._schedule.is_serving(index) else switch_off
        switch(self._serving, self._live_patch(index))

    def _live_patch(self, index: int) -> Patch:
        if index not in self._live_patches:
            rows = self._by_campaign.rows(index)
            self._live_patches[index] = patch_of(rows[self.live[rows]])
        return self._live_patches[index]

    def _put_ads(self, ads: Sequence[tuple[int, Ad | None]]) -> Rows:
        rows = np.array([row for row, _ in ads], np.int32)
        if not len(rows):
            return rows
        self._resize(max(self.n, int(rows.max()) + 1))
        self._remove(rows)
        there = [(row, ad) for row, ad in ads if ad is not None]
        for row, ad in there:
            self._write_ad(row, ad)
        new = np.array([row for row, _ in there], np.int32)
        for index, members in _grouped(self.campaign[new], new):
            self._by_campaign.add(index, members.tolist())
            self._live_patches.pop(index, None)
            self._targets.add(self.campaigns[index].targeting, patch_of(members))
            self._write_campaign(members, self.campaigns[index])
            if self._schedule.is_serving(index):
                switch_on(self._serving, patch_of(members[self.live[members]]))
        self._group_ads(there)
        return rows

    def _remove(self, rows: Rows) -> None:
        """Take the rows out of everything; their arrays hold a tombstone afterwards."""
        patch = patch_of(rows)
        switch_off(self._serving, patch)
        self._shapes.discard(self._shapes.keys, patch)
        there = rows[self.campaign[rows] >= 0]
        for index, members in _grouped(self.campaign[there], there):
            self._by_campaign.discard(index, members.tolist())
            self._live_patches.pop(index, None)
            self._targets.discard(self.campaigns[index].targeting, patch_of(members))
        for index, members in _grouped(self.category[there], there):
            self._by_category.discard(index, members.tolist())
        for row in there.tolist():
            ad = self.ads[row]
            if ad is not None:
                self._by_product.discard(ad.product, (row,))
                del self.row_of[ad.id]
            self.ads[row] = None
        for name, (_, fill) in ARRAYS.items():
            self._full[name][rows] = fill

    def _write_ad(self, row: int, ad: Ad) -> None:
        self.ads[row] = ad
        self.ad_ids[row] = ad.id
        self.row_of[ad.id] = row
        self.campaign[row] = self.campaign_index_of[ad.campaign]
        self.category[row] = self._category_index(ad.category)
        self.price[row] = ad.price_micros
        self.stock[row] = -1 if ad.stock is None else ad.stock
        self.live[row] = ad.status == "active" and ad.stock != 0
        for name in ad.attributes:
            self.attribute_names[name] = None

    def _category_index(self, category: str) -> int:
        index = self._category_index_of.setdefault(category, len(self.categories))
        if index == len(self.categories):
            self.categories.append(category)
            for parent in parents(category):
                self._categories_below.setdefault(parent, set()).add(index)
        return index

    def _group_ads(self, ads: Sequence[tuple[int, Ad]]) -> None:
        by_product: dict[str, list[int]] = {}
        by_shape: dict[Shape, list[int]] = {}
        for row, ad in ads:
            by_product.setdefault(ad.product, []).append(row)
            for shape in shapes_of(ad):
                by_shape.setdefault(shape, []).append(row)
        rows = np.array([row for row, _ in ads], np.int32)
        for index, members in _grouped(self.category[rows], rows):
            self._by_category.add(index, members.tolist())
        for product, same in by_product.items():
            self._by_product.add(product, same)
        for key, same in by_shape.items():
            self._shapes.add((key,), patch_of(np.array(same)))

    def _resize(self, n: int) -> None:
        """Make room for n rows; capacity doubles, and the public arrays become views of n rows."""
        if n > len(self._serving) * 8:
            capacity = max(-(-n // 8), 2 * len(self._serving), 8)  # bytes
            self._serving = np.concatenate((self._serving, np.zeros(capacity - len(self._serving), np.uint8)))
            self._shapes.grow(capacity)
            for table in self._targets.tables:
                table.grow(capacity)
            for name, (dtype, fill) in ARRAYS.items():
                old = self._full[name]
                self._full[name] = np.concatenate((old, np.full(capacity * 8 - len(old), fill, dtype)))
        self.ads += [None] * (n - self.n)
        self.ad_ids += [""] * (n - self.n)
        self.n = n
        for name in ARRAYS:
            setattr(self, name, self._full[name][:n])

    # ---- serving

    def tick(self, now_us: int) -> None:
        """Set the clock: campaigns start and end. `eligible` does so too."""
        for index in self._schedule.tick(now_us):
            self._switch(index)

    def set_serving(self, campaign_index: int, on: bool) -> None:  # noqa: FBT001  the question has two answers
        """The campaign has money left (True, as at first) or not; switches all its ads."""
        self._schedule.fund(campaign_index, funded=on)
        self._refresh(campaign_index)

    def eligible(self, request: AdRequest, now_us: int) -> Bits:
        """The rows that may answer: a new packed bitmap, uint8 [ceil(N / 8)], as faiss' IDSelectorBitmap reads it."""
        self.tick(now_us)
        allowed = self._serving[: -(-self.n // 8)].copy()
        self._targets.restrict(
            allowed,
            scenario=request.scenario,
            device=request.device,
            country=request.country,
            category=request.category,
        )
        self._restrict_keywords(allowed, words(request.query) if request.query else ())
        self._restrict_shapes(allowed, request)
        if request.products:
            wanted = np.zeros_like(allowed)
            for product in request.products:
                switch_on(wanted, self._by_product.patch(product))
            allowed &= wanted
        self._block(allowed, request)
        return allowed

    def _restrict_keywords(self, allowed: Bits, query: tuple[str, ...]) -> None:
        wanted = self._targets.without_keywords(len(allowed))
        for index in self._targets.keywords.held_by(query):
            switch_on(wanted, self._by_campaign.patch(index))
        np.bitwise_and(allowed, wanted, out=allowed)
        for index in self._targets.negative_keywords.held_by(query):
            switch_off(allowed, self._by_campaign.patch(index))

    def _restrict_shapes(self, allowed: Bits, request: AdRequest) -> None:
        fitting = [shape for shape in self._shapes.keys if any(shape_fits(shape, slot) for slot in request.slots)]
        wanted = np.zeros_like(allowed)
        for shape in fitting:
            bits = self._shapes.get(shape)
            if bits is not None:
                wanted |= bits[: len(allowed)]
        allowed &= wanted

    def _block(self, allowed: Bits, request: AdRequest) -> None:
        for category in request.blocked_categories:
            for index in self._categories_below.get(category, ()):
                switch_off(allowed, self._by_category.patch(index))
        if request.blocked_advertisers:
            blocked = set(filter(None, request.blocked_advertisers))
            for advertiser in self.advertisers:
                if advertiser.id in blocked or advertiser.domain in blocked:
                    for index in self._campaigns_by.get(advertiser.id, ()):
                        switch_off(allowed, self._by_campaign.patch(index))

    def eligible_slow(self, request: AdRequest, now_us: int) -> Bits:
        """`eligible`, ad by ad: its twin for tests and for doubt."""
        return pack(np.array([self.why_not(row, request, now_us) is None for row in range(self.n)], np.bool_))

    def why_not(self, row: int, request: AdRequest, now_us: int) -> str | None:
        """The first rule that keeps the row out, as a sentence, or None where it may answer."""
        ad = self.ads[row]
        if ad is None:
            return "removed"
        index = self.campaign_index_of[ad.campaign]
        campaign = self.campaigns[index]
        advertiser = self.advertisers[self.advertiser_index_of[campaign.advertiser]]
        funded = self._schedule.is_funded(index)
        return eligibility.why_not(ad, campaign, advertiser, request, now_us=now_us, funded=funded)

    # ---- features

    def columns(self, rows: Iterable[int]) -> dict[str, list[object]]:
        """The raw ad-side feature columns of M rows, one list of M each; see `ad_columns`."""
        ads = [self.ads[row] for row in rows]
        campaigns = [None if ad is None else self.campaigns[self.campaign_index_of[ad.campaign]] for ad in ads]
        return ad_columns(ads, campaigns, self.attribute_names)


def _grouped(keys: NDArray[np.int32], rows: Rows) -> Iterator[tuple[int, Rows]]:
    """(key, its rows) for each distinct key."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    distinct, starts = np.unique(keys, return_index=True)
    for key, start, end in zip(distinct, starts, np.append(starts[1:], len(keys))[: len(starts)], strict=True):
        yield int(key), rows[start:end]
