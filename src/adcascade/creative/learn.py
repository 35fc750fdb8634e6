"""Learning which look works: counts of every creative from the log, and how strongly to smooth them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.catalog.nouns import Ad
from adcascade.creative.counts import VariantCounts, write_counts
from adcascade.creative.smoothed import beta_strength, smoothed_rate

Counts = dict[str, dict[str, tuple[float, float]]]
PRIOR_SHOWS = 20.0  # strength while the ads' own is not yet known


@dataclass
class CreativeLearner:
    """Sums impressions and clicks block by block; `export` writes what CreativeStage reads.

    ads: the catalog's ads by row, None where a row is no longer taken: they name the creatives. Impressions of an
    ad or creative that is no longer there are left out.
    """

    ads: Sequence[Ad | None]
    counts: Counts = field(default_factory=dict)

    def add(self, row: NDArray[np.integer], creative: NDArray[np.integer], click: NDArray[np.floating]) -> None:
        """Impressions [N]: catalog row of the ad, index of its creative (-1: none), 1 for a click."""
        if not len(row):
            return
        pairs, which = np.unique(np.stack([row, creative], axis=1), axis=0, return_inverse=True)
        shows = np.bincount(which.ravel(), minlength=len(pairs))
        clicks = np.bincount(which.ravel(), weights=click, minlength=len(pairs))
        for (ad_row, index), seen, clicked in zip(pairs.tolist(), shows.tolist(), clicks.tolist(), strict=True):
            ad = self.ads[ad_row] if 0 <= ad_row < len(self.ads) else None
            if ad is not None and 0 <= index < len(ad.creatives):
                variants = self.counts.setdefault(ad.id, {})
                before = variants.get(ad.creatives[index].id, (0.0, 0.0))
                variants[ad.creatives[index].id] = (before[0] + seen, before[1] + clicked)

    def add_tables(self, tables: Iterable[pa.Table]) -> None:
        """Sample tables of the event log: columns logged_ad, logged_creative, click."""
        for table in tables:
            known = table.select(["logged_ad", "logged_creative", "click"]).drop_null()
            self.add(*(known[name].to_numpy() for name in known.column_names))

    def fitted(self) -> VariantCounts:
        """The counts with their priors: strengths estimated over ads, then over the variants within ads."""
        variants = [np.array(list(v.values()), np.float64) for v in self.counts.values()]
        if not variants:
            return VariantCounts()
        shows, clicks = np.array([v.sum(axis=0) for v in variants]).T
        mean = float(smoothed_rate(clicks.sum(), shows.sum(), 0.5, 1.0))
        ad_strength = beta_strength(clicks, shows, mean) if len(variants) > 1 else PRIOR_SHOWS
        ad_mean = smoothed_rate(clicks, shows, mean, ad_strength)
        several = [place for place, v in enumerate(variants) if len(v) > 1]
        strength = PRIOR_SHOWS
        if several:
            rows = np.concatenate([variants[place] for place in several])
            means = np.repeat(ad_mean[several], [len(variants[place]) for place in several])
            strength = beta_strength(rows[:, 1], rows[:, 0], means)
        return VariantCounts(mean=mean, ad_strength=ad_strength, variant_strength=strength, ads=self.counts)

    def export(self, folder: Path) -> None:
        """Write creative.json into `folder`."""
        write_counts(folder, self.fitted())
