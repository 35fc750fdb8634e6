"""Changes: what happened to the catalog after a version; the store tells it, the snapshot takes it in."""

from collections.abc import Sequence
from dataclasses import dataclass

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign


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
