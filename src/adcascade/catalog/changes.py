"""Changes: what happened to the catalog after a version; the store tells it, the snapshot takes it in."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The last state of everything that changed; applying the same changes twice is applying them once."""

    version: int  # of the catalog after these changes
    advertisers: Sequence[Advertiser] = ()
    campaigns: Sequence[Campaign] = ()
    ad_groups: Sequence[AdGroup] = ()
    ads: Sequence[tuple[int, Ad | None]] = ()  # (row, ad), by row; None: the ad was removed

    def __len__(self) -> int:
        """How many nouns changed."""
        return len(self.advertisers) + len(self.campaigns) + len(self.ad_groups) + len(self.ads)

    def slices(self, size: int, before: int) -> Iterator["Changes"]:
        """The same changes, at most `size` nouns at once, in an order in which each names only what came before.

        before: the version that all but the last slice leave the catalog at.
        """
        parts = [
            Changes(version=before, **{kind: nouns[start : start + size]})
            for kind in ("advertisers", "campaigns", "ad_groups", "ads")
            for nouns in (getattr(self, kind),)
            for start in range(0, len(nouns), size)
        ]
        yield from parts[:-1]
        yield replace(parts[-1] if parts else self, version=self.version)


def check_references(
    changes: Changes, advertisers: Container[str], campaigns: Container[str], groups: Container[str]
) -> None:
    """InputError where one is named that is neither among these ids nor in the changes."""
    new_advertisers = {advertiser.id for advertiser in changes.advertisers}
    new_campaigns = {campaign.id for campaign in changes.campaigns}
    new_groups = {group.id for group in changes.ad_groups}
    for campaign in changes.campaigns:
        if campaign.advertiser not in advertisers and campaign.advertiser not in new_advertisers:
            raise InputError("campaign.advertiser", campaign.advertiser, "the id of a known advertiser")
    for group in changes.ad_groups:
        if group.campaign not in campaigns and group.campaign not in new_campaigns:
            raise InputError("ad_group.campaign", group.campaign, "the id of a known campaign")
    for _, ad in changes.ads:
        if ad is None:
            continue
        if ad.campaign not in campaigns and ad.campaign not in new_campaigns:
            raise InputError("ad.campaign", ad.campaign, "the id of a known campaign")
        if ad.ad_group and ad.ad_group not in groups and ad.ad_group not in new_groups:
            raise InputError("ad.ad_group", ad.ad_group, "the id of a known ad group")
