"""Learning calibration from a slice of the log that the model was not trained on. Imports scikit-learn.

One map for all traffic; a scenario gets its own when it has enough clicks and non-clicks, and uses the common one
otherwise. The method "mbct" grows trees over features above a beta map; where the slice is too small for a split, the
map is what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcascade.calibration.beta import fit_beta
from adcascade.calibration.binning import fit_histogram, fit_scaling_binning
from adcascade.calibration.coding import Coder, fit_codes
from adcascade.calibration.isotonic import fit_isotonic
from adcascade.calibration.maps import Calibrator, Floats, Identity, Isotonic, encoded
from adcascade.calibration.mbct_fit import MbctConfig, fit_trees
from adcascade.calibration.mbct_stored import FeatureTrees, write_trees
from adcascade.calibration.platt import fit_platt
from adcascade.calibration.slots import slot_factors, write_slot_factors
from adcascade.calibration.stored import StoredCalibration, StoredTarget, TargetMaps, write_calibration
from adcascade.errors import ConfigurationError, InputError
from adcascade.features.fields import Fields


def fit_none(predicted: Floats, clicked: Floats, weight: Floats) -> Identity:  # noqa: ARG001  the signature of a method
    """No correction."""
    return Identity()


Fit = Callable[[Floats, Floats, Floats], Calibrator]
METHODS: dict[str, Fit] = {
    "isotonic": fit_isotonic,
    "platt": fit_platt,
    "beta": fit_beta,
    "histogram": fit_histogram,
    "scaling_binning": fit_scaling_binning,
    "mbct": fit_beta,  # beneath its trees
    "none": fit_none,
}
WITH_TREES = ("mbct",)


def fit_calibration(
    predicted: ArrayLike,
    happened: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    method: str = "isotonic",
    scenario: NDArray[np.str_] | None = None,
    least_events: float = 300.0,
    faith: float = 0.0,
) -> StoredTarget:
    """The maps of one probability, from N judged predictions.

    predicted, happened in [0, 1], weight >= 0 (1, if None) and scenario (text; none of its own, if None): [N] each.
    Rows of weight 0 or without a prediction (NaN) are left out. A scenario has its own map from `least_events`
    events and as many non-events on. Without a row, or where nothing or everything happened, nothing is corrected.
    faith: events that the model's own probabilities count for, see `shrunk`.
    ConfigurationError for an unknown method, InputError for values outside their range.
    """
    fit = METHODS.get(method)
    if fit is None:
        raise ConfigurationError(f"train.calibration is {method!r}; expected one of {', '.join(METHODS)}")
    p, y, w = _checked(predicted, happened, weight)
    rows = np.flatnonzero((w > 0) & ~np.isnan(p))
    maps = {
        name: encoded(shrunk(fit(p[part], y[part], w[part]), _events(y[part]), faith))
        for name, part in _parts(rows, scenario).items()
        if _events(y[part]) >= least_events
    }
    everywhere = fit(p[rows], y[rows], w[rows]) if _events(y[rows]) > 0 else Identity()
    everywhere = shrunk(everywhere, _events(y[rows]), faith)
    return StoredTarget(everywhere=encoded(everywhere), scenarios=maps, rows=len(rows))


def shrunk(fitted: Calibrator, events: float, faith: float) -> Calibrator:
    """An isotonic map drawn towards p itself: w g(p) + (1 - w) p with w = events / (events + faith).

    Few events say little: the total of E events is known to 1 / sqrt(E), and a model that learned from many more
    may know it better. What is left of p's slope also keeps apart the ads that a flat step would tie. Other
    maps stay as they are.
    """
    if not isinstance(fitted, Isotonic) or not faith:
        return fitted
    w = events / (events + faith)
    return Isotonic(fitted.x, w * fitted.y + (1.0 - w) * fitted.x)


def _events(happened: Floats) -> float:
    """The rarer of what happened and what did not: a map has to learn both."""
    return float(min(happened.sum(), (1.0 - happened).sum()))


def _parts(rows: NDArray[np.int64], scenario: NDArray[np.str_] | None) -> dict[str, NDArray[np.int64]]:
    """The rows of each named scenario."""
    if scenario is None:
        return {}
    names, which = np.unique(np.asarray(scenario, str)[rows], return_inverse=True)
    return {str(name): rows[which == place] for place, name in enumerate(names) if name}


def _checked(predicted: ArrayLike, happened: ArrayLike, weight: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    """As float64 [N]; InputError where lengths differ or a value is out of range."""
    p, y = np.asarray(predicted, np.float64), np.asarray(happened, np.float64)
    w = np.ones(len(p)) if weight is None else np.asarray(weight, np.float64)
    if not p.shape == y.shape == w.shape or p.ndim != 1:
        raise InputError("predicted", f"{p.shape} against {y.shape} and {w.shape}", "as many labels and weights")
    for name, values, high in (("predicted", p, 1.0), ("happened", y, 1.0), ("weight", w, np.inf)):
        wrong = values[(values < 0) | (values > high) | (np.isnan(values) & (name != "predicted"))]
        if len(wrong):
            raise InputError(name, float(wrong[0]), f"numbers in [0, {high:g}]")
    return p, y, w


@dataclass(kw_only=True)
class CalibrationLearner:
    """Collects the maps of ctr and cvr, trees and slot factors; `export` writes what CalibrationStage.load reads.

    fields, mbct and seed: what trees are grown over, how, and by which chance.
    """

    method: str = "isotonic"
    least_events: float = 300.0
    faith: float = 0.0
    fields: Fields | None = None
    mbct: MbctConfig = field(default_factory=MbctConfig)
    seed: int = 0
    ctr: StoredTarget = field(default_factory=StoredTarget)
    cvr: StoredTarget = field(default_factory=StoredTarget)
    trees: FeatureTrees | None = None
    factors: Floats = field(default_factory=lambda: np.ones(1))

    def fit_ctr(
        self,
        predicted: ArrayLike,
        clicked: ArrayLike,
        weight: ArrayLike | None = None,
        scenario: NDArray[np.str_] | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Learn the maps of ctr, see fit_calibration, and trees; rows: values of the fields [N, F]."""
        self.ctr = fit_calibration(
            predicted,
            clicked,
            weight,
            method=self.method,
            scenario=scenario,
            least_events=self.least_events,
            faith=self.faith,
        )
        self.trees = None
        if self.method in WITH_TREES:
            self._grow(*_checked(predicted, clicked, weight), scenario, rows)

    def _grow(
        self, p: Floats, y: Floats, w: Floats, scenario: NDArray[np.str_] | None, rows: NDArray[np.int64] | None
    ) -> None:
        """Trees above the maps, from the rows that these were fitted on."""
        if self.fields is None or rows is None:
            raise ConfigurationError(f"train.calibration is {self.method!r}, which needs features: name some")
        used = (w > 0) & ~np.isnan(p)
        mapped = self.mapped(p, scenario)[used]
        fields, rows = self.fields, rows[used]
        coder = Coder(fit_codes(fields.names, fields.sizes, rows))
        random = np.random.default_rng(self.seed)
        grown = fit_trees(mapped, y[used], coder(rows), self.mbct, random=random, weight=w[used])
        self.trees = FeatureTrees(trees=grown, coder=coder)

    def mapped(self, p: Floats, scenario: NDArray[np.str_] | None) -> Floats:
        """The maps of ctr, without trees, applied to [N] predictions."""
        names = np.full(len(p), "", np.str_) if scenario is None else scenario
        return TargetMaps.of(self.ctr).each(names, p)

    def calibrated(self, p: Floats, scenario: NDArray[np.str_] | None, rows: NDArray[np.int64]) -> Floats:
        """What will be served for [N] predictions with the values [N, F] of the fields."""
        mapped = self.mapped(p, scenario)
        return mapped if self.trees is None else self.trees(mapped, rows)

    def fit_cvr(self, predicted: ArrayLike, converted: ArrayLike, weight: ArrayLike | None = None) -> None:
        """Learn the map of cvr from matured clicks; one for all traffic, conversions being few."""
        self.cvr = fit_calibration(predicted, converted, weight, method=self.method)

    def fit_slots(
        self, slot: NDArray[np.integer], calibrated: NDArray[np.floating], clicked: NDArray[np.floating]
    ) -> None:
        """Learn the slot factors from impressions with their calibrated first-slot ctr."""
        self.factors = slot_factors(slot, calibrated, clicked)

    def export(self, folder: Path) -> None:
        """Write calibration.json, slots.json and, where there are trees, mbct.json."""
        write_calibration(folder, StoredCalibration(ctr=self.ctr, cvr=self.cvr))
        write_slot_factors(folder, self.factors)
        if self.trees is not None:
            write_trees(folder, self.trees)
