"""VariantCounts: how often each creative of each ad was seen and clicked; creative.json in a bundle."""

from pathlib import Path

import msgspec

from adcascade.creative.smoothed import STRONGEST, smoothed
from adcascade.errors import BundleError

FILE = "creative.json"


class VariantCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by ad id and creative id with the priors they are smoothed by; empty: nothing is known."""

    format: int = 1
    mean: float = 0.0  # click rate of all ads
    ad_strength: float = STRONGEST  # impressions
    variant_strength: float = STRONGEST
    ads: dict[str, dict[str, tuple[float, float]]] = {}  # ad id -> creative id -> (shows, clicks)

    def of(self, ad: str, creative: str) -> tuple[float, float]:
        """(shows, clicks) of a creative; zeros where it was never seen."""
        return self.ads.get(ad, {}).get(creative, (0.0, 0.0))

    def ad_mean(self, ad: str) -> float:
        """The smoothed click rate of the ad, over all its creatives."""
        seen = self.ads.get(ad, {}).values()
        shows, clicks = sum(s for s, _ in seen), sum(c for _, c in seen)
        return smoothed(clicks, shows, self.mean, self.ad_strength)


def write_counts(folder: Path, counts: VariantCounts) -> None:
    """Write creative.json into `folder`."""
    (folder / FILE).write_bytes(msgspec.json.encode(counts))


def read_counts(folder: Path) -> VariantCounts:
    """What was written; BundleError where it is absent or damaged."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=VariantCounts)
    except (OSError, msgspec.MsgspecError) as error:
        raise BundleError(f"{path} holds no counts of creatives ({error}); build the bundle again") from error
