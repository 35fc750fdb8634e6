"""The calibration stage: probabilities that money can trust."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.stored import TargetMaps, read_calibration
from adcascade.contracts import Candidates, Opportunity


class CalibrationStage:
    """Replaces ctr and cvr by their calibrated values, each by the map of the request's scenario.

    The maps are non-decreasing, so candidates ranked by ctr stay ranked; order and score are left as they are.
    """

    name = "calibration"

    def __init__(self, ctr: TargetMaps, cvr: TargetMaps | None = None) -> None:
        self.ctr = ctr
        self.cvr = TargetMaps() if cvr is None else cvr

    @classmethod
    def load(cls, folder: Path) -> "CalibrationStage":
        """From a folder with calibration.json; BundleError where that is damaged."""
        return cls(*read_calibration(folder))

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """The same candidates with calibrated ctr and cvr; what is NaN stays NaN."""
        scenario = opportunity.request.scenario
        return candidates.with_(
            ctr=_applied(self.ctr, scenario, candidates.ctr), cvr=_applied(self.cvr, scenario, candidates.cvr)
        )


def _applied(maps: TargetMaps, scenario: str, p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Calibrated float32 [n]."""
    return maps.for_scenario(scenario)(p).astype(np.float32)
