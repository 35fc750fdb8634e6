"""NumberSummary: mean, deviation, range and quantiles of a stream of numbers in bounded memory."""

import numpy as np
from numpy.typing import NDArray

from adcascade.features.numbers import Bins, Scale, signed_logs

SAMPLE = 100_000
LARGEST = 1e30  # larger numbers are taken for this one, so that squares stay finite


class NumberSummary:
    """Takes arrays one by one; the mean and the deviation are exact, the quantiles those of a uniform sample.

    The sample keeps the `SAMPLE` values with the smallest random tags (a reservoir without order), so
    that up to that many values the quantiles are exact too.
    """

    def __init__(self, *, log: bool, seed: int) -> None:
        self._log = log
        self._random = np.random.default_rng(seed)
        self._sample = np.empty(0)
        self._tags = np.empty(0)
        self._count, self._mean, self._squares, self._missing = 0, 0.0, 0.0, 0
        self._low, self._high = np.inf, -np.inf

    def add(self, x: NDArray[np.float64]) -> None:
        """Take in float64 [n]; NaN is missing and infinities are left out."""
        self._missing += int(np.isnan(x).sum())
        y = np.clip(x[np.isfinite(x)], -LARGEST, LARGEST)
        y = signed_logs(y) if self._log else y
        if len(y) == 0:
            return
        self._low, self._high = min(self._low, float(y.min())), max(self._high, float(y.max()))
        self._add_moments(y)
        tags = np.append(self._tags, self._random.random(len(y)))
        sample = np.append(self._sample, y)
        if len(tags) > SAMPLE:
            kept = np.argpartition(tags, SAMPLE - 1)[:SAMPLE]
            tags, sample = tags[kept], sample[kept]
        self._tags, self._sample = tags, sample

    def _add_moments(self, y: NDArray[np.float64]) -> None:
        """Chan, Golub and LeVeque's merge of two means and two sums of squared deviations."""
        n, mean = len(y), float(y.mean())
        total, shift = self._count + n, mean - self._mean
        self._squares += float(((y - mean) ** 2).sum()) + shift**2 * self._count * n / total
        self._mean += shift * n / total
        self._count = total

    def scale(self) -> Scale:
        """How to standardise; a column without any number, or with one value only, has deviation 1."""
        if self._count == 0:
            return Scale(mean=0.0, deviation=1.0, low=0.0, high=0.0, indicator=self._missing > 0, log=self._log)
        deviation = float(np.sqrt(self._squares / self._count)) if self._low < self._high else 1.0
        return Scale(
            mean=self._mean,
            deviation=deviation or 1.0,
            low=self._low,
            high=self._high,
            indicator=self._missing > 0,
            log=self._log,
        )

    def bins(self, count: int) -> Bins:
        """At most `count` bins of about equal mass; equal quantiles make one edge."""
        if self._count == 0:
            return Bins(edges=(), log=self._log)
        cuts = np.quantile(self._sample, np.arange(1, count) / count)
        edges = np.unique(cuts[cuts > self._low])
        return Bins(edges=tuple(float(edge) for edge in edges), log=self._log)
