"""creative: which of its looks a winner shows."""

from adcascade.creative.counts import VariantCounts, read_counts, write_counts
from adcascade.creative.smoothed import beta_strength, smoothed_rate, thompson_shares
from adcascade.creative.stage import CreativeStage

__all__ = [
    "CreativeStage",
    "VariantCounts",
    "beta_strength",
    "read_counts",
    "smoothed_rate",
    "thompson_shares",
    "write_counts",
]
