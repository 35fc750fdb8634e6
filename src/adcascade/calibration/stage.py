"""The calibration stage: probabilities that money can trust."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.mbct_stored import FeatureTrees, read_trees
from adcascade.calibration.stored import TargetMaps, read_calibration
from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.candidates import UNKNOWN
from adcascade.errors import BundleError, ConfigurationError
from adcascade.features.ads import AdFeatures
from adcascade.features.encoder import Columns
from adcascade.features.fields import Fields

Floats = NDArray[np.float64]


class ServedTrees:
    """Calibration trees beside the features of the request that is here and of the ads of the catalog."""

    def __init__(self, trees: FeatureTrees, ads: AdFeatures) -> None:
        """BundleError where the trees do not know the features of this encoder."""
        try:
            self.fields = Fields(ads.encoder, trees.names)
        except ConfigurationError as error:
            raise BundleError(f"the calibration trees fit no feature of the bundle: {error}; train again") from error
        if self.fields.sizes != tuple(one.size for one in trees.coder.fields):
            raise BundleError("the calibration trees were grown over another encoder's values; train again")
        self.trees, self.ads = trees, ads
        trees.trees(np.array([np.nan]), np.zeros((1, len(trees.names)), np.uint8))  # compiled before the first request

    def __call__(self, p: Floats, opportunity: Opportunity, ad: NDArray[np.int32]) -> Floats:
        """Calibrated [n] of probabilities [n] of these ads, rows of the catalog [n]."""
        return self.trees(p, self.fields(opportunity.features.ids, self.ads.ids[ad]))


class CalibrationStage:
    """Replaces ctr and cvr by calibrated values: each by the map of the request's scenario, ctr then by its trees.

    Candidates come and go in the same order, and their score is left as it is. Maps keep candidates ranked by ctr
    ranked (but for a histogram's); trees may not, and bidding ranks anew by what they say.
    """

    name = "calibration"

    def __init__(self, ctr: TargetMaps, cvr: TargetMaps | None = None, trees: ServedTrees | None = None) -> None:
        self.ctr = ctr
        self.cvr = TargetMaps() if cvr is None else cvr
        self.trees = trees

    @classmethod
    def load(cls, folder: Path, ads: AdFeatures | None = None) -> "CalibrationStage":
        """From a folder with calibration.json and perhaps mbct.json, which needs `ads`; BundleError where damaged."""
        trees = read_trees(folder)
        if trees is not None and ads is None:
            raise BundleError(f"{folder} holds calibration trees, which need the features of the ads")
        served = None if trees is None or ads is None else ServedTrees(trees, ads)
        return cls(*read_calibration(folder), served)

    def of_samples(self, p: Floats, scenario: NDArray[np.str_], columns: Columns) -> Floats:
        """What would have been served [n] for predictions [n] of ctr in these scenarios [n] and sample columns."""
        mapped = self.ctr.each(scenario, p)
        if self.trees is None:
            return mapped
        return self.trees.trees(mapped, self.trees.fields.of(columns, len(p)))

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """The same candidates with calibrated ctr and cvr; what is NaN stays NaN."""
        scenario = opportunity.request.scenario
        ctr = self.ctr.for_scenario(scenario)(candidates.ctr)
        if self.trees is not None:
            ctr = self.trees(ctr, opportunity, candidates.ad)
        calibrated = candidates.with_(ctr=ctr.astype(np.float32))
        if candidates.cvr.base is UNKNOWN:
            return calibrated
        cvr = self.cvr.for_scenario(scenario)(candidates.cvr)
        return calibrated.with_(cvr=cvr.astype(np.float32))
