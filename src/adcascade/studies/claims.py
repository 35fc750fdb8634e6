"""Claims: sentences about paired differences, each with its 95 % interval and the rule by which it holds.

    d_s = method_s - baseline_s  per seed s (the sign turned where lower is better)
    interval = mean(d) ± t(0.975, n - 1) sd(d) / sqrt(n)

    gain       mean(d) >= at_least, and the interval lies above 0
    no_worse   the interval lies above -margin
    reaches    mean(value) is on the right side of a bound; d is the distance to it

With one seed there is no interval: then the difference alone decides, and ci95 is None.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from adcascade.metrics.student import interval
from adcascade.studies.contract import Claim, Row

Floats = NDArray[np.float64]
Rule = Callable[[float, float | None], bool]  # mean, low end of the interval


def gain(
    says: str, metric: str, method: Row, baseline: Row, *, at_least: float = 0.0, lower_is_better: bool = False
) -> Claim:
    """The method is better: by `at_least` in the mean, and surely by more than nothing."""
    d = _paired(metric, method, baseline, lower_is_better=lower_is_better)
    return _judged(says, metric, d, lambda mean, low: mean >= at_least and (low > 0 if low is not None else mean > 0))


def no_worse(
    says: str, metric: str, method: Row, baseline: Row, *, margin: float, lower_is_better: bool = False
) -> Claim:
    """The method is surely not worse by more than `margin`."""
    d = _paired(metric, method, baseline, lower_is_better=lower_is_better)
    return _judged(says, metric, d, lambda mean, low: (mean if low is None else low) >= -margin)


def reaches(
    says: str, metric: str, method: Row, *, at_least: float | None = None, at_most: float | None = None
) -> Claim:
    """The method's own value is at least, or at most, a bound in the mean; give one of the two."""
    if (at_least is None) == (at_most is None):
        raise ValueError(f"{says!r}: give one bound, at_least or at_most")
    values = _values(metric, method)
    d = values - at_least if at_least is not None else float(at_most or 0.0) - values
    return _judged(says, metric, d, lambda mean, low: mean >= 0)  # noqa: ARG005  the rule's signature


def _values(metric: str, row: Row) -> Floats:
    if metric not in row.values:
        raise ValueError(f"row {row.name!r} has no {metric!r}; it has {', '.join(row.values)}")
    return np.asarray(row.values[metric], np.float64)


def _paired(metric: str, method: Row, baseline: Row, *, lower_is_better: bool) -> Floats:
    d = _values(metric, method) - _values(metric, baseline)
    return -d if lower_is_better else d


def _judged(says: str, metric: str, d: Floats, rule: Rule) -> Claim:
    """The claim; NaN anywhere means that it does not hold."""
    ci = interval(d.tolist())
    mean = float(d.mean())
    holds = bool(np.isfinite(d).all()) and rule(mean, None if ci is None else ci[0])
    return Claim(says=says, metric=metric, difference=mean, ci95=ci, holds=holds)
