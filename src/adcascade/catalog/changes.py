"""Changes: what happened to the catalog after a version; the store tells it, the snapshot takes it in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
