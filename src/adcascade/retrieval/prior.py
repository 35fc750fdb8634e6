"""ClickPrior: what is known of an ad's clicks before anything is known of the request.

    ctr(ad) = (clicks + m base) / (impressions + m)

the Beta prior of strength m around the base rate of the log; an ad never seen has the base rate.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import BundleError, ConfigurationError

STRENGTH = 50.0  # impressions that the base rate counts for
FILE = "prior.json"


class ClickPrior(msgspec.Struct, frozen=True, kw_only=True):
    """Weighted impressions and clicks by ad id."""

    clicks: Mapping[str, float]
    impressions: Mapping[str, float]
    strength: float = STRENGTH
    weight: float = 1.0  # of log ctr beside the score of the towers, from blend.py

    @classmethod
    def count(cls, tables: Iterable[pa.Table], strength: float = STRENGTH) -> Self:
        """Read the columns ad, click and, where there is one, weight of a sample set."""
        clicks: dict[str, float] = {}
        impressions: dict[str, float] = {}
        for table in tables:
            for line in _sums(table).to_pylist():
                ad = line["ad"]
                clicks[ad] = clicks.get(ad, 0.0) + line["clicks_sum"]
                impressions[ad] = impressions.get(ad, 0.0) + line["shown_sum"]
        return cls(clicks=clicks, impressions=impressions, strength=strength)

    @property
    def base(self) -> float:
        """Clicks per impression of the whole log; 0.01 for an empty one."""
        shown = sum(self.impressions.values())
        return max(sum(self.clicks.values()), 0.5) / shown if shown else 0.01

    def ctr(self, ads: Iterable[str], base: float | None = None) -> list[float]:
        """The smoothed rate of each ad id."""
        base = self.base if base is None else base
        m = self.strength
        return [(self.clicks.get(ad, 0.0) + m * base) / (self.impressions.get(ad, 0.0) + m) for ad in ads]

    def save(self, folder: Path) -> None:
        """Write prior.json."""
        (folder / FILE).write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; BundleError where it is damaged."""
        try:
            return msgspec.json.decode((folder / FILE).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise BundleError(f"{folder / FILE} cannot be read ({error}); export the model again") from error


def _sums(table: pa.Table) -> pa.Table:
    """Columns ad, clicks_sum and shown_sum of one table; rows without an ad or a label are left out."""
    if "ad" not in table.column_names:
        raise ConfigurationError(f"the samples have no column 'ad' to retrieve; they have {table.column_names}")
    click = pc.cast(table["click"], pa.float64())
    weight = pc.cast(table["weight"], pa.float64()) if "weight" in table.column_names else pa.scalar(1.0)
    shown = pc.multiply(pc.if_else(pc.is_valid(click), 1.0, 0.0), weight)
    columns = pa.table({"ad": pc.cast(table["ad"], pa.string()), "clicks": pc.multiply(click, weight), "shown": shown})
    kept = columns.filter(pc.and_(columns["ad"].is_valid(), columns["clicks"].is_valid()))
    return kept.group_by("ad").aggregate([("clicks", "sum"), ("shown", "sum")])
