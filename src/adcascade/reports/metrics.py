"""What can be asked: each figure with its formula, its unit and the counts (columns.py) that it is made of.

Counts are added up first and divided last, so a figure of a week is not the mean of its days'. RPM, eCPM, CPC, CPA
and ROAS are of the revenue before refunds: they tell what traffic cost when it was sold, and do not change later.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from adcascade.errors import InputError
from adcascade.reports.columns import REFUNDED

CHARGED, VALUE = "charged_micros", "value_micros"

Unit = Literal["count", "money", "share", "times"]  # money: micros of the installation's currency


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """`factor` x `above` / `below`, or `above` - `less` where `below` is ""; all are names of counts or "", nothing."""

    name: str
    label: str
    unit: Unit
    formula: str
    above: str
    below: str = ""
    less: str = ""
    factor: int = 1

    @property
    def counts(self) -> tuple[str, ...]:
        """What it is made of."""
        return tuple(name for name in (self.above, self.below, self.less) if name)

    @property
    def of_ads(self) -> bool:
        """Whether single ads have it; a request as such belongs to no campaign."""
        return "requests" not in self.counts

    def value(self, sums: Mapping[str, int]) -> float | None:
        """Of added counts: int of a sum, float of a ratio, None where there is nothing to divide by."""
        if not self.below:
            return sums[self.above] - (sums[self.less] if self.less else 0)
        return self.factor * sums[self.above] / sums[self.below] if sums[self.below] else None


def _sum(name: str, label: str, formula: str, unit: Unit = "count", above: str = "") -> Metric:
    return Metric(name=name, label=label, unit=unit, formula=formula, above=above or name)


def _ratio(name: str, label: str, unit: Unit, parts: tuple[str, str], formula: str) -> Metric:
    return Metric(name=name, label=label, unit=unit, formula=formula, above=parts[0], below=parts[1])


def _mille(name: str, label: str, below: str) -> Metric:
    """Revenue of a thousand."""
    return Metric(
        name=name,
        label=label,
        unit="money",
        formula=f"1000 x revenue / {below}",
        above=CHARGED,
        below=below,
        factor=1000,
    )


METRICS = (
    _sum("requests", "Requests", "answers to pages, with ads or without"),
    _sum("offered", "Offered", "ads in answers"),
    _sum("impressions", "Impressions", "offered ads that were seen"),
    _sum("viewable", "Viewable", "offered ads of which half was on screen for a second"),
    _sum("clicks", "Clicks", "offered ads that were clicked"),
    _sum("conversions", "Conversions", "purchased items that are credited to the ad"),
    _sum("revenue", "Revenue", "charged to wallets and budgets, fee included, before refunds", "money", CHARGED),
    _sum("refunds", "Refunds", "what of the revenue was given back, whenever, for whatever reason", "money", REFUNDED),
    Metric(
        name="net_revenue", label="Net revenue", unit="money", formula="revenue - refunds", above=CHARGED, less=REFUNDED
    ),
    _sum("value", "Value", "what the conversions were sold for", "money", VALUE),
    _ratio("fill", "Ads a request", "times", ("offered", "requests"), "offered / requests"),
    _ratio("win_rate", "Win rate", "share", ("impressions", "offered"), "impressions / offered"),
    _ratio("viewable_rate", "Viewable rate", "share", ("viewable", "impressions"), "viewable / impressions"),
    _ratio("ctr", "CTR", "share", ("clicks", "impressions"), "clicks / impressions"),
    _ratio("cvr", "CVR", "share", ("conversions", "clicks"), "conversions / clicks"),
    _mille("rpm", "RPM", "requests"),
    _mille("ecpm", "eCPM", "impressions"),
    _ratio("cpc", "CPC", "money", (CHARGED, "clicks"), "revenue / clicks"),
    _ratio("cpa", "CPA", "money", (CHARGED, "conversions"), "revenue / conversions"),
    _ratio("roas", "ROAS", "times", (VALUE, CHARGED), "value / revenue"),
)
BY_NAME = {metric.name: metric for metric in METRICS}


def metric_of(name: str) -> Metric:
    """The metric of a name, else InputError."""
    if name not in BY_NAME:
        raise InputError("metrics", name, "one of " + ", ".join(BY_NAME))
    return BY_NAME[name]
