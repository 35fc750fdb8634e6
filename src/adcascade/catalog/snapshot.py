"""Snapshot: the catalog in memory as serving reads it, a struct of arrays over the rows of the ads.

One thread writes (`apply`, `set_serving`, `tick`, `eligible` as time passes); what a reader of the same
event loop sees is always whole.

Letters: N rows, tombstones included; C campaigns; M rows of a question.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog import eligibility
from adcascade.catalog.admission import Admission, Rows
from adcascade.catalog.bitmaps import Bits, pack
from adcascade.catalog.changes import Changes
from adcascade.catalog.columns import ad_columns
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.contracts.request import AdRequest
from adcascade.errors import InputError

# Arrays over rows with what a tombstone holds.
ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "campaign": (np.int32, -1),
    "advertiser": (np.int32, -1),
    "bid": (np.int64, 0),
    "billing_click": (np.bool_, 0),
    "category": (np.int32, -1),
    "price": (np.int64, 0),
    "stock": (np.int64, 0),
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
        self.category_index_of: dict[str, int] = {}
        self.attribute_names: dict[str, None] = {}  # of all ads ever seen, in order of appearance
        self._admission = Admission()
        self._full = {name: np.full(0, fill, dtype) for name, (dtype, fill) in ARRAYS.items()}
        self._resize(0)

    @classmethod
    def from_store(cls, store: CatalogStore) -> Self:
        """All that the store holds now."""
        snapshot = cls()
        snapshot.apply(store.changes(0))
        return snapshot

    def apply(self, changes: Changes) -> Rows:
        """Take the changes in; the rows whose ad, campaign or advertiser is another now, int32 ascending.

        A campaign's new status, money, schedule or targeting is taken in too but changes no row: what is
        kept per ad (features, vectors, index) stays as it is. InputError, and nothing taken in, where an
        advertiser or a campaign is named that neither the snapshot nor the changes hold.
        """
        self._check(changes)
        for advertiser in changes.advertisers:
            self._put_advertiser(advertiser)
        moved = [self._put_campaign(campaign) for campaign in changes.campaigns]
        changed = self._put_ads(changes.ads)
        self.version = changes.version
        rows: Rows = np.unique(np.concatenate([*moved, changed]))
        return rows

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
        index = _index(advertiser.id, self.advertiser_index_of)
        old = self.advertisers[index] if index < len(self.advertisers) else None
        self.advertisers[index : index + 1] = [advertiser]
        self._admission.put_advertiser(old, advertiser)

    def _put_campaign(self, campaign: Campaign) -> Rows:
        """The rows whose advertiser is another now."""
        index = _index(campaign.id, self.campaign_index_of)
        self.campaigns[index : index + 1] = [campaign]
        rows = self._admission.put_campaign(index, campaign)
        moved: Rows = rows[self.advertiser[rows] != self.advertiser_index_of[campaign.advertiser]]
        for row in rows.tolist():
            self._write_campaign(row, campaign)
        return moved

    def _write_campaign(self, row: int, campaign: Campaign) -> None:
        """What the arrays hold of the row's campaign."""
        ad = self.ads[row]
        own = None if ad is None else ad.bid_micros
        self.advertiser[row] = self.advertiser_index_of[campaign.advertiser]
        self.billing_click[row] = campaign.billing == "click"
        self.bid[row] = campaign.bid_micros if own is None else own

    def _put_ads(self, ads: Sequence[tuple[int, Ad | None]]) -> Rows:
        rows = np.array([row for row, _ in ads], np.int32)
        if not len(rows):
            return rows
        self._resize(max(self.n, int(rows.max()) + 1))
        self._remove(rows)
        placed = [(row, ad) for row, ad in ads if ad is not None]
        for row, ad in placed:
            self._write_ad(row, ad)
        self._admission.add(placed, self.campaign[[row for row, _ in placed]])
        return rows

    def _remove(self, rows: Rows) -> None:
        """Leave tombstones."""
        placed = [(row, ad) for row in rows.tolist() if (ad := self.ads[row]) is not None]
        self._admission.remove(placed, self.campaign[[row for row, _ in placed]])
        for row, ad in placed:
            del self.row_of[ad.id]
            self.ads[row] = None
        for name, (_, fill) in ARRAYS.items():
            self._full[name][rows] = fill

    def _write_ad(self, row: int, ad: Ad) -> None:
        self.ads[row] = ad
        self.ad_ids[row] = ad.id
        self.row_of[ad.id] = row
        self.campaign[row] = self.campaign_index_of[ad.campaign]
        self._write_campaign(row, self.campaigns[self.campaign[row]])
        category = _index(ad.category, self.category_index_of)
        self.categories[category : category + 1] = [ad.category]
        self.category[row] = category
        self.price[row] = ad.price_micros
        self.stock[row] = -1 if ad.stock is None else ad.stock
        self.attribute_names |= dict.fromkeys(ad.attributes)

    def _resize(self, n: int) -> None:
        """Make room for n rows; capacity doubles, and the public arrays become views of n rows."""
        capacity = len(self._full["campaign"])
        if n > capacity:
            capacity = max(-(-n // 8) * 8, 2 * capacity, 64)
            self._admission.grow(capacity // 8)
            for name, (dtype, fill) in ARRAYS.items():
                old = self._full[name]
                self._full[name] = np.concatenate((old, np.full(capacity - len(old), fill, dtype)))
        self.ads += [None] * (n - self.n)
        self.ad_ids += [""] * (n - self.n)
        self.n = n
        for name in ARRAYS:
            setattr(self, name, self._full[name][:n])

    def tick(self, now_us: int) -> None:
        """Set the clock: campaigns start and end. `eligible` does so too."""
        self._admission.tick(now_us)

    def set_serving(self, campaign_index: int, on: bool) -> None:  # noqa: FBT001  the question has two answers
        """The campaign has money left (True, as at first) or not; switches all its ads."""
        self._admission.fund(campaign_index, funded=on)

    def eligible(self, request: AdRequest, now_us: int) -> Bits:
        """The rows that may answer: a new packed bitmap, uint8 [ceil(N / 8)], as faiss' IDSelectorBitmap reads it."""
        self._admission.tick(now_us)
        return self._admission.eligible(request, -(-self.n // 8))

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
        funded = self._admission.schedule.is_funded(index)
        return eligibility.why_not(ad, campaign, advertiser, request, now_us=now_us, funded=funded)

    def columns(self, rows: Iterable[int]) -> dict[str, list[object]]:
        """The raw ad-side feature columns of M rows, one list of M each; see `ad_columns`."""
        ads = [self.ads[row] for row in rows]
        campaigns = [None if ad is None else self.campaigns[self.campaign_index_of[ad.campaign]] for ad in ads]
        return ad_columns(ads, campaigns, self.attribute_names)


def _index(name: str, index_of: dict[str, int]) -> int:
    """The index of a name; a new one gets the next."""
    return index_of.setdefault(name, len(index_of))
