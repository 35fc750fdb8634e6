"""Reach: how many users see an ad at least once.

Of all auctions, users are counted. Of a sample they are estimated: d users seen, f1 of them once and f2 twice, among n
impressions that are the part q of all,

    users >= d + f1^2 / ( n / (n - 1) * 2 f2 + q / (1 - q) * f1 )

(Chao and Lin, "Nonparametric lower bounds for species richness and shared species richness under sampling without
replacement", 2012), which is d where q is 1. It is a cautious figure: whom nobody saw, nobody can tell apart.
"""

import numpy as np

from adcascade.forecast.traffic import NOBODY, Ints, Traffic


def reach_of(traffic: Traffic, viewers: Ints, impressions: float) -> float:
    """Users within the traffic's days. viewers [n]: of each impression, of which the budget leaves so many a day."""
    users = viewers[viewers != NOBODY]
    if not len(users) or not impressions:
        return 0.0
    views = np.bincount(users)
    views = views[views > 0]
    bought = min(1.0, impressions * traffic.days / (len(viewers) * traffic.scale))
    found = float((1.0 - (1.0 - bought) ** views).sum())
    return found * richness(views, 1.0 / traffic.weight) / len(views)


def richness(views: Ints, part: float) -> float:
    """How many users there are, where a part of all impressions shows each of [U] users so often."""
    n, once, twice = int(views.sum()), int((views == 1).sum()), int((views == 2).sum())
    if part >= 1.0 or not once or n < 2:
        return float(len(views))
    return len(views) + once**2 / (n / (n - 1) * 2 * twice + part / (1 - part) * once)
