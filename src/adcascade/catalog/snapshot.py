"""Snapshot: the catalog in memory as serving reads it, a struct of arrays over the rows of the ads.

One thread writes (`apply`, `set_serving`, `tick`, `eligible` as time passes); what a reader of the same
event loop sees is always whole.

Letters: N rows, tombstones included; C campaigns; M rows of a question.
"""

from collections.abc import Collection, Iterable, MutableMapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog import eligibility
from adcascade.catalog.admission import Admission
from adcascade.catalog.bitmaps import Bits, pack, patch_of, switch_off
from adcascade.catalog.changes import Changes, check_references
from adcascade.catalog.columns import ad_columns, same_columns
from adcascade.catalog.eligibility import Cap, Standing
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.offers import UNKNOWN, first_bid, margin_limits
from adcascade.catalog.packed.image import Array, Arrays, below, part, plain, read_plain
from adcascade.catalog.placing import is_alive, same_place
from adcascade.catalog.roster import Advertising, Roster
from adcascade.catalog.row_arrays import ARRAYS
from adcascade.catalog.rowsets import NOBODY, Rows, union_of
from adcascade.catalog.sections import NO_GROUP
from adcascade.catalog.store import CatalogStore
from adcascade.contracts.request import AdRequest


class Snapshot(Roster):
    """N rows of ads beside their campaigns and advertisers; arrays are views of N rows, to be read only."""

    campaign: NDArray[np.int32]  # [N] index into campaigns, -1: tombstone
    group: NDArray[np.int32]  # [N] index into ad_groups, -1: directly in the campaign
    advertiser: NDArray[np.int32]  # [N] index into advertisers, -1: tombstone
    bid: NDArray[np.int64]  # [N] micros per billing event: the ad's own, its group's or its campaign's
    own_bid: NDArray[np.int64]  # [N] the ad's own, UNKNOWN: it has none
    billing_click: NDArray[np.bool_]  # [N] billed by the click, else by the impression
    target: NDArray[np.int64]  # [N] micros that a conversion may cost, UNKNOWN: the bid is told instead
    margin: NDArray[np.int64]  # [N] micros that one sold leaves, UNKNOWN: not told
    margin_limit: NDArray[np.int64]  # [N] most micros for a conversion, by margin and share; UNKNOWN: no limit
    category: NDArray[np.int32]  # [N] index into categories, -1: tombstone
    price: NDArray[np.int64]  # [N] micros, of the product
    stock: NDArray[np.int64]  # [N] -1: not counted

    def __init__(self) -> None:
        """An empty catalog of version 0."""
        super().__init__()
        self.version = 0
        self.bids_version = 0  # moves when a bid, a billing or the number of rows does
        self.n = 0
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

        New status, money, schedule, targeting, stock and margin are taken in too but change no row: what is
        kept per ad (features, vectors, index) stays as it is. InputError, and nothing taken in, where one is
        named that neither the snapshot nor the changes hold.
        """
        check_references(changes, self.advertiser_index_of, self.campaign_index_of, self.group_index_of)
        for advertiser in changes.advertisers:
            self._put_advertiser(advertiser)
        moved = [self._put_campaign(campaign) for campaign in changes.campaigns]
        for group in changes.ad_groups:
            self._put_group(group)
        changed = self._put_ads(changes.ads)
        self.version = changes.version
        rows: Rows = np.unique(np.concatenate([*moved, changed]))
        return rows

    def product_rows(self, product: str) -> Sequence[int]:
        """The rows whose ads name the product, in no order."""
        return self._admission.product_rows(product)

    # ---- images

    def pack(self) -> dict[str, Array]:
        """All of it as arrays, as of the last tick and with some room for more rows.

        Of a snapshot that was read from the store, before anybody told it who has no money left.
        """
        self._reserve(self.n + self.n // 8 + 64)
        numbers = {"version": self.version, "bids_version": self.bids_version, "n": self.n}
        return {
            "numbers": plain(numbers),
            **below("rows", self._full),
            **below("admission", self._admission.pack()),
            **self.pack_roster(),
        }

    @classmethod
    def unpack(cls, arrays: Arrays) -> Self:
        """What `pack` wrote; the arrays are the snapshot's from now on."""
        snapshot = cls()
        numbers = read_plain(arrays["numbers"])
        snapshot.version, snapshot.bids_version = numbers["version"], numbers["bids_version"]
        snapshot.open_roster(arrays)
        snapshot._full = part(arrays, "rows")
        snapshot._admission.unpack(part(arrays, "admission"), Advertising.of(arrays))
        snapshot._cut(numbers["n"])
        return snapshot

    # ---- who advertises

    def _put_advertiser(self, advertiser: Advertiser) -> None:
        index = _index(advertiser.id, self.advertiser_index_of)
        self.advertisers.put(index, advertiser)
        self._admission.put_advertiser(advertiser)

    def _put_campaign(self, campaign: Campaign) -> Rows:
        """The rows whose advertiser is another now."""
        index = _index(campaign.id, self.campaign_index_of)
        self.campaigns.put(index, campaign)
        rows = self._admission.put_campaign(index, campaign)
        if not len(rows):
            return NOBODY
        moved: Rows = rows[self.advertiser[rows] != self.advertiser_index_of[campaign.advertiser]]
        self._write_terms(rows, campaign)
        return moved

    def _put_group(self, group: AdGroup) -> None:
        index = _index(group.id, self.group_index_of)
        self.ad_groups.put(index, group)
        campaign = self.campaign_index_of[group.campaign]
        rows = self._admission.put_group(index, group, campaign)
        if len(rows):
            self._write_terms(rows, self.campaigns[campaign])

    def _write_terms(self, rows: Rows, campaign: Campaign) -> None:
        """What the arrays hold of the campaign and the groups of these rows."""
        self.advertiser[rows] = self.advertiser_index_of[campaign.advertiser]
        self.target[rows] = UNKNOWN if campaign.target_micros is None else campaign.target_micros
        self.margin_limit[rows] = margin_limits(self.margin[rows], campaign.margin_share)
        by_click = campaign.billing == "click"
        bids = np.array([self._terms_bid(group, campaign) for group in self.group[rows].tolist()], np.int64)
        bids = np.where(self.own_bid[rows] == UNKNOWN, bids, self.own_bid[rows])
        if (self.bid[rows] != bids).any() or (self.billing_click[rows] != by_click).any():
            self.bid[rows], self.billing_click[rows] = bids, by_click
            self.bids_version += 1

    def _terms_bid(self, group: int, campaign: Campaign) -> int:
        own = None if group == NO_GROUP else self.ad_groups[group].bid_micros
        return first_bid(campaign) if own is None else own

    # ---- ads

    def _put_ads(self, ads: Sequence[tuple[int, Ad | None]]) -> Rows:
        """The rows whose features are others now."""
        if not ads:
            return NOBODY
        self._resize(max(self.n, max(row for row, _ in ads) + 1))
        staying: list[tuple[int, Ad, Ad]] = []
        others: list[tuple[int, Ad | None]] = []
        for row, ad in ads:
            old = self.ads[row]
            if ad is not None and old is not None and old.id == ad.id and same_place(old, ad):
                staying.append((row, old, ad))
            else:
                others.append((row, ad))
        return union_of((self._rewrite(staying), self._replace(others)))

    def _rewrite(self, staying: Sequence[tuple[int, Ad, Ad]]) -> Rows:
        """Ads (row, old, new) that stay in their place; the rows whose features are others now."""
        if not staying:
            return NOBODY
        rows = np.array([row for row, _, _ in staying], np.int32)
        for row, _, ad in staying:
            self.ads.put(row, ad)
        self._write_own(rows, [ad for _, _, ad in staying])
        flips = np.array([is_alive(new) - is_alive(old) for _, old, new in staying])
        for alive, flip in ((True, 1), (False, -1)):
            flipped = rows[flips == flip]
            if len(flipped):
                self._admission.revive(flipped, self.campaign[flipped], self.group[flipped], alive=alive)
        return rows[[not same_columns(old, new) for _, old, new in staying]]

    def _write_own(self, rows: Rows, ads: Sequence[Ad]) -> None:
        """What the arrays hold of the ads themselves, whose campaigns and groups they hold already."""
        for ad in ads:
            if ad.attributes:
                self.attribute_names |= dict.fromkeys(ad.attributes)
        own = [UNKNOWN if ad.bid_micros is None else ad.bid_micros for ad in ads]
        if (self.own_bid[rows] != own).any():
            self.own_bid[rows] = own
            of = zip(own, self.group[rows].tolist(), self.campaign[rows].tolist(), strict=True)
            self.bid[rows] = [
                self._terms_bid(group, self.campaigns[campaign]) if bid == UNKNOWN else bid
                for bid, group, campaign in of
            ]
            self.bids_version += 1
        self._write_offers(rows, ads)

    def _write_offers(self, rows: Rows, ads: Sequence[Ad]) -> None:
        """What the arrays hold of stock, price and margin."""
        self.price[rows] = [ad.price_micros for ad in ads]
        self.stock[rows] = [-1 if ad.stock is None else ad.stock for ad in ads]
        self.margin[rows] = [UNKNOWN if ad.margin_micros is None else ad.margin_micros for ad in ads]
        shares = [self.campaigns[index].margin_share for index in self.campaign[rows].tolist()]
        if any(share is not None for share in shares):
            for share in set(shares):
                of = np.array([one == share for one in shares], np.bool_)
                self.margin_limit[rows[of]] = margin_limits(self.margin[rows[of]], share)

    def _replace(self, ads: Sequence[tuple[int, Ad | None]]) -> Rows:
        """Take the rows' ads out and put these in."""
        if not ads:
            return NOBODY
        rows = np.array([row for row, _ in ads], np.int32)
        self._remove(rows)
        placed = [(row, ad) for row, ad in ads if ad is not None]
        if placed:
            self._write_ads(np.array([row for row, _ in placed], np.int32), [ad for _, ad in placed])
            there = [row for row, _ in placed]
            self._admission.add(placed, self.campaign[there], self.group[there])
        self.bids_version += 1
        return rows

    def _remove(self, rows: Rows) -> None:
        """Leave tombstones."""
        placed = [(row, ad) for row in rows.tolist() if (ad := self.ads[row]) is not None]
        if placed:
            there = [row for row, _ in placed]
            self._admission.remove(placed, self.campaign[there], self.group[there])
        for row, ad in placed:
            del self.row_of[ad.id]
            self.ads.put(row, None)
        for name, (_, fill) in ARRAYS.items():
            self._full[name][rows] = fill

    def _write_ads(self, rows: Rows, ads: Sequence[Ad]) -> None:
        for row, ad in zip(rows.tolist(), ads, strict=True):
            self.ads.put(row, ad)
            self.ad_ids.put(row, ad.id)
            self.row_of[ad.id] = row
        campaigns = [self.campaign_index_of[ad.campaign] for ad in ads]
        groups = [self.group_index_of[ad.ad_group] if ad.ad_group else NO_GROUP for ad in ads]
        terms = [self.campaigns[index] for index in campaigns]
        self.campaign[rows], self.group[rows] = campaigns, groups
        self.advertiser[rows] = [self.advertiser_index_of[campaign.advertiser] for campaign in terms]
        self.billing_click[rows] = [campaign.billing == "click" for campaign in terms]
        self.target[rows] = [UNKNOWN if c.target_micros is None else c.target_micros for c in terms]
        self.bid[rows] = [self._terms_bid(group, campaign) for group, campaign in zip(groups, terms, strict=True)]
        known = len(self.category_index_of)
        self.category[rows] = [_index(ad.category, self.category_index_of) for ad in ads]
        self.categories += list(self.category_index_of)[known:] if len(self.category_index_of) > known else []
        self._write_own(rows, ads)

    def _resize(self, n: int) -> None:
        """Make room for n rows; capacity doubles, and the public arrays become views of n rows."""
        capacity = len(self._full["campaign"])
        if n > capacity:
            self._reserve(max(n, 2 * capacity, 64))
        self.ads.fill(None, n - self.n)
        self.ad_ids.fill("", n - self.n)
        self._cut(n)

    def _reserve(self, rows: int) -> None:
        """Make the capacity so many rows, in whole bytes of bits, where it is less."""
        capacity = -(-rows // 8) * 8
        if capacity <= len(self._full["campaign"]):
            return
        self._admission.grow(capacity // 8)
        for name, (dtype, fill) in ARRAYS.items():
            old = self._full[name]
            self._full[name] = np.concatenate((old, np.full(capacity - len(old), fill, dtype)))
        self._cut(self.n)

    def _cut(self, n: int) -> None:
        """The public arrays are views of n rows."""
        self.n = n
        for name in ARRAYS:
            setattr(self, name, self._full[name][:n])

    # ---- time, money, questions

    def tick(self, now_us: int) -> None:
        """Set the clock: campaigns start and end. `eligible` does so too."""
        self._admission.tick(now_us)

    def set_serving(self, campaign_index: int, on: bool) -> None:  # noqa: FBT001  the question has two answers
        """The campaign has money left (True, as at first) or not; switches all its ads."""
        self._admission.fund(campaign_index, funded=on)

    def eligible(self, request: AdRequest, now_us: int, capped: Collection[Cap] = ()) -> Bits:
        """The rows that may answer: a new packed bitmap, uint8 [ceil(N / 8)], as faiss' IDSelectorBitmap reads it.

        capped: of what the user has seen enough, as ("campaign", id), ("advertiser", id), ("ad_group", id) or
        ("ad", id); a creative is another's part.
        """
        self._admission.tick(now_us)
        allowed = self._admission.eligible(request, -(-self.n // 8))
        for level, key in capped:
            self._close(allowed, level, key)
        return allowed

    def _close(self, allowed: Bits, level: str, key: str) -> None:
        """Clear the rows of what is capped, in place; what is not in the catalog has none."""
        if level == "advertiser":
            self._admission.close_advertiser(allowed, key)
        elif level == "campaign" and (campaign := self.campaign_index_of.get(key)) is not None:
            self._admission.close_campaign(allowed, campaign)
        elif level == "ad_group" and (group := self.group_index_of.get(key)) is not None:
            self._admission.close_group(allowed, group)
        elif level == "ad" and key in self.row_of:
            switch_off(allowed, patch_of(np.array([self.row_of[key]])))

    def eligible_slow(self, request: AdRequest, now_us: int, capped: Collection[Cap] = ()) -> Bits:
        """`eligible`, ad by ad: its twin for tests and for doubt."""
        return pack(np.array([self.why_not(row, request, now_us, capped) is None for row in range(self.n)], np.bool_))

    def why_not(self, row: int, request: AdRequest, now_us: int, capped: Collection[Cap] = ()) -> str | None:
        """The first rule that keeps the row out, as a sentence, or None where it may answer."""
        ad = self.ads[row]
        if ad is None:
            return "removed"
        index = self.campaign_index_of[ad.campaign]
        campaign = self.campaigns[index]
        standing = Standing(
            ad=ad,
            group=self.ad_groups[self.group_index_of[ad.ad_group]] if ad.ad_group else None,
            campaign=campaign,
            advertiser=self.advertisers[self.advertiser_index_of[campaign.advertiser]],
            now_us=now_us,
            funded=self._admission.schedule.is_funded(index),
            capped=capped,
        )
        return eligibility.why_not(standing, request)

    def columns(self, rows: Iterable[int]) -> dict[str, list[object]]:
        """The raw ad-side feature columns of M rows, one list of M each; see `ad_columns`."""
        ads = [self.ads[row] for row in rows]
        campaigns = [None if ad is None else self.campaigns[self.campaign_index_of[ad.campaign]] for ad in ads]
        return ad_columns(ads, campaigns, self.attribute_names)


def _index(name: str, index_of: MutableMapping[str, int]) -> int:
    """The index of a name; a new one gets the next."""
    return index_of.setdefault(name, len(index_of))
