"""Roster: the nouns of a snapshot by number, and their numbers by id; as lists, or as an image holds them."""

from collections.abc import MutableMapping
from typing import NamedTuple, Self

import numpy as np

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.packed.image import Array, Arrays, below, part, plain, read_plain
from adcascade.catalog.packed.names import Names
from adcascade.catalog.packed.shelf import Listed, PackedNouns, Shelf, pack_nouns
from adcascade.catalog.packed.texts import Texts, packed

FEW = 256  # nouns at hand of one who looks at few


class Roster:
    """Rows of ads; indexes of campaigns, ad groups, advertisers and categories in order of appearance.

    ads: None for a tombstone; ad_ids: the last id of each row, "" for a row never seen; row_of: row by id of the ads
    that are there.
    """

    def __init__(self) -> None:
        """Nobody."""
        self.ads: Listed[Ad | None] | Shelf[Ad | None] = Listed()
        self.ad_ids: Listed[str] | Shelf[str] = Listed()
        self.row_of: MutableMapping[str, int] = {}
        self.campaigns: Listed[Campaign] | Shelf[Campaign] = Listed()
        self.campaign_index_of: MutableMapping[str, int] = {}
        self.ad_groups: Listed[AdGroup] | Shelf[AdGroup] = Listed()
        self.group_index_of: MutableMapping[str, int] = {}
        self.advertisers: Listed[Advertiser] | Shelf[Advertiser] = Listed()
        self.advertiser_index_of: MutableMapping[str, int] = {}
        self.categories: list[str] = []
        self.category_index_of: dict[str, int] = {}
        self.attribute_names: dict[str, None] = {}  # of all ads ever seen, in order of appearance

    def pack_roster(self) -> dict[str, Array]:
        """All nouns as arrays."""
        there = np.fromiter((ad is not None for ad in self.ads), np.bool_, len(self.ads))
        return {
            **below("ads", pack_nouns(self.ads)),
            **below("campaigns", pack_nouns(self.campaigns)),
            **below("groups", pack_nouns(self.ad_groups)),
            **below("advertisers", pack_nouns(self.advertisers)),
            **below("ad ids", packed(self.ad_ids, there)),
            **below("campaign ids", packed(campaign.id for campaign in self.campaigns)),
            **below("group ids", packed(group.id for group in self.ad_groups)),
            **below("advertiser ids", packed(advertiser.id for advertiser in self.advertisers)),
            "categories": plain(self.categories),
            "attributes": plain(list(self.attribute_names)),
        }

    def open_roster(self, arrays: Arrays) -> None:
        """Become what `pack_roster` wrote; a noun is decoded when it is looked at."""
        ids = Texts(part(arrays, "ad ids"))
        self.ads, self.ad_ids, self.row_of = Shelf(PackedNouns("ads", part(arrays, "ads"))), Shelf(ids), Names(ids)
        self.campaigns = Shelf(PackedNouns("campaigns", part(arrays, "campaigns")))
        self.campaign_index_of = Names(Texts(part(arrays, "campaign ids")))
        self.ad_groups = Shelf(PackedNouns("ad_groups", part(arrays, "groups")))
        self.group_index_of = Names(Texts(part(arrays, "group ids")))
        self.advertisers = Shelf(PackedNouns("advertisers", part(arrays, "advertisers")))
        self.advertiser_index_of = Names(Texts(part(arrays, "advertiser ids")))
        self.categories = read_plain(arrays["categories"])
        self.category_index_of = {category: index for index, category in enumerate(self.categories)}
        self.attribute_names = dict.fromkeys(read_plain(arrays["attributes"]))


class Advertising(NamedTuple):
    """Who advertises, for one more who keeps lists of his own over the same image."""

    advertisers: Shelf[Advertiser]
    advertiser_number: Names
    campaigns: Shelf[Campaign]
    groups: Shelf[AdGroup]

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """arrays: as `pack_roster` wrote them."""
        return cls(
            Shelf(PackedNouns("advertisers", part(arrays, "advertisers")), keep=FEW),
            Names(Texts(part(arrays, "advertiser ids"))),
            Shelf(PackedNouns("campaigns", part(arrays, "campaigns")), keep=FEW),
            Shelf(PackedNouns("ad_groups", part(arrays, "groups")), keep=FEW),
        )
